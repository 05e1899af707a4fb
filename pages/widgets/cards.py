"""The three cards SENT · RECEIVER · ATTACKER."""

from __future__ import annotations

import streamlit as st

from pages.widgets.facts import Facts, Guess, percent, probabilities, truth_note, unquoted
from pages.widgets.pictures import CARD, png, sharp, to_pil
from pages.widgets.stages import Session
from pages.widgets.strings import t, whole
from semcom_core import bars, figures
from semcom_core.attacks import THREATS
from semcom_core.attacks.base import ThreatModel
from semcom_core.bars import Bars
from semcom_core.link import Reading, Transmission


def cards(session: Session, transmission: Transmission, facts: Facts) -> None:
    """What was sent, what the receiver has, what the attacker has: side by side, stacked on a phone."""
    with st.container(key="cards"):
        sent, receiver, attacker = st.columns(3, border=True, gap="small")
    with sent:
        _sent(session, transmission, facts)
    with receiver:
        _receiver(session, transmission, facts)
    with attacker:
        _attacker(session, transmission, facts)


def _sent(session: Session, transmission: Transmission, facts: Facts) -> None:
    classes = session.models.domain.classes
    _head("sent", t(f"card.sent.what_{session.chosen.source}"))
    st.image(
        png(sharp(to_pil(transmission.encoded.native[0]), CARD)),
        width="stretch",
        output_format="PNG",
        alt=t("card.sent.alt", judged=facts.sent.name),
    )
    _read(t("card.judge_reads"), facts.sent if not facts.foreign else None, verdict=False, absent="card.foreign")
    judge = Bars(t("card.judge"), probabilities(transmission.sent_judged))
    _chart("sent", facts.sent, classes, judge, figures.NEUTRAL)
    size, symbols = st.columns(2, wrap=False, gap="xsmall")
    side = session.models.domain.native_size
    size.metric(t("card.sent.size"), f"{side} × {side}", help=t("card.sent.size_help"))
    symbols.metric(t("card.sent.symbols"), whole(transmission.sent.x.shape[1]), help=t("card.sent.symbols_help"))
    st.caption(truth_note(facts))


def _receiver(session: Session, transmission: Transmission, facts: Facts) -> None:
    settings, reading = transmission.settings, transmission.reception.reading
    _head("receiver", t("card.link", channel=t(f"channel.{settings.channel}.short"), snr=f"{settings.snr_db:g}"))
    _picture("receiver", reading, facts.receiver_picture)
    _read(t("card.receiver.reads"), facts.receiver, verdict=not facts.foreign)
    own = Bars(t("card.receiver.own"), probabilities(reading.logits))
    _chart("receiver", facts.receiver, session.models.domain.classes, own, figures.RECEIVER, _judge(reading))
    _quality(reading, facts.receiver_picture)
    _verdict("utility", "good" if facts.receiver.right else "bad", facts)


def _attacker(session: Session, transmission: Transmission, facts: Facts) -> None:
    settings, reading = transmission.settings, transmission.eavesdropping.reading
    name = transmission.eavesdropping.attacker
    snr = f"{settings.chosen_eve_snr_db:g}"
    _head("attacker", t("card.attacker.link", attacker=t(f"attacker.{name}.short"), snr=snr))
    _picture("attacker", reading, facts.attacker_picture)
    classes, judge = session.models.domain.classes, _judge(reading)
    if facts.attacker is None:
        _read(t("card.attacker.judge_reads"), facts.attacker_picture, verdict=not facts.foreign)
        _chart("attacker", facts.attacker_picture, classes, judge, figures.ATTACKER, hatched=True)
    else:
        _read(t("card.attacker.reads"), facts.attacker, verdict=not facts.foreign)
        own = Bars(t("card.attacker.own"), probabilities(reading.logits))
        _chart("attacker", facts.attacker, classes, own, figures.ATTACKER, judge)
    _quality(reading, facts.attacker_picture)
    agreement = transmission.eavesdropping.key_agreement
    if agreement is not None:
        st.caption(f":material/key: {t('card.attacker.key', share=f'{agreement:.0%}')}")
    _verdict("leakage", _leak(facts, THREATS[name], protected=bool(transmission.sent.chain)), facts)


