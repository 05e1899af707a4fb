"""Accuracy under attack (RepObE, Fig. 4a–d): ours with intervals, the paper's as hollow markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.results_views.common import CHART, data_note
from pages.widgets.strings import t, whole
from semcom_core.evaluation import adversarial
from semcom_core.evaluation.adversarial import Row
from semcom_core.evaluation.adversarial_select import Kind, over_snr, rows
from semcom_core.evaluation.reported import Reported, reported
from semcom_core.figures_adversarial import Series, accuracy
from semcom_core.manipulation.receivers import BASE, RECEIVERS, trained

_FIGURES = {
    "4a": ("digits", "awgn"),
    "4b": ("digits", "rayleigh"),
    "4c": ("objects", "awgn"),
    "4d": ("objects", "rayleigh"),
}
_SPAN = (6.0, 24.0)
_KINDS = {"natural": "untouched", "adversarial": "attacked"}
_ENDS_DB = (7.0, 23.0)
_FAR = 0.05
"""A baseline that much above the reported one is said to be in another setting."""


def section() -> None:
    """One figure of the paper, what it says, and every value as a table."""
    st.markdown(t("results.robust.intro"))
    figure_column, place_column = st.columns([3, 2])
    figure = figure_column.segmented_control(
        t("results.curves.figure"), list(_FIGURES), default="4a", required=True, key="results_robust",
        format_func=lambda name: t(f"results.robust.figure_{name}"), persist_state="session",
        help=t("help.results.figure"),
    )  # fmt: skip
    placement = place_column.segmented_control(
        t("adversarial.placement"), ["native", "enlarged"], default="enlarged", required=True, key="results_place",
        format_func=lambda name: t(f"adversarial.place.{name}.name"), persist_state="session",
        help=t("help.results.placement"),
    )  # fmt: skip
    domain, channel = _FIGURES[figure]
    data_note(domain)
    results = adversarial.read(domain)
    found = {name: over_snr(rows(results), name, Kind(channel, placement=placement)) for name in RECEIVERS}
    _what_is_missing(domain, found)
    drawn = [
        line for name in RECEIVERS for what in _KINDS if (line := _series(found[name], name, what, domain, channel))
    ]
    values = [value for line in drawn for value in (*line.values, *(one for _, one in line.reported))]
    if values:
        low = max(0.0, min(values) - 0.03)
        chart = accuracy(drawn, t("inversion.plane.snr"), t("results.curves.accuracy"), x_span=_SPAN, y_span=(low, 1.0))
        st.plotly_chart(chart, key="results_robust_chart", config=CHART, alt=t("results.robust.alt"))
        st.caption(t("results.robust.legend"))
    said = [*_findings(found, domain, channel), *_ordering(found)]
    if said:
        st.markdown("\n".join(f"- {one}" for one in said))
    wide = {t("results.column.reported"): st.column_config.TextColumn(width="medium")}
    table = _table(found, domain, channel)
    st.dataframe(table, hide_index=True, column_config=wide, alt=t("results.robust.table_alt"))
    if results is not None:
        st.caption(t("results.made", data=results["data"], command=results["command"]))


def _name(method: str) -> str:
    return t(f"adversarial.receiver.{method}.name")


def _what_is_missing(domain: str, found: dict[str, list[Row]]) -> None:
    """Untrained receivers and unmeasured ones are named apart."""
    absent = [name for name in RECEIVERS if name not in trained(domain)]
    idle = [name for name in RECEIVERS if not found[name] and name not in absent]
    if not any(found.values()):
        st.info(t("results.robust.not_run", domain=domain), icon=":material/hourglass_empty:")
    elif idle:
        st.info(t("results.robust.not_run_for", names=", ".join(map(_name, idle))), icon=":material/hourglass_empty:")
    if absent:
        st.info(t("results.robust.not_trained", names=", ".join(map(_name, absent))), icon=":material/hourglass_empty:")


def _reported(method: str, domain: str, what: str, channel: str) -> list[Reported]:
    return reported(method, domain, f"{what}_accuracy", channel)  # type: ignore[arg-type]


def _series(found: Sequence[Row], method: str, what: str, domain: str, channel: str) -> Series | None:
    """Ours and theirs of one receiver; ``None`` if there is neither."""
    theirs = [(one.snr_db, one.value) for one in _reported(method, domain, what, channel) if one.snr_db is not None]
    if not found and not theirs:
        return None
    return Series(
        t(f"results.robust.{_KINDS[what]}", name=_name(method)),
        RECEIVERS.index(method),
        [row["snr_db"] for row in found],
        [row[what] for row in found],
        what == "adversarial",
        [tuple(row[f"{what}_interval"]) for row in found],
        theirs,
        t(f"results.robust.reported_{_KINDS[what]}", name=_name(method)),
    )


def _findings(found: dict[str, list[Row]], domain: str, channel: str) -> list[str]:
    """Ours against each reported value, where both are there."""
    said, far = [], False
    for method in RECEIVERS:
        by_snr = {row["snr_db"]: row for row in found[method]}
        for what in _KINDS:
            for one in _reported(method, domain, what, channel):
                row = by_snr.get(one.snr_db)
                if row is None:
                    continue
                low, high = row[f"{what}_interval"]
                verdict = "above" if low > one.value else "below" if high < one.value else "equal"
                far |= (method, what) == (BASE, "adversarial") and low > one.value + _FAR
                said.append(
                    t(f"results.robust.{verdict}", name=_name(method), what=t(f"results.robust.what_{what}"),
                      snr=f"{one.snr_db:g}", ours=f"{row[what]:.4f}", low=f"{low:.4f}", high=f"{high:.4f}",
                      theirs=f"{one.value:.4f}")
                )  # fmt: skip
    return [*said, t("results.robust.incomparable")] if far else said


def _ordering(found: dict[str, list[Row]]) -> list[str]:
    """Whether RepObE's receiver is the best under attack, at the ends of the SNR range."""
    said = []
    for snr_db in _ENDS_DB:
        at = {name: row for name, line in found.items() for row in line if row["snr_db"] == snr_db}
        own = at.pop("repobe", None)
        if own is None or not at:
            continue
        low, high = own["adversarial_interval"]
        above = [_name(name) for name, row in at.items() if row["adversarial_interval"][0] > high]
        level = [_name(name) for name, row in at.items() if row["adversarial_interval"][1] >= low]
        verdict, names = (
            ("refuted", above) if above else ("open", level) if level else ("confirmed", list(map(_name, at)))
        )
        said.append(t(f"results.robust.order_{verdict}", snr=f"{snr_db:g}", names=", ".join(names)))
    return said


