"""The theory: how much any attacker must miss, exactly on a toy and as a certificate on real features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.inversion.scene import Scene
from pages.inversion.words import attack_name, defense_name
from pages.widgets.experiment import CHART
from pages.widgets.strings import t
from semcom_core.entropy import GaussianToy, ToyCurve, toy, toy_curve
from semcom_core.evaluation import certified
from semcom_core.evaluation.select import CEM_PAIRS
from semcom_core.figures_privacy import Certified, certificate_figure, gaussian_toy_figure

_D = 32
_SIGMAS = np.geomspace(0.03, 3.0, 60)
_NOISES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
_SEED = 5
"""Of the toy's directions only; the curves do not depend on it where every direction is heard."""


def section(scene: Scene) -> None:
    """The toy, then real features."""
    st.markdown(t("inversion.theory.intro"))
    _toy()
    st.divider()
    _real(scene.domain)


@st.cache_data(max_entries=32, show_spinner=False)
def _curve(decay: float, kept: int) -> ToyCurve:
    return toy_curve(_made(decay, kept), list(_SIGMAS))


def _made(decay: float, kept: int) -> GaussianToy:
    return toy(_D, decay, kept, np.random.default_rng(_SEED))


def _toy() -> None:
    st.markdown(t("inversion.theory.toy"))
    st.markdown(t("inversion.theory.toy_words", d=_D))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        sigma = st.select_slider(
            t("inversion.theory.noise"),
            _NOISES,
            0.5,
            key="toy_noise",
            persist_state="session",
            help=t("help.inversion.noise"),
        )
        decay = st.slider(
            t("inversion.theory.decay"), 0.0, 3.0, 1.0, 0.25, key="toy_decay", persist_state="session",
            help=t("inversion.theory.decay_help"),
        )  # fmt: skip
        kept = st.slider(
            t("inversion.theory.kept"), 1, _D, _D, key="toy_kept", persist_state="session",
            help=t("inversion.theory.kept_help"),
        )  # fmt: skip
        one = _made(decay, kept)
        floor, optimum = one.floor(sigma), one.optimum(sigma)
        st.markdown(
            t("inversion.theory.at", noise=f"{sigma:g}", bound=f"{floor:.3g}", optimum=f"{optimum:.3g}",
              tight=f"{floor / optimum:.0%}")
        )  # fmt: skip
        st.caption(t("inversion.theory.gap_words"))
        with st.popover(t("inversion.theory.formula_button"), icon=":material/function:"):
            st.markdown(t("inversion.theory.formula"))
    with right:
        figure = gaussian_toy_figure(
            _curve(decay, kept),
            (t("inversion.theory.bound"), t("inversion.theory.optimum")),
            t("inversion.theory.noise"),
            t("inversion.theory.error"),
            toy_curve(one, [sigma]),
        )
        st.plotly_chart(figure, key="toy_curve", config=CHART, alt=t("inversion.theory.toy_alt"))
        st.caption(t("inversion.theory.logarithmic"))


def _real(domain: str) -> None:
    st.markdown(t("inversion.theory.real"))
    st.markdown(t("inversion.theory.real_words"))
    rows = certified.rows(domain)
    if not rows:
        st.info(t("inversion.theory.real_none"), icon=":material/hourglass_empty:")
    else:
        shown = [one for one in rows if one.mse is not None]
        if shown:
            figure = certificate_figure(
                [_point(one, rows) for one in shown], t("inversion.theory.certified"), t("inversion.theory.attacked")
            )
            st.plotly_chart(figure, key="certified", config=CHART, alt=t("inversion.theory.real_alt"))
        st.dataframe(
            [_row(one) for one in rows],
            hide_index=True,
            column_config={
                t(f"inversion.theory.{name}"): st.column_config.NumberColumn(format="%.3f")
                for name in ("certified", "reached")
            },
            alt=t("inversion.theory.real_alt"),
        )
    st.caption(t("inversion.theory.real_assumptions"))


def _name(one: certified.Certified, rows: Sequence[certified.Certified]) -> str:
    """The defense; with its noise and SNR where it was certified at several."""
    alike = [other for other in rows if other.defense == one.defense]
    parts = [defense_name(one.defense)]
    if len({other.noise for other in alike}) > 1:
        parts.append(t("inversion.plane.variant_noise", noise=one.noise))
    if len({other.snr_db for other in alike}) > 1:
        parts.append(f"{one.snr_db:g} dB")
    return " ".join(parts)


def _point(one: certified.Certified, rows: Sequence[certified.Certified]) -> Certified:
    without = next(
        (
            _name(other, rows)
            for before, after in CEM_PAIRS
            if after == one.defense
            for other in rows
            if (other.defense, other.noise, other.snr_db) == (before, one.noise, one.snr_db)
        ),
        None,
    )
    return Certified(_name(one, rows), one.ratio, one.mse, one.interval, without)


def _row(one: certified.Certified) -> dict[str, Any]:
    return {
        t("inversion.theory.defense"): defense_name(one.defense),
        t("inversion.theory.noise"): one.noise,
        t("inversion.plane.snr"): f"{one.snr_db:g} dB",
        t("inversion.theory.certified"): one.ratio,
        t("inversion.theory.reached"): one.reached,
        t("inversion.theory.by"): "" if one.attack is None else attack_name(one.attack),
        t("inversion.theory.nats"): f"{one.nats:,.0f}",
    }
