"""The runs of this session: a table, their curves over each other, and what can be done with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.tuning_views import hyper
from pages.tuning_views.figures import zoomed
from pages.widgets import address, own_link, stages
from pages.widgets.experiment import CHART
from pages.widgets.strings import t
from semcom_core.figures_attacks import Line, lines
from semcom_core.figures_grid import COLOURS, DASHES, SYMBOLS
from semcom_core.link import LinkModels
from semcom_core.settings import LinkSettings
from semcom_core.workbench import measure
from semcom_core.workbench.measure import Point, Small
from semcom_core.workbench.settings import WorkbenchSettings, to_toml
from semcom_core.workbench.training import Snapshot, Training

KEPT = 6
"""Runs with their networks that a session keeps; the oldest goes first."""
_RUNS = "workbench_runs"
_SWEPT = 500
"""Held-out pictures of a sweep."""
EPSILONS = (0.0, 0.05, 0.1, 0.2, 0.3)
_VIEWS = ("accuracy", "attacker_accuracy", "psnr", "attacker_psnr", "snr", "bandwidth", "epsilon")


@dataclass(eq=False)
class Record:
    """One run.

    Attributes:
        number: in this session, from 1.
        training: holds the networks as they are now; there with the first snapshot.
        snapshots: so far.
        sweeps: measured on demand, by view and step.
    """

    number: int
    settings: WorkbenchSettings
    training: Training = field(init=False)
    snapshots: list[Snapshot] = field(default_factory=list)
    sweeps: dict[tuple[str, int], list[Point]] = field(default_factory=dict)

    @property
    def last(self) -> Snapshot:
        return self.snapshots[-1]


def add(settings: WorkbenchSettings) -> Record:
    """A new run of this session, yet to train."""
    kept = records()
    record = Record(1 + max((one.number for one in kept), default=0), settings)
    st.session_state[_RUNS] = [*kept, record][-KEPT:]
    return record


def records() -> list[Record]:
    """Runs that have got anywhere, the oldest first."""
    return [one for one in st.session_state.get(_RUNS, []) if one.snapshots]


def section(running: bool) -> None:
    """Nothing before the first run.

    Args:
        running: the last run is still under way; it is drawn elsewhere, as it grows.
    """
    kept = records()[:-1] if running else records()
    if not kept:
        return
    st.markdown(t("tuning.runs.intro"))
    st.dataframe([_row(one) for one in kept], hide_index=True, alt=t("tuning.runs.table_alt"))
    st.caption(t("tuning.runs.note", kept=KEPT))
    _overlay(kept)
    _act(kept)


def name(record: Record) -> str:
    """Number and settings in words."""
    return f"{record.number} · {hyper.describe(record.settings)}"


def _row(one: Record) -> dict[str, Any]:
    ours, theirs = one.last.figures.receiver, one.last.figures.attacker
    done = one.last.step >= one.last.steps
    return {
        t("tuning.runs.run"): one.number,
        t("tuning.runs.settings"): hyper.describe(one.settings),
        t("tuning.runs.pictures"): t(f"tuning.pictures.{one.settings.pictures}"),
        t("tuning.runs.done"): t("tuning.runs.whole") if done else f"{one.last.step / one.last.steps:.0%}",
        t("tuning.runs.accuracy"): f"{ours.accuracy:.1%}",
        t("tuning.runs.confidence"): f"{ours.confidence:.1%}",
        t("tuning.runs.psnr"): t("tuning.train.none") if ours.psnr is None else f"{ours.psnr:.1f}",
        t("tuning.runs.attacker_accuracy"): f"{theirs.accuracy:.1%}",
        t("tuning.runs.attacker_psnr"): f"{theirs.psnr:.1f}",
        t("tuning.runs.seconds"): round(one.last.seconds, 1),
    }


def _overlay(kept: Sequence[Record]) -> None:
    view = st.segmented_control(
        t("tuning.runs.view"), _VIEWS, default="accuracy", required=True, key="wb_view",
        format_func=lambda one: t(f"tuning.runs.view_{one}"), persist_state="session", help=t("help.tuning.view")
    )  # fmt: skip
    is_share = view in ("accuracy", "attacker_accuracy", "snr", "bandwidth", "epsilon")
    drawn = []
    for number, one in enumerate(kept):
        x, values = _values(one, view)
        style = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)], SYMBOLS[number % len(SYMBOLS)]
        drawn.append(Line(t("tuning.runs.line", name=name(one)), x, values, *style))
    figure = lines(
        drawn, t(f"tuning.runs.axis_{view}"), t("tuning.accuracy_axis" if is_share else "tuning.psnr_axis"),
        percent=is_share, height=360,
    )  # fmt: skip
    if is_share:  # while they learn, all start at one in ten: what counts is where they end
        learning = view in ("accuracy", "attacker_accuracy")
        ends = [value for line in drawn for value in (line.values[-1:] if learning else line.values)]
        figure.update_yaxes(range=zoomed([min(ends) - 0.1 * learning, *ends]))
    st.plotly_chart(figure, key="wb_overlay", config=CHART, alt=t("tuning.runs.overlay_alt", count=len(kept)))
    st.caption(t(f"tuning.runs.words_{view}"))


def _values(one: Record, view: str) -> tuple[list[float], list[float]]:
    """Where and what of one run's line."""
    if view in ("snr", "bandwidth", "epsilon"):
        points = _swept(one, view)
        return [point.at for point in points], [point.receiver for point in points]
    party, what = ("attacker", view.removeprefix("attacker_")) if view.startswith("attacker") else ("receiver", view)
    return (
        [float(look.images) for look in one.snapshots],
        [getattr(getattr(look.figures, party), what) for look in one.snapshots],
    )