def _leak(facts: Facts, threat: ThreatModel, *, protected: bool) -> str:
    """What leaked, and against what, as a key of the catalogue."""
    if facts.picture_leaks and facts.class_leaks:
        return "both_open" if not protected else "both_key" if threat.key else "both"
    if facts.picture_leaks:
        return "picture"
    if facts.class_leaks:
        return "class"
    return "nothing_weak" if protected and not threat.algorithm else "nothing"


def _head(party: str, what: str) -> None:
    with st.container(key=f"head_{party}"):
        st.markdown(f"**{t(f'card.{party}.name')}**")
        st.caption(what)


def _picture(party: str, reading: Reading, judged: Guess | None) -> None:
    if reading.native is None:
        st.info(t(f"card.{party}.no_picture"), icon=":material/hide_image:")
        return
    alt = t(f"card.{party}.alt", judged=judged.name)
    st.image(png(sharp(to_pil(reading.native[0]), CARD)), width="stretch", output_format="PNG", alt=alt)


def _judge(reading: Reading) -> Bars | None:
    """The judge's probabilities for a party's picture, if it has one."""
    return None if reading.judged is None else Bars(t("card.judge"), probabilities(reading.judged))


def _read(label: str, guess: Guess | None, *, verdict: bool = True, absent: str = "") -> None:
    """One reading in large type: the class, how sure, and whether it is right, in words and with an icon."""
    with st.container(key=f"reading_{len(label)}_{label.replace(' ', '_')}"):
        st.caption(label)
        if guess is None:
            st.markdown(f"### {t(absent)}")
            return
        mark = f" :{_colour(guess)}-badge[{t('card.right' if guess.right else 'card.wrong')}]" if verdict else ""
        st.markdown(f"### {unquoted(guess.name)} :gray[· {percent(guess.probability)}]{mark}")


def _colour(guess: Guess) -> str:
    return "green" if guess.right else "orange"


def _chart(
    party: str,
    best: Guess,
    classes: tuple[str, ...],
    main: Bars,
    colour: str,
    second: Bars | None = None,
    *,
    hatched: bool = False,
) -> None:
    label = t("card.chart_alt", party=t(f"card.{party}.name"), answer=best.name, probability=percent(best.probability))
    with st.container(key=f"chart_{party}"):
        st.html(bars.probabilities(classes, main, colour, label, second, hatched=hatched))


def _quality(reading: Reading, judged: Guess | None) -> None:
    """How close the picture is, and what the judge says of it (the diamonds of the chart)."""
    if judged is None:
        return
    psnr, ssim = st.columns(2, wrap=False, gap="xsmall")
    psnr.metric(t("card.psnr"), t("card.psnr_value", value=float(reading.psnr[0])), help=t("card.psnr_help"))
    # A plus zero turns a rounded "-0.00" into "0.00"; a true minus reads better than a hyphen.
    similarity = f"{round(float(reading.ssim[0]), 2) + 0:.2f}".replace("-", "−")
    ssim.metric(t("card.ssim"), similarity, help=t("card.ssim_help"))
    if reading.logits is None:  # then the judge's word is the reading above
        st.caption(t("card.no_own_reading"))
        return
    st.caption(
        t("card.judge_sees", name=judged.name, probability=percent(judged.probability)), help=t("card.judge_help")
    )


def _verdict(kind: str, outcome: str, facts: Facts) -> None:
    if facts.foreign:
        st.info(t(f"verdict.{kind}.foreign"), icon=":material/help:")
        return
    box, icon = {
        "good": (st.success, ":material/check_circle:"),
        "bad": (st.warning, ":material/cancel:"),
        "nothing": (st.success, ":material/lock:"),
        "nothing_weak": (st.info, ":material/lock:"),
        "class": (st.warning, ":material/lock_open:"),
        "picture": (st.warning, ":material/lock_open:"),
        "both": (st.warning, ":material/lock_open:"),
        "both_open": (st.warning, ":material/lock_open:"),
        "both_key": (st.warning, ":material/key:"),
    }[outcome]
    box(t(f"verdict.{kind}.{outcome}", truth=facts.truth_name), icon=icon)
