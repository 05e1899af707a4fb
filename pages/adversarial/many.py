"""Over many pictures: what was measured, accuracy over the radius and over the SNR, and what purifying is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.adversarial.scene import Scene, not_trained
from pages.widgets.experiment import CHART
from pages.widgets.strings import t, whole
from semcom_core.evaluation import adversarial
from semcom_core.evaluation.adversarial import CHANNELS, CURVE_DB, Row
from semcom_core.evaluation.adversarial_select import Kind, over_eps, over_snr, purified, rows, stronger
from semcom_core.figures_adversarial import Series, accuracy
from semcom_core.manipulation import EPS
from semcom_core.manipulation.receivers import METHODS, RECEIVERS

_PLACES = ("native", "enlarged")


def section(one: Scene) -> None:
    """Curves and tables of the domain's results, "not run" where there is none."""
    st.markdown(t("adversarial.many.intro"))
    results = adversarial.read(one.domain)
    not_trained(one)
    if results is None:
        st.info(t("adversarial.many.not_run", domain=one.domain), icon=":material/hourglass_empty:")
        return
    found = rows(results)
    place_column, channel_column = st.columns(2)
    placement = place_column.segmented_control(
        t("adversarial.placement"), _PLACES, default="enlarged", required=True, key="many_placement",
        format_func=lambda name: t(f"adversarial.place.{name}.name"), persist_state="session",
        help=t("help.results.placement"),
    )  # fmt: skip
    channel = channel_column.segmented_control(
        t("controls.channel"), CHANNELS, default="awgn", required=True, key="many_channel",
        format_func=lambda name: t(f"channel.{name}.name"), persist_state="session", help=t("help.channel")
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(t("adversarial.many.over_eps", snr=f"{CURVE_DB:g}"))
        _eps(found, placement)
    with right:
        st.markdown(t("adversarial.many.over_snr", eps=EPS))
        _snr(found, Kind(channel, placement=placement))
    st.markdown(t("adversarial.many.strong"))
    _strong(found)
    st.markdown(t("adversarial.many.purified"))
    _purified(found)
    not_run = [t(f"adversarial.receiver.{name}.name") for name in results.get("not_run", ())]
    missing = t("adversarial.many.missing", names=", ".join(not_run)) if not_run else ""
    st.caption(f"{t('results.made', data=results['data'], command=results['command'])} {missing}")


def snr_series(found: Sequence[Row], methods: Sequence[str], kind: Kind) -> list[Series]:
    """For each method a dotted line of untouched and a solid one of attacked pictures."""
    drawn = []
    for name in methods:
        line = over_snr(found, name, kind)
        for what, attacked in (("natural", False), ("adversarial", True)):
            if line:
                drawn.append(
                    Series(
                        t(f"adversarial.many.{what}", name=t(f"adversarial.receiver.{name}.name")),
                        METHODS.index(name) if name not in RECEIVERS else RECEIVERS.index(name),
                        [row["snr_db"] for row in line],
                        [row[what] for row in line],
                        attacked,
                        [tuple(row[f"{what}_interval"]) for row in line],
                    )
                )
    return drawn


def _snr(found: Sequence[Row], kind: Kind) -> None:
    drawn = snr_series(found, RECEIVERS, kind)
    if not drawn:
        st.info(t("adversarial.many.none"), icon=":material/hourglass_empty:")
        return
    low = max(0.0, min(value for line in drawn for value in line.values) - 0.03)
    figure = accuracy(
        drawn, t("inversion.plane.snr"), t("results.curves.accuracy"), x_span=(6.0, 24.0), y_span=(low, 1.0)
    )
    st.plotly_chart(figure, key="many_snr", config=CHART, alt=t("adversarial.many.snr_alt"))


def _eps(found: Sequence[Row], placement: str) -> None:
    drawn = []
    for name in RECEIVERS:
        line = over_eps(found, name, placement)
        if line:
            drawn.append(
                Series(
                    t(f"adversarial.receiver.{name}.name"),
                    RECEIVERS.index(name),
                    [0.0, *(row["eps"] for row in line)],
                    [line[0]["natural"], *(row["adversarial"] for row in line)],
                    intervals=[
                        tuple(line[0]["natural_interval"]),
                        *(tuple(row["adversarial_interval"]) for row in line),
                    ],
                    notes=["", *(_steps_words(row) for row in line)],
                )
            )
    if not drawn:
        st.info(t("adversarial.many.none"), icon=":material/hourglass_empty:")
        return
    figure = accuracy(drawn, t("adversarial.eps_axis"), t("results.curves.accuracy"), radius=True, marks=(EPS,))
    st.plotly_chart(figure, key="many_eps", config=CHART, alt=t("adversarial.many.eps_alt"))


def _strong(found: Sequence[Row]) -> None:
    chosen = stronger(found)
    if not chosen:
        st.info(t("adversarial.many.none"), icon=":material/hourglass_empty:")
        return
    table = [
        {
            t("adversarial.column.receiver"): t(f"adversarial.receiver.{row['method']}.name"),
            t("adversarial.column.attack"): _attack_words(row),
            t("inversion.plane.snr"): f"{row['snr_db']:g} dB",
            t("adversarial.column.natural"): figure(row, "natural"),
            t("adversarial.column.adversarial"): figure(row, "adversarial"),
            t("adversarial.column.decided"): f"{row['decided']:.3f}",
            t("adversarial.column.images"): f"{whole(row['images'])} × {row['draws']}",
        }
        for row in chosen
    ]
    st.dataframe(table, hide_index=True, alt=t("adversarial.many.strong_alt"))


def _purified(found: Sequence[Row]) -> None:
    pairs = purified(found)
    if not pairs:
        st.info(t("adversarial.many.none"), icon=":material/hourglass_empty:")
        return
    table: list[dict[str, Any]] = [
        {
            t("adversarial.column.attack"): _attack_words(one.aware),
            t("inversion.plane.snr"): f"{one.aware['snr_db']:g} dB",
            t("adversarial.column.clean_cost"): f"{_value(one.bare, 'natural')} → {figure(one.aware, 'natural')}",
            t("adversarial.column.bare"): _value(one.bare, "adversarial"),
            t("adversarial.column.aware"): figure(one.aware, "adversarial"),
            t("adversarial.column.unaware"): _value(one.unaware, "adversarial"),
            t("adversarial.column.images"): f"{whole(one.aware['images'])} × {one.aware['draws']}",
        }
        for one in pairs
    ]
    st.dataframe(table, hide_index=True, alt=t("adversarial.many.purified_alt"))


def figure(row: Row, what: str) -> str:
    """A measured share with its interval."""
    low, high = row[f"{what}_interval"]
    return f"{row[what]:.3f} [{low:.3f}, {high:.3f}]"


def _value(row: Row | None, what: str) -> str:
    return t("results.empty") if row is None else figure(row, what)


def _steps_words(row: Row) -> str:
    attack = t(f"adversarial.kind.{row['attack']}.name")
    return t("adversarial.many.steps", attack=attack, steps=row["steps"], images=whole(row["images"]))


def _attack_words(row: Row) -> str:
    radius = f"{row['power_db']:g} dB" if row["placement"] == "symbols" else f"ε = {row['eps']:g}"
    names = (t(f"adversarial.{kind}.{row[field]}.name") for kind, field in (("kind", "attack"), ("place", "placement")))
    words = ", ".join((*names, radius))
    return f"{words}, {t('adversarial.many.same_draw')}" if row["same_draw"] else words
