"""Accuracy over SNR (RepObE, Fig. 3a–c): ours with intervals, the papers' as hollow markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.inversion.words import defense_name
from pages.results_views.common import CHART, data_note, not_run, provenance
from pages.widgets.strings import t, whole
from semcom_core import figures_grid
from semcom_core.evaluation import grid as grids
from semcom_core.evaluation.grid import Grid
from semcom_core.evaluation.reported import Reported, reported
from semcom_core.figures_grid import Measured

_FIGURES = {
    "3a": ("digits", "awgn"),
    "3b": ("digits", "rayleigh"),
    "3c": ("objects", "rayleigh"),
    "photographs": ("photographs", "rayleigh"),
}
_SPAN = (6.0, 24.0)
_SAME_RECEIVER = ("repobe", "shuffling", "rotation", "rotation_fast")
"""Their receivers have the bare link's figures; RepObE stands for them."""


def section() -> None:
    """One figure of the paper, what it says, and every value as a table."""
    figure = st.segmented_control(
        t("results.curves.figure"),
        list(_FIGURES),
        default="3a",
        required=True,
        key="results_figure",
        format_func=lambda name: t(f"results.curves.figure_{name}"),
        persist_state="session",
        help=t("help.results.figure"),
    )
    domain, channel = _FIGURES[figure]
    grid = grids.load(domain)
    if grid is None:
        not_run(domain)
    data_note(domain)
    lines, limits = _lines(grid, domain, channel)
    values = [value for line in lines for value in (*line.values, *(one for _, one in line.reported))]
    values += [value for value, _ in limits]
    if values:
        low = max(0.0, min(values) - 0.02)
        if st.toggle(t("results.curves.top"), key="results_top", persist_state="session", help=t("help.results.top")):
            low = max(0.0, max(values) - 0.05)
        figure_ = figures_grid.accuracy_curves(
            lines, t("inversion.plane.snr"), t("results.curves.accuracy"), _SPAN, (low, 1.002), limits
        )
        st.plotly_chart(figure_, key="results_curves", config=CHART, alt=t("results.curves.alt"))
        st.caption(t("results.curves.legend"))
        if any(one.label_db is not None for one in reported(domain=domain, channel=channel)):
            st.caption(t("results.curves.relabelled"))
    if grid is not None:
        st.markdown(_finding(grid, domain, channel))
        rows = [row for name in _drawn(grid) for row in _over_snr(grid, name, channel)]
        st.dataframe(_table(grid, domain, channel), hide_index=True, alt=t("results.curves.table_alt"))
        provenance(grid, rows)


def _drawn(grid: Grid) -> list[str]:
    """Defenses with a curve of their own."""
    return [name for name in grid.defenses if name not in _SAME_RECEIVER[1:] and name != "none"]


def _over_snr(grid: Grid, defense: str, channel: str) -> list[dict[str, Any]]:
    return [row for row in grid.receivers(defense, channel) if _SPAN[0] < row["snr_db"] < _SPAN[1]]


def _lines(grid: Grid | None, domain: str, channel: str) -> tuple[list[Measured], list[tuple[float, str]]]:
    theirs = {name: _reported(name, domain, channel) for name in _all(grid, domain, channel)}
    found, limits = [], []
    for name, values in theirs.items():
        rows = _over_snr(grid, name, channel) if grid is not None else []
        at = [(one.snr_db, one.value) for one in values if one.snr_db is not None and _SPAN[0] < one.snr_db < _SPAN[1]]
        words = t("results.curves.reported", name=defense_name(name))
        if rows:
            uses = whole(rows[0]["channel_uses"])
            title = t("results.curves.line", name=defense_name(name), uses=uses)
        else:
            title = t("results.curves.line_not_run", name=defense_name(name))
        found.append(
            Measured(
                title,
                [row["snr_db"] for row in rows],
                [row["accuracy"] for row in rows],
                [tuple(row["interval"]) for row in rows],
                at,
                words,
            )
        )
        limits += [
            (one.value, t("results.curves.at_most", name=defense_name(name))) for one in values if one.bound == "≤"
        ]
    return found, limits


def _all(grid: Grid | None, domain: str, channel: str) -> list[str]:
    """Measured or reported: whoever has something to show here."""
    measured = [] if grid is None else _drawn(grid)
    told = [one.defense for one in reported(domain=domain, quantity="receiver_accuracy", channel=channel)]
    return list(dict.fromkeys([*measured, *told]))


def _reported(defense: str, domain: str, channel: str) -> list[Reported]:
    return reported(defense, domain, "receiver_accuracy", channel)


def _finding(grid: Grid, domain: str, channel: str) -> str:
    """Ours against the paper's at the ends of its range, and who is above RepObE."""
    parts = []
    for one in _reported("repobe", domain, channel):
        row = grid.receiver("repobe", channel, one.snr_db)
        if row is not None:
            low, high = row["interval"]
            verdict = "above" if low > one.value else "below" if high < one.value else "equal"
            parts.append(
                t(f"results.curves.{verdict}", snr=f"{one.snr_db:g}", ours=f"{row['accuracy']:.4f}",
                  low=f"{low:.4f}", high=f"{high:.4f}", theirs=f"{one.value:.4f}")
            )  # fmt: skip
    order = _ordering(grid, channel)
    return "\n".join(f"- {part}" for part in [*parts, *([order] if order else [])])


def _ordering(grid: Grid, channel: str) -> str:
    """Which measured defenses' receivers are above RepObE's at some SNR, beyond both intervals."""
    above, count = [], 0
    for name in _drawn(grid):
        if name == "repobe" or not _over_snr(grid, name, channel):
            continue
        count += 1
        for row in _over_snr(grid, name, channel):
            base = grid.receiver("repobe", channel, row["snr_db"])
            if base is not None and row["interval"][0] > base["interval"][1]:
                above.append(defense_name(name))
                break
    if not count:
        return ""
    if not above:
        return t("results.curves.order_confirmed", count=count)
    return t("results.curves.order_refuted", names=", ".join(above))


def _table(grid: Grid, domain: str, channel: str) -> list[dict[str, Any]]:
    """One row a defense: channel uses, and accuracy with interval at each SNR; reported below."""
    names: Sequence[str] = _all(grid, domain, channel)
    snrs = sorted({row["snr_db"] for name in names for row in _over_snr(grid, name, channel)})
    table = []
    for name in names:
        rows = {row["snr_db"]: row for row in _over_snr(grid, name, channel)}
        first = next(iter(rows.values()), None)
        line: dict[str, Any] = {
            t("results.column.defense"): defense_name(name),
            t("results.column.uses"): t("results.empty") if first is None else whole(first["channel_uses"]),
        }
        for snr in snrs:
            row = rows.get(snr)
            line[f"{snr:g} dB"] = (
                t("results.empty")
                if row is None
                else f"{row['accuracy']:.4f} [{row['interval'][0]:.4f}, {row['interval'][1]:.4f}]"
            )
        line[t("results.column.reported")] = "; ".join(_words(one) for one in _reported(name, domain, channel))
        table.append(line)
    return table


def _words(one: Reported) -> str:
    where = "" if one.snr_db is None else f" ({one.snr_db:g} dB)"
    return f"{'≤ ' if one.bound == '≤' else ''}{one.value:.4f}{where}"
