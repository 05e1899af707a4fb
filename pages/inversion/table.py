"""Compare: defenses by attacks on one picture, each cell a picture and what is read from it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.inversion.cells import Shown, head_html, row_html
from pages.inversion.scene import Scene, is_heavy
from pages.inversion.words import attack_name, plain
from pages.widgets.strings import t
from pages.widgets.threat import threat_sentence
from semcom_core import link
from semcom_core.attacks import THREATS, networks_against
from semcom_core.compare import Row, attacks
from semcom_core.defenses import DEFENSES

_FIRST = ("none", "repobe", "rotation_fast", "cem", "diffsem", "necst_dp_09", "ibal", "noise", "vae", "jpeg2000")
"""Who is shown without asking: the first five of these that are trained."""
_SHOWN_AT_FIRST = 5
_ORDER = ("ridge", "inversion", "conv", "adaptive", "diffusion_prior", "naive")
SLOW = frozenset({"diffusion_prior"})
"""Attacks that take seconds a picture; they wait for a switch."""


def section(scene: Scene) -> None:
    """Choose defenses; one row each."""
    st.markdown(t("inversion.table.intro"))
    chosen = choose_defenses(scene)
    wanted = choose_attacks()
    headline = st.container(key="summary")
    rows = []
    for defense in chosen:
        with st.container(key=f"row_{defense}"):
            row = draw(scene, defense, wanted)
        if row is not None:
            rows.append(row)
    if rows:
        headline.markdown(summary(rows, scene.truth))
        st.caption(truth_note(scene))
    _what_attackers_know(wanted)


def choose_defenses(scene: Scene) -> list[str]:
    """Pills with every trained defense of the domain, in the registry's order."""
    trained = link.trained_defenses(scene.domain)
    first = [name for name in _FIRST if name in trained][:_SHOWN_AT_FIRST]
    key = f"inversion_defenses_{scene.domain}"
    if key not in st.session_state:
        st.session_state[key] = first
    picked = st.pills(
        t("inversion.table.defenses"),
        trained,
        selection_mode="multi",
        format_func=lambda name: t(f"defense.{name}.name"),
        key=key,
        persist_state="session",
        help=t("help.inversion.defenses"),
    )
    return [name for name in trained if name in picked]


def choose_attacks() -> list[str]:
    """All attacks of the comparison; the slow ones by a switch, if there are any."""
    all_ = sorted(attacks(), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    slow = [name for name in all_ if name in SLOW]
    if slow and not st.toggle(
        t("inversion.table.slow", names=", ".join(map(attack_name, slow))),
        key="inversion_slow",
        persist_state="session",
        help=t("help.inversion.slow"),
    ):
        return [name for name in all_ if name not in SLOW]
    return all_


def draw(scene: Scene, defense: str, wanted: Sequence[str]) -> Row | None:
    """One defense's row; ``None`` while it waits for its button."""
    asked = st.session_state.setdefault("inversion_asked", set())
    subject = (scene.of, defense)
    name = t(f"defense.{defense}.name")
    if is_heavy(scene.settings, defense) and subject not in asked:
        st.markdown(f"**{name}**")
        st.button(
            t("inversion.table.heavy", steps=scene.settings.steps), icon=":material/play_arrow:",
            key=f"heavy_{defense}", on_click=asked.add, args=(subject,),
        )  # fmt: skip
        return None
    with st.spinner(t("inversion.table.working", name=name)):
        row = scene.row(defense, list(wanted))
    st.html(row_html(cells(scene, row), scene.classes, scene.truth, head(row)))
    return row


def head(row: Row) -> str:
    """Name, mechanism, strength and cost of a row's defense."""
    defense = DEFENSES[row.defense]
    name = t(f"defense.{row.defense}.name")
    if defense.uses_noise:
        name += f" · σ = {row.settings.noise:g}"
    if defense.uses_steps:
        name += " · " + t("inversion.cell.steps", steps=row.settings.steps)
    return head_html(name, plain("defense", row.defense), row.channel_uses)


def cells(scene: Scene, row: Row) -> list[Shown]:
    """Sent, received, and what each attack made of it."""
    sent = Shown("sent", t(f"card.sent.what_{scene.chosen.source}"), scene.sent)
    receiver = Shown("receiver", t("inversion.cell.receiver"), row.receiver)
    others = [Shown("attacker", attack_name(name), cell, _why_not(row, name)) for name, cell in row.attacks.items()]
    return [sent, receiver, *others]


def _why_not(row: Row, attack: str) -> str:
    """Words for an empty cell: an attack that does not exist for this defense, or one without its network."""
    if row.attacks[attack] is not None:
        return ""
    exists = attack in networks_against(DEFENSES[row.defense])
    return t("inversion.cell.not_run" if exists else "inversion.cell.no_such")


def summary(rows: Sequence[Row], truth: int | None) -> str:
    """The story of this picture in two sentences."""
    if truth is None:
        return t("inversion.summary.foreign")
    good = sum(row.receiver.answers[0] == truth for row in rows if row.receiver.answers)
    leaks = [
        row.defense for row in rows if any(cell is not None and truth in cell.answers for cell in row.attacks.values())
    ]
    closed = [row.defense for row in rows if row.defense not in leaks]
    first = t("inversion.summary.receiver", good=good, all=len(rows))
    if not leaks:
        return f"{first} {t('inversion.summary.none')}"
    if not closed:
        return f"{first} {t('inversion.summary.every')}"
    names = ", ".join(t(f"defense.{name}.name") for name in closed)
    return f"{first} {t('inversion.summary.some', leaks=len(leaks), all=len(rows), closed=names)}"


def truth_note(scene: Scene) -> str:
    """How "right" is decided, and that one draw is one draw."""
    if scene.truth is None:
        return t("inversion.truth.foreign")
    key = "label" if scene.labelled else "judge"
    return t(f"inversion.truth.{key}", truth=scene.classes[scene.truth])


def _what_attackers_know(wanted: Sequence[str]) -> None:
    with st.expander(t("inversion.table.threats"), icon=":material/visibility:"):
        for name in wanted:
            st.markdown(f"**{attack_name(name)}.** {plain('attacker', name)} {threat_sentence(THREATS[name])}")
        st.caption(t("inversion.table.threats_note"))
