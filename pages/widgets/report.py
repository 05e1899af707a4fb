"""The one-page report of a transmission: its data from what the page shows, and the button."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import streamlit as st
from PIL import Image
from torch import Tensor

from pages.widgets import language, own_link
from pages.widgets.facts import Facts, Guess, percent, summary, truth_note
from pages.widgets.pictures import to_pil
from pages.widgets.report_measured import measured
from pages.widgets.share import share_link, share_note
from pages.widgets.stages import Session
from pages.widgets.strings import t, whole
from pages.widgets.threat import threat_sentence
from semcom_core.attacks import THREATS
from semcom_core.link import Reading, Transmission
from semcom_core.report_page import Party, Report, render

FILE_NAME = "semcom-report.pdf"


def report_button(session: Session, transmission: Transmission, facts: Facts) -> None:
    """The download; the page is made when it is asked for."""
    address = share_link(session)  # now: a download has no page of its own
    st.download_button(
        t("report.button"),
        language.in_this(lambda: render(report(session, transmission, facts, address))),
        FILE_NAME,
        "application/pdf",
        key="report",
        on_click="ignore",
        icon=":material/picture_as_pdf:",
        help=t("report.button_help"),
    )


def report(session: Session, transmission: Transmission, facts: Facts, address: str) -> Report:
    """Everything that stands on the page; of a visitor's picture only its prepared form."""
    settings = transmission.settings
    return Report(
        title=t("report.title"),
        language=t("report.language"),
        date=t("report.date", date=f"{datetime.now(UTC):%Y-%m-%d %H:%M}"),
        headline=summary(facts),
        parties=_parties(transmission, facts),
        settings_title=t("report.settings"),
        settings=tuple(_settings(session, transmission)),
        measured=measured(settings),
        caveats_title=t("report.caveats"),
        caveats=(truth_note(facts), *(t(f"report.caveat.{name}") for name in _caveats(session))),
        weights_title=t("report.weights"),
        weights=tuple(_weights(session)),
        address_title=t("report.address"),
        address=address,
        address_note=share_note(session),
    )


def _parties(transmission: Transmission, facts: Facts) -> tuple[Party, Party, Party]:
    sent = t("report.party.judge", name=facts.sent.name, probability=percent(facts.sent.probability))
    theirs = transmission.eavesdropping
    lines = _lines(theirs.reading, facts.attacker, facts.attacker_picture, facts)
    if theirs.key_agreement is not None:
        lines += (t("report.party.key", share=f"{theirs.key_agreement:.0%}"),)
    ours = transmission.reception.reading
    return (
        _party("sent", transmission.encoded.native, facts.sent, (sent,)),
        _party(
            "receiver", ours.native, facts.receiver_picture, _lines(ours, facts.receiver, facts.receiver_picture, facts)
        ),
        _party("attacker", theirs.reading.native, facts.attacker_picture, lines),
    )


def _party(name: str, native: Tensor | None, judged: Guess | None, lines: tuple[str, ...]) -> Party:
    title = t(f"report.party.{name}")
    alt = "" if judged is None else t("report.party.alt", party=title, judged=judged.name)
    picture: Image.Image | None = None if native is None else to_pil(native[0])
    return Party(title, picture, alt, lines)


def _lines(reading: Reading, own: Guess | None, judged: Guess | None, facts: Facts) -> tuple[str, ...]:
    lines = [_guess("reads", own, facts) if own else t("report.party.no_guess")]
    if judged is None:
        return (*lines, t("report.party.no_picture"))
    quality = t("report.party.quality", psnr=f"{float(reading.psnr[0]):.1f}", ssim=f"{float(reading.ssim[0]):.2f}")
    return (*lines, _guess("judge", judged, facts), quality)


def _guess(kind: str, guess: Guess, facts: Facts) -> str:
    words = {"name": guess.name, "probability": percent(guess.probability)}
    if facts.foreign:  # nothing is right or wrong
        return t(f"report.party.{kind}", **words)
    return t(f"report.party.{kind}_verdict", **words, verdict=t(f"card.{'right' if guess.right else 'wrong'}"))


def _settings(session: Session, transmission: Transmission) -> Iterator[tuple[str, str]]:
    settings, defense = transmission.settings, transmission.settings.chosen_defense
    attacker = transmission.eavesdropping.attacker
    values = {
        "domain": t(f"domain.{settings.domain}.name"),
        "source": t(f"card.sent.what_{session.chosen.source}"),
        "channel": t(f"channel.{settings.channel}.name"),
        "snr": f"{settings.snr_db:g} dB",
        "eve_snr": f"{settings.chosen_eve_snr_db:g} dB",
        "defense": t(f"defense.{settings.defense}.name"),
    }
    if defense.uses_noise:
        values["noise"] = f"{settings.noise:g}"
    if defense.uses_steps:
        values["steps"] = str(settings.steps)
    if defense.keyed:
        values["policy"] = t(f"policy.{settings.policy}.name")
        values["key_mode"] = t(f"key_mode.{'demo' if session.source.demo else 'secret'}.name")
    values["attacker"] = t(f"attacker.{attacker}.name")
    values["knows"] = re.sub(r"\*\*", "", threat_sentence(THREATS[attacker]))
    values["symbols"] = whole(transmission.sent.x.shape[1])
    values["seed"] = str(settings.seed)
    return ((t(f"report.setting.{name}"), value) for name, value in values.items())


def _caveats(session: Session) -> Iterator[str]:
    yield from ("one", "attacks", "simulated")
    defense = session.settings.chosen_defense
    if defense.keyed and session.source.demo:
        yield "demo_key"
    yield from {
        "repobe": ["permutation"],
        "shuffling": ["permutation"],
        "rotation": ["exact"],
        "rotation_fast": ["fast"],
    }.get(defense.name, [])
    yield "integrity"


def _weights(session: Session) -> Iterator[tuple[str, str]]:
    own = own_link.here(session.settings.domain, session.settings.defense)
    if own is not None:
        yield t("report.own_weights"), t("report.own_weights_hash")
    yield from ((one.name, one.sha256) for one in session.models.located)
