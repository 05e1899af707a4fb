"""Large links: sweeps over hyper-parameters that were measured beforehand, read from ``results.json``."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.inversion.words import attack_name, defense_name
from pages.results_views.common import chosen_grid, provenance
from pages.tuning_views.figures import zoomed
from pages.widgets.experiment import CHART
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.evaluation import sweeps
from semcom_core.evaluation.grid import PLANE_SNR_DB, Grid
from semcom_core.evaluation.sweeps import Position, Sweep
from semcom_core.figures_attacks import Line, lines

_COLUMNS = tuple(f"inversion.plane.table_{name}" for name in ("receiver", "attacker", "attack", "reading"))


def section() -> None:
    """One hyper-parameter, one defense: curve, table, provenance."""
    st.markdown(t("tuning.large.intro"))
    domain, grid = chosen_grid()
    if grid is None:
        return
    knobs = sweeps.available(grid)
    if not knobs:
        st.info(t("tuning.large.none"), icon=":material/hourglass_empty:")
        return
    knob = st.segmented_control(
        t("tuning.large.knob"), knobs, default=knobs[0], required=True, key=f"large_knob_{domain}",
        format_func=lambda one: t(f"tuning.large.{one}.name"), persist_state="session", help=t("help.tuning.knob")
    )  # fmt: skip
    st.markdown(t(f"tuning.large.{knob}.up"))
    channel, snr_db = _place(grid, knob, domain)
    found = sweeps.sweeps(grid, knob, channel, snr_db)
    if not found:
        st.info(t("inversion.plane.no_points"), icon=":material/hourglass_empty:")
        return
    names = [one.defense for one in found]
    name = st.selectbox(
        t("controls.defense"),
        names,
        format_func=lambda one: t(f"defense.{one}.name"),
        key=f"large_{knob}_{domain}",
        help=t("help.measured_defense"),
    )
    chosen = next(one for one in found if one.defense == name)
    _curve(knob, chosen)
    st.dataframe([_row(knob, one) for one in chosen.positions], hide_index=True, alt=t("tuning.large.table_alt"))
    st.caption(t("tuning.large.note"))
    provenance(grid, sweeps.rows([chosen]))


def _place(grid: Grid, knob: str, domain: str) -> tuple[str, float]:
    """Channel and SNR at which the other hyper-parameters stand."""
    left, right = st.columns(2)
    channels = sorted({row["channel"] for row in grid.receiver_rows})
    channel = left.selectbox(
        t("controls.channel"),
        channels,
        format_func=lambda one: t(f"channel.{one}.name"),
        key=f"large_channel_{domain}",
        help=t("help.channel"),
    )
    if knob == sweeps.SNR:
        return channel, PLANE_SNR_DB
    snrs = sorted({row["snr_db"] for row in grid.receiver_rows if row["channel"] == channel})
    first = snrs.index(PLANE_SNR_DB) if PLANE_SNR_DB in snrs else 0
    snr_db = right.selectbox(
        t("inversion.plane.snr"),
        snrs,
        first,
        format_func=lambda one: f"{one:g} dB",
        key=f"large_snr_{domain}_{channel}",
        help=t("help.measured_snr"),
    )
    return channel, snr_db


def _curve(knob: str, chosen: Sweep) -> None:
    at = [float(place.words) if knob == sweeps.SNR else float(number) for number, place in enumerate(chosen.positions)]
    ours = [None if place.receiver is None else place.receiver["accuracy"] for place in chosen.positions]
    theirs = [None if place.attacker is None else place.attacker.accuracy for place in chosen.positions]
    drawn = [
        Line(t("tuning.party.receiver"), at, ours, figures.RECEIVER, symbol="circle"),
        Line(t("tuning.large.strongest"), at, theirs, figures.ATTACKER, "dash"),
    ]
    room = 0.05 * (at[-1] - at[0])
    figure = lines(
        drawn, t(f"tuning.large.{knob}.name"), t("tuning.accuracy_axis"), percent=True,
        x_span=(at[0] - room, at[-1] + room),
    )  # fmt: skip
    figure.update_traces(connectgaps=True)
    figure.update_yaxes(range=zoomed([value for value in (*ours, *theirs) if value is not None]))
    figure.update_xaxes(tickmode="array", tickvals=at, ticktext=[_words(knob, place) for place in chosen.positions])
    alt = t("tuning.large.alt", knob=t(f"tuning.large.{knob}.name"), defense=defense_name(chosen.defense))
    st.plotly_chart(figure, key="large_curve", config=CHART, alt=alt)


def _words(knob: str, place: Position) -> str:
    if knob == sweeps.POLICY:
        return t(f"policy.{place.words}.name")
    return t(f"threat.{place.words}") if knob in (sweeps.LABELS, sweeps.CEM) else place.words


def _row(knob: str, place: Position) -> dict[str, Any]:
    receiver, attacker = place.receiver, place.attacker
    row = {t(f"tuning.large.{knob}.name"): _words(knob, place)}
    row |= dict.fromkeys(map(t, _COLUMNS), t("results.empty"))
    if receiver is not None:
        row[t(_COLUMNS[0])] = _share(receiver["accuracy"], receiver["interval"])
    if attacker is not None:
        reading = t(f"inversion.plane.reading_{attacker.reading}")
        found = (_share(attacker.accuracy, attacker.interval), attack_name(attacker.attack), reading)
        row |= dict(zip(map(t, _COLUMNS[1:]), found, strict=True))
    return row


def _share(accuracy: float, interval: tuple[float, float] | list[float]) -> str:
    return f"{accuracy:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"
