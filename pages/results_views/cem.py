"""CEM's gain: how much larger an attack's error becomes where conditional entropy maximisation is plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.inversion.words import attack_name, defense_name
from pages.results_views.common import CHART, chosen_grid, provenance
from pages.widgets.strings import t
from semcom_core import figures_grid
from semcom_core.evaluation.grid import Grid
from semcom_core.evaluation.reported import reported
from semcom_core.evaluation.select import Gain, gains, strongest_gain

_POINT = 0.005
"""Accuracies this close count as equal."""


def section() -> None:
    """Bars a pair and attack, and the table with the accuracies that go with them."""
    st.markdown(t("results.cem.intro"))
    domain, grid = chosen_grid()
    if grid is None:
        return
    found = gains(grid)
    if not found:
        st.info(t("results.cem.none"), icon=":material/hourglass_empty:")
        return
    places = list(dict.fromkeys((one.channel, one.snr_db) for one in found))
    place = st.selectbox(
        t("results.cem.place"), places, key=f"cem_place_{domain}",
        format_func=lambda one: f"{t(f'channel.{one[0]}.name')}, {one[1]:g} dB", help=t("help.results.place")
    )  # fmt: skip
    here = [one for one in found if (one.channel, one.snr_db) == place]
    low, high = sorted(one.value for one in reported("cem", quantity="attack_mse_gain"))
    pairs = list(dict.fromkeys(_pair(one) for one in here))
    groups = [
        (attack_name(attack), [_gain(here, pair, attack) for pair in pairs])
        for attack in dict.fromkeys(one.attack for one in here)
    ]
    figure = figures_grid.gain_bars(
        pairs,
        groups,
        t("results.cem.axis"),
        (low, high, t("results.cem.reported", low=f"{low:.1%}", high=f"{high:.1%}")),
    )
    st.plotly_chart(figure, key="cem_gain", config=CHART, alt=t("results.cem.alt"))
    st.markdown("\n".join(f"- {_best(strongest_gain([one for one in here if _pair(one) == pair]))}" for pair in pairs))
    st.caption(t("results.cem.note"))
    st.dataframe([_row(one) for one in here], hide_index=True, alt=t("results.cem.table_alt"))
    provenance(grid, _behind(grid, here))


def _pair(one: Gain) -> str:
    sigma = "" if one.noise is None else f" σ={one.noise:g}"
    return t("results.cem.pair", without=defense_name(one.without), cem=defense_name(one.with_cem)) + sigma


def _best(one: Gain) -> str:
    """What CEM does to the best attack, in a sentence."""
    change = f"{100 * one.accuracy_change:+.2f}"
    said = t("results.cem.best", pair=_pair(one), gain=f"{one.gain:+.1%}", change=change)
    return said if _fair(one) else f"{said} {t('results.cem.unequal')}"


def _fair(one: Gain) -> bool:
    """Whether the receiver reads as well with CEM as without."""
    return abs(one.accuracy_change) <= _POINT


def _gain(found: Sequence[Gain], pair: str, attack: str) -> float | None:
    return next((one.gain for one in found if _pair(one) == pair and one.attack == attack), None)


def _row(one: Gain) -> dict[str, Any]:
    return {
        t("results.cem.column_pair"): _pair(one),
        t("inversion.plane.attack"): attack_name(one.attack),
        t("results.cem.column_gain"): f"{one.gain:+.1%}",
        t("results.cem.column_without"): f"{one.mse[0]:.4f}",
        t("results.cem.column_with"): f"{one.mse[1]:.4f}",
        t("results.cem.column_accuracy"): f"{one.accuracy[0]:.4f} → {one.accuracy[1]:.4f}",
        t("results.cem.column_fair"): t("threat.yes" if _fair(one) else "threat.no"),
    }


def _behind(grid: Grid, found: Sequence[Gain]) -> list[dict[str, Any]]:
    names = {name for one in found for name in (one.without, one.with_cem)}
    return [row for row in grid.attack_rows + grid.receiver_rows if row["defense"] in names]
