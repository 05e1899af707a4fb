"""The three screens of the story."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.story_views import words
from pages.story_views.scene import BARE, CIPHER, COMPARED, FAST, REPAIR, Scene, Shown, protection_ms
from pages.widgets.facts import Guess
from pages.widgets.pictures import sharp, to_pil
from pages.widgets.strings import t, whole
from semcom_core import figures_story
from semcom_core.figures_story import Pair
from semcom_core.link import Reading

_OPEN = ("ideal", "fast", "attacks", "forging", "simulated")


def crossing(scene: Scene) -> Shown:
    """Screen 1: one picture over the bare link; what both get."""
    shown = scene.shown(BARE, "adaptive")
    _head(1, uses=whole(shown.transmission.sent.x.shape[1]))
    sent, receiver, listener = _columns()
    read = shown.facts
    with sent:
        _title("sent")
        picture = to_pil(shown.transmission.encoded.native[0])
        st.image(
            sharp(picture), width="stretch", output_format="PNG", alt=t("story.card.alt_sent", judged=read.sent.name)
        )
        st.markdown(t("story.card.no_truth" if read.foreign else "story.card.shows"))
    with receiver:
        _party("receiver", shown.transmission.reception.reading, read.receiver, read.receiver_picture, read.foreign)
    with listener:
        _listener("listener", shown)
    bare = scene.told[BARE]
    _sentences(words.link_works(bare), words.overheard(bare))
    return shown


def protection(scene: Scene) -> Shown:
    """Screen 2: the cipher against two listeners, and the rotation."""
    _head(2)
    cases = {"simple": (CIPHER, "naive"), "good": (CIPHER, "adaptive"), "repaired": (REPAIR, "adaptive")}
    shown = {name: scene.shown(*case) for name, case in cases.items()}
    for column, (name, one) in zip(_columns(), shown.items(), strict=True):
        with column:
            _listener(name, one)
    cipher, rotation = scene.told[CIPHER], scene.told[REPAIR]
    lucky = shown["repaired"].facts.class_leaks and not shown["repaired"].facts.foreign and rotation.leaks is False
    if lucky:
        st.caption(t("story.lucky.words"))
    _sentences(words.promise(cipher), words.broken(cipher), words.repaired(rotation))
    return shown["good"]


def decision(scene: Scene) -> Shown:
    """Screen 3: one chart, the costs, the decision, and what is not proven."""
    _head(3)
    bare, cipher, rotation = (scene.told[name] for name in (BARE, CIPHER, REPAIR))
    _chart(scene)
    with st.container(key="story_decide"):
        st.markdown(f"##### {t('story.decide.title')}")
        st.markdown(words.decision(bare, cipher, rotation))
    with st.container(key="story_columns"):
        cost, open_ = st.columns(2, gap="large")
    with cost:
        st.markdown(f"##### {t('story.cost.title')}")
        st.markdown(words.accuracy_cost(bare, rotation))
        st.markdown(words.air_cost(bare, rotation))
        with st.spinner(t("story.cost.measuring")):
            times = {"exact": protection_ms(scene, REPAIR), "fast": protection_ms(scene, FAST)}
        st.markdown(
            t(
                "story.cost.speed",
                **{name: f"{value:.2g}" if value < 10 else f"{value:.0f}" for name, value in times.items()},
            )
        )
    with open_:
        st.markdown(f"##### {t('story.open.title')}")
        st.markdown("\n".join(f"- {t(f'story.open.{name}')}" for name in _OPEN))
    return scene.shown(REPAIR, "adaptive")


SCREENS = (crossing, protection, decision)


def _head(number: int, **values: object) -> None:
    st.markdown(f"# {t(f'story.screen.{number}.title')}")
    with st.container(key="story_lead"):
        st.markdown(t(f"story.screen.{number}.lead", **values))


def _columns() -> Sequence[st.delta_generator.DeltaGenerator]:
    with st.container(key="story_cards"):
        return st.columns(3, gap="medium", border=True)


def _title(name: str) -> None:
    with st.container(key=f"story_head_{name}"):
        st.markdown(f"**{t(f'story.card.{name}')}**")


def _listener(name: str, shown: Shown) -> None:
    read = shown.facts
    own = read.attacker or read.attacker_picture
    _party(name, shown.transmission.eavesdropping.reading, own, read.attacker_picture, read.foreign)


def _party(name: str, reading: Reading, guess: Guess | None, judged: Guess | None, foreign: bool) -> None:
    """A picture and the class that its owner reads, in words and with an icon."""
    _title(name)
    if reading.native is None or judged is None:
        st.info(t("story.card.no_picture"), icon=":material/hide_image:")
    else:
        alt = t("story.card.alt", who=t(f"story.card.{name}"), judged=judged.name)
        st.image(sharp(to_pil(reading.native[0])), width="stretch", output_format="PNG", alt=alt)
    if guess is None:
        st.markdown(t("story.card.no_guess"))
        return
    verdict = ""
    if not foreign:
        icon, word = ("check_circle", "right") if guess.right else ("cancel", "wrong")
        verdict = f" · :material/{icon}: {t(f'story.card.{word}')}"
    st.markdown(f"**{t('story.card.reads', name=guess.name)}**{verdict}")


def _sentences(*told: str) -> None:
    with st.container(key="story_told"):
        st.caption(t("story.live"))
        st.markdown("\n\n".join(told))


def _chart(scene: Scene) -> None:
    pairs = [_pair(scene, name) for name in COMPARED]
    figure = figures_story.kept_and_leaked(
        pairs,
        t("story.chart.receiver"),
        t("story.chart.attacker"),
        t("story.chart.axis"),
        scene.told[BARE].chance,
        t("story.chart.guessing"),
        t("story.chart.missing"),
    )
    bars = " ".join(
        t("story.chart.bar", name=pair.name, receiver=_said(pair.receiver), attacker=_said(pair.attacker))
        for pair in pairs
    )
    st.plotly_chart(figure, key="story_chart", config={"displayModeBar": False}, alt=t("story.chart.alt", bars=bars))


def _pair(scene: Scene, name: str) -> Pair:
    one = scene.told[name]
    ours = None if one.receiver is None else one.receiver.share
    theirs = None if one.strongest is None else one.strongest.best
    return Pair(
        t(f"story.defense.{name}"),
        None if ours is None else ours.value,
        None if theirs is None else theirs.value,
        None if ours is None else ours.interval,
        None if theirs is None else theirs.interval,
    )


def _said(share: float | None) -> str:
    return t("story.chart.missing") if share is None else words.hundredths(share)
