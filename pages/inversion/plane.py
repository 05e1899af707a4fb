"""The privacy–utility plane: what each measured defense leaves to the receiver and to the attacker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.inversion import table
from pages.inversion.scene import Scene
from pages.inversion.words import attack_name, defense_name
from pages.widgets.experiment import CHART
from pages.widgets.strings import t, whole
from semcom_core import figures_grid, link
from semcom_core.defenses import DEFENSES
from semcom_core.evaluation import grid as grids
from semcom_core.evaluation.grid import PLANE_SNR_DB, Grid
from semcom_core.evaluation.select import STRONGEST, Point, attacks, points
from semcom_core.figures_grid import PlanePoint

_WHOLE, _ZOOM = "whole", "points"
_SHOWN_FIRST = "none"


def section(scene: Scene) -> None:
    """The plane, its table, and the chosen defense on the visitor's picture."""
    st.markdown(t("inversion.plane.intro"))
    grid = grids.load(scene.domain)
    if grid is None:
        st.info(t("inversion.plane.not_run"), icon=":material/hourglass_empty:")
    else:
        shown, zoom = _choose(grid)
        if shown:
            left, right = st.columns([3, 2], gap="medium")
            with left:
                _plot(shown, zoom)
            with right:
                _table(shown)
            st.caption(_note(grid, shown))
        else:
            st.info(t("inversion.plane.no_points"), icon=":material/hourglass_empty:")
    _on_this_picture(scene, grid)


def _choose(grid: Grid) -> tuple[list[Point], str]:
    """Attack, channel, SNR and view; the points that are there."""
    places = {(row["channel"], row["snr_db"]) for row in grid.attack_rows}
    attack_column, channel_column, snr_column, zoom_column = st.columns(4, vertical_alignment="bottom")
    names = [STRONGEST, *attacks(grid)]
    attack = attack_column.selectbox(
        t("inversion.plane.attack"), names, key="plane_attack", persist_state="session",
        format_func=lambda name: t("inversion.plane.strongest") if name == STRONGEST else attack_name(name),
        help=t("help.inversion.attack"),
    )  # fmt: skip
    channels = sorted({channel for channel, _ in places})
    channel = channel_column.selectbox(
        t("inversion.plane.channel"), channels, key="plane_channel", persist_state="session",
        format_func=lambda name: t(f"channel.{name}.name"), help=t("help.channel")
    )  # fmt: skip
    snrs = sorted({snr for one, snr in places if one == channel})
    if st.session_state.get("plane_snr") not in snrs and snrs:
        st.session_state["plane_snr"] = PLANE_SNR_DB if PLANE_SNR_DB in snrs else snrs[0]
    snr_db = snr_column.selectbox(
        t("inversion.plane.snr"),
        snrs,
        key="plane_snr",
        format_func=lambda snr: f"{snr:g} dB",
        persist_state="session",
        help=t("help.measured_snr"),
    )
    zoom = zoom_column.segmented_control(
        t("inversion.plane.zoom"), [_WHOLE, _ZOOM], key="plane_zoom", default=_WHOLE, required=True,
        format_func=lambda name: t(f"inversion.plane.zoom_{name}"), persist_state="session",
        help=t("help.inversion.zoom"),
    )  # fmt: skip
    return points(grid, channel, snr_db, attack), zoom


def _plot(shown: Sequence[Point], zoom: str) -> None:
    drawn = [
        PlanePoint(
            point.defense,
            point_name(point, shown),
            point.receiver["accuracy"],
            point.attacker.accuracy,
            tuple(point.receiver["interval"]),
            point.attacker.interval,
            _hover(point, shown),
            DEFENSES[point.defense].keyed if point.defense in DEFENSES else False,
        )
        for point in shown
    ]
    span = y_span = (0.0, 1.0)
    if zoom == _ZOOM:
        span = _around([point.attacker for point in drawn])
        y_span = _around([point.receiver for point in drawn])
    figure = figures_grid.plane(
        drawn,
        t("inversion.plane.x"),
        t("inversion.plane.y"),
        t("inversion.plane.diagonal"),
        span=span,
        y_span=y_span,
        chosen=st.session_state.get("plane_defense"),
    )
    st.plotly_chart(
        figure,
        key="plane_chart",
        config=CHART,
        on_select=_clicked,
        selection_mode="points",
        alt=t("inversion.plane.alt", count=len(drawn)),
    )


