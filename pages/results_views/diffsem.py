"""DiffSem's gap: the receiver with and without its denoiser, and an attacker that has the same one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.inversion.words import attack_name
from pages.results_views.common import CHART, choose_domain, data_note, loaded, provenance
from pages.widgets.strings import t, whole
from semcom_core import figures_grid
from semcom_core.evaluation import paired
from semcom_core.evaluation.grid import Grid
from semcom_core.evaluation.paired import Difference, Paired
from semcom_core.evaluation.reported import reported
from semcom_core.figures_grid import Measured

_DEFENSE = "diffsem"


def section() -> None:
    """Curves with and without, and the gap at the plane's SNR."""
    st.markdown(t("results.diffsem.intro"))
    domain = choose_domain()
    data_note(domain)
    told = reported(_DEFENSE, quantity="receiver_accuracy_gain")
    st.caption(
        "; ".join(t("results.diffsem.reported", gain=f"{100 * one.value:.2f}", source=one.source) for one in told)
    )
    grid = loaded(domain)
    if grid is None:
        return
    if _DEFENSE not in grid.defenses:
        st.info(t("results.diffsem.none"), icon=":material/hourglass_empty:")
        return
    channel = st.segmented_control(
        t("inversion.plane.channel"), sorted({row["channel"] for row in grid.receiver_rows}), default="awgn",
        required=True, key="diffsem_channel", format_func=lambda name: t(f"channel.{name}.name"), help=t("help.channel")
    )  # fmt: skip
    variants = grid.variants(_DEFENSE)
    lines = [_line(grid, channel, choice) for choice in variants]
    lines = [line for line in lines if line.values]
    values = [value for line in lines for value in line.values]
    if values:
        snrs = [snr for line in lines for snr in line.snr_db]
        figure = figures_grid.accuracy_curves(
            lines,
            t("inversion.plane.snr"),
            t("results.curves.accuracy"),
            (min(snrs) - 1, max(snrs) + 1),
            (max(0.0, min(values) - 0.02), 1.002),
        )
        st.plotly_chart(figure, key="diffsem_curves", config=CHART, alt=t("results.diffsem.alt"))
    _paired(paired.read(domain))
    rows = [row for choice in variants if (row := _row(grid, channel, choice))]
    if rows:
        st.markdown(t("results.diffsem.gap_words"))
        st.dataframe(rows, hide_index=True, alt=t("results.diffsem.table_alt"))
    provenance(grid, [row for row in grid.receiver_rows + grid.attack_rows if row["defense"] == _DEFENSE])


def _paired(found: Sequence[Paired]) -> None:
    """What the denoiser adds, reception by reception, in a sentence and a table."""
    if not found:
        return
    best = paired.greatest(found)
    gains = sum(row.gain.beyond_chance and row.gain.value > 0 for row in found)
    st.markdown(
        t("results.diffsem.paired", links=best.links, images=whole(best.images), gains=gains, levels=len(found))
        + " "
        + t(
            "results.diffsem.paired_best",
            noise=f"{best.noise:g}",
            gain=_points(best.gain),
            attacker=_points(best.attacker_gain),
        )
    )
    rows = [
        {
            t("results.diffsem.noise"): row.noise,
            t("results.diffsem.alone"): f"{row.without:.4f}",
            t("results.diffsem.denoised", steps=paired.STEPS): f"{row.with_:.4f}",
            t("results.diffsem.gain"): _points(row.gain),
            t("results.diffsem.attacker_gain"): _points(row.attacker_gain),
            t("results.diffsem.label_gain"): _points(row.label),
            t("results.diffsem.lead"): _points(row.lead),
        }
        for row in found
    ]
    st.dataframe(rows, hide_index=True, alt=t("results.diffsem.paired_alt"))


def _points(one: Difference) -> str:
    """With true minus signs, which read better than hyphens."""
    return one.points.replace("-", "−")


def _name(choice: dict[str, Any]) -> str:
    steps = choice.get("steps", 0)
    words = t("results.diffsem.without") if not steps else t(
        "results.diffsem.with_labels" if choice.get("labels") else "results.diffsem.with", steps=steps
    )  # fmt: skip
    return f"{words}, σ = {choice['noise']:g}" if "noise" in choice else words


def _line(grid: Grid, channel: str, choice: dict[str, Any]) -> Measured:
    rows = grid.receivers(_DEFENSE, channel, **choice)
    return Measured(
        _name(choice),
        [row["snr_db"] for row in rows],
        [row["accuracy"] for row in rows],
        [tuple(row["interval"]) for row in rows],
    )


def _row(grid: Grid, channel: str, choice: dict[str, Any]) -> dict[str, Any] | None:
    gap = grid.gap(_DEFENSE, channel, **choice)
    if gap is None:
        return None
    return {
        t("results.diffsem.variant"): _name(choice),
        t("inversion.plane.table_receiver"): f"{gap.receiver:.4f}",
        t("inversion.plane.table_attacker"): f"{gap.attacker.accuracy:.4f}",
        t("inversion.plane.table_gap"): round(100 * gap.value, 2),
        t("inversion.plane.table_attack"): attack_name(gap.attacker.attack),
        t("results.diffsem.pictures"): gap.attacker.row["images"],
        t("inversion.plane.table_uses"): gap.attacker.row["channel_uses"],
    }