def _table(found: dict[str, list[Row]], domain: str, channel: str) -> list[dict[str, Any]]:
    """One row a receiver and kind of picture: accuracy with interval at each SNR, and what is reported."""
    snrs = sorted({*_ENDS_DB, *(row["snr_db"] for line in found.values() for row in line)})
    table = []
    for method in RECEIVERS:
        by_snr = {row["snr_db"]: row for row in found[method]}
        for what in _KINDS:
            line: dict[str, Any] = {
                t("results.column.defense"): t(f"results.robust.{_KINDS[what]}", name=_name(method))
            }
            for snr_db in snrs:
                row = by_snr.get(snr_db)
                line[f"{snr_db:g} dB"] = t("results.empty") if row is None else _words(row, what)
            theirs = _reported(method, domain, what, channel)
            line[t("results.column.reported")] = "; ".join(f"{one.value:.4f} ({one.snr_db:g} dB)" for one in theirs)
            sizes = sorted({f"{whole(row['images'])} × {row['draws']}" for row in found[method]})
            line[t("results.robust.images")] = "; ".join(sizes)
            table.append(line)
    return table


def _words(row: Row, what: str) -> str:
    low, high = row[f"{what}_interval"]
    return f"{row[what]:.4f} [{low:.4f}, {high:.4f}]"