def _swept(one: Record, view: str) -> list[Point]:
    """Measured once for a run as far as it got."""
    key = (view, one.last.step)
    if key not in one.sweeps:
        small, material = one.training.small(), one.training.pictures
        images, labels = material.held_out[:_SWEPT], material.held_out_labels[:_SWEPT]
        with st.spinner(t("tuning.runs.measuring")):
            if view == "snr":
                one.sweeps[key] = measure.sweep_snr(small, images, labels)
            elif view == "bandwidth":
                one.sweeps[key] = measure.sweep_bandwidth(small, images, labels)
            else:
                one.sweeps[key] = measure.sweep_epsilon(small, images, labels, EPSILONS)
    return one.sweeps[key]


def _act(kept: Sequence[Record]) -> None:
    """Use a run's link, take its recipe, or go back to its settings."""
    numbers = {one.number: one for one in reversed(kept)}
    chosen, use, recipe, again = st.columns([2, 1.2, 1.2, 1.2], vertical_alignment="bottom")
    number = chosen.selectbox(
        t("tuning.runs.choose"),
        list(numbers),
        format_func=lambda one: name(numbers[one]),
        key="wb_chosen",
        help=t("help.tuning.run"),
    )
    record = numbers[number]
    if use.button(t("tuning.runs.use"), icon=":material/cell_tower:", key="wb_use", width="stretch"):
        hand_over(record)
    recipe.download_button(
        t("tuning.runs.recipe"), to_toml(record.settings), f"semcom-link-{number}.toml", "application/toml",
        key="wb_recipe", on_click="ignore", icon=":material/download:", width="stretch",
    )  # fmt: skip
    again.button(
        t("tuning.runs.load"), icon=":material/undo:", key="wb_load", on_click=hyper.load, args=(record.settings,),
        width="stretch",
    )  # fmt: skip
    st.caption(t("tuning.runs.act_note", file=f"semcom-link-{number}.toml"))


def hand_over(record: Record) -> None:
    """Make a run's link the session's own and open the live page with it."""
    small: Small = record.training.small()
    shared = stages.models(own_link.DOMAIN)
    judge = tuple(one for one in shared.located if one.name == f"{own_link.DOMAIN}/judge")
    models = LinkModels(
        shared.domain, small.codec, shared.judge, {"inversion": small.attacker}, judge, {"codec": small.codec}
    )
    own_link.use(own_link.OwnLink(record.number, record.training.step, record.settings, models))
    settings = LinkSettings(domain=own_link.DOMAIN, defense=own_link.DEFENSE, noise=record.settings.sigma)
    st.switch_page("pages/live_link.py", query_params=address.prepare(settings))