def _clicked() -> None:
    """A click on a point chooses its defense below."""
    for point in st.session_state["plane_chart"]["selection"]["points"]:
        if point.get("customdata"):
            st.session_state["plane_defense"] = point["customdata"][0]


def _around(values: Sequence[float]) -> tuple[float, float]:
    """A span that holds these shares with some room."""
    room = max(0.15 * (max(values) - min(values)), 0.02)
    return max(0.0, min(values) - room), min(1.0, max(values) + room)


def point_name(point: Point, shown: Sequence[Point]) -> str:
    """The defense and, where others of the same defense are shown, in what this one differs."""
    alike = [other.choice for other in shown if other.defense == point.defense]
    parts = [defense_name(point.defense)]
    if len({choice.get("noise") for choice in alike}) > 1:
        parts.append(t("inversion.plane.variant_noise", noise=point.choice["noise"]))
    if len({(choice.get("steps"), choice.get("labels")) for choice in alike}) > 1:
        words = t("inversion.plane.variant_steps", steps=point.choice["steps"])
        parts.append(words if point.choice.get("labels") or not point.choice["steps"] else words + "*")
    return " ".join(parts)


def _hover(point: Point, shown: Sequence[Point]) -> str:
    low, high = point.receiver["interval"]
    return f"<b>{point_name(point, shown)}</b><br>" + t(
        "inversion.plane.hover",
        receiver=f"{point.receiver['accuracy']:.1%}",
        receiver_low=f"{low:.1%}",
        receiver_high=f"{high:.1%}",
        attacker=f"{point.attacker.accuracy:.1%}",
        attacker_low=f"{point.attacker.interval[0]:.1%}",
        attacker_high=f"{point.attacker.interval[1]:.1%}",
        attack=attack_name(point.attacker.attack),
        gap=f"{100 * point.gap:.1f}",
        uses=whole(point.receiver["channel_uses"]),
    )


def _table(shown: Sequence[Point]) -> None:
    rows: list[dict[str, Any]] = [
        {
            t("inversion.plane.table_defense"): point_name(point, shown),
            t("inversion.plane.table_receiver"): 100 * point.receiver["accuracy"],
            t("inversion.plane.table_attacker"): 100 * point.attacker.accuracy,
            t("inversion.plane.table_gap"): 100 * point.gap,
            t("inversion.plane.table_uses"): point.receiver["channel_uses"],
            t("inversion.plane.table_attack"): attack_name(point.attacker.attack),
            t("inversion.plane.table_reading"): t(f"inversion.plane.reading_{point.attacker.reading}"),
        }
        for point in sorted(shown, key=lambda one: -one.gap)
    ]
    percent = st.column_config.NumberColumn(format="%.1f %%")
    columns = {t(f"inversion.plane.table_{name}"): percent for name in ("receiver", "attacker")}
    columns[t("inversion.plane.table_gap")] = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        rows, hide_index=True, column_config=columns, height=min(520, 36 * (len(rows) + 1) + 3),
        alt=t("inversion.plane.table_alt"),
    )  # fmt: skip


def _note(grid: Grid, shown: Sequence[Point]) -> str:
    row = shown[0].receiver
    counts = sorted({point.attacker.row["images"] for point in shown})
    images = whole(counts[0]) if len(counts) == 1 else f"{whole(counts[0])}–{whole(counts[-1])}"
    note = t("inversion.plane.note", images=whole(row["images"]), attacked=images, data=grid.data, command=grid.command)
    return f"{note} {t('inversion.plane.note_steps')}" if any("steps" in point.choice for point in shown) else note


def _on_this_picture(scene: Scene, grid: Grid | None) -> None:
    """The chosen defense on the visitor's picture; a click and the box below choose alike."""
    trained = link.trained_defenses(scene.domain)
    if not trained:
        return
    if st.session_state.get("plane_defense") not in trained:
        st.session_state["plane_defense"] = _SHOWN_FIRST
    st.divider()
    with st.container(key="plane_picture"):
        defense = st.selectbox(
            t("inversion.plane.click" if grid else "inversion.plane.pick"),
            trained,
            key="plane_defense",
            format_func=lambda name: t(f"defense.{name}.name"),
            help=t("help.inversion.defense"),
        )
        table.draw(scene, defense, table.choose_attacks())
        st.caption(table.truth_note(scene))
