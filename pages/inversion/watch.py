"""Watch an attack: white-box optimisation, the picture appearing step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.inversion.cells import Shown, row_html
from pages.inversion.scene import Scene
from pages.widgets import stages
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from pages.widgets.threat import threat_sentence
from semcom_core import figures, link
from semcom_core.attacks.white_box import STEPS, THREAT
from semcom_core.compare import Cell, canonical
from semcom_core.defenses import DEFENSES
from semcom_core.figures_attacks import Line, lines
from semcom_core.lab.watched import Look, watch

_STRIDE = 5
_FILM = 5
"""Earlier pictures beside the present one."""
_WITHOUT_GRADIENT = frozenset({"jpeg2000"})
"""A classical codec has no gradient to follow."""


def section(scene: Scene) -> None:
    """Choose a defense without a key, start, watch."""
    st.markdown(t("inversion.watch.intro"))
    st.markdown(f":material/visibility: {threat_sentence(THREAT)}")
    open_ = [
        name
        for name in link.trained_defenses(scene.domain)
        if not DEFENSES[name].keyed and name not in _WITHOUT_GRADIENT
    ]
    if st.session_state.get("watch_defense") not in open_:
        st.session_state["watch_defense"] = open_[0]
    defense = st.selectbox(
        t("inversion.watch.defense"),
        open_,
        key="watch_defense",
        format_func=lambda name: t(f"defense.{name}.name"),
        help=t("inversion.watch.keyed"),
    )
    settings = canonical(scene.settings, defense)
    steps = STEPS[scene.domain]

    def begin() -> Iterator[Any]:
        return watch(stages.models(scene.domain, defense), scene.chosen.prepared.native[None], settings, steps, _STRIDE)

    experiment(
        "white_box",
        (scene.of, defense),
        begin,
        steps // _STRIDE + 1,
        lambda looks: _show(scene, looks, steps),
        t("inversion.watch.what", steps=steps, defense=t(f"defense.{defense}.name"), snr=f"{settings.snr_db:g}"),
    )
    st.caption(t("inversion.watch.limits"))
    st.caption(t("inversion.watch.keyed"))


def _show(scene: Scene, looks: Sequence[Look], steps: int) -> None:
    last = looks[-1]
    picked = np.unique(np.linspace(0, len(looks) - 1, min(_FILM, len(looks))).round().astype(int))
    film = [
        Shown("attacker", t("inversion.watch.now", step=looks[number].step), _cell(looks[number])) for number in picked
    ]
    sent = Shown("sent", t(f"card.sent.what_{scene.chosen.source}"), scene.sent)
    st.html(row_html([sent, *film], scene.classes, scene.truth))
    left, right = st.columns(2, gap="medium")
    at, span = [look.step for look in looks], (0.0, float(steps))
    mismatch = Line(t("inversion.watch.mismatch"), at, [look.mismatch for look in looks], figures.ATTACKER)
    likeness = Line(t("inversion.watch.psnr"), at, [look.psnr for look in looks], figures.ATTACKER)
    with left:
        figure = lines(
            [mismatch],
            t("inversion.watch.step_axis"),
            t("inversion.watch.mismatch"),
            log_y=True,
            x_span=span,
            height=280,
        )
        st.plotly_chart(figure, key="watch_mismatch", config=CHART, alt=t("inversion.watch.curve_alt"))
    with right:
        figure = lines([likeness], t("inversion.watch.step_axis"), t("inversion.watch.psnr"), x_span=span, height=280)
        st.plotly_chart(figure, key="watch_psnr", config=CHART, alt=t("inversion.watch.psnr_alt"))
    if last.step < steps:
        return
    st.markdown(t("inversion.watch.done", psnr=f"{last.psnr:.1f}"))


def _cell(look: Look) -> Cell:
    return Cell(look.picture, None, look.judged, psnr=look.psnr)
