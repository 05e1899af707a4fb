"""Train a small link: controls, the run as it happens, and the runs of this session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pages.tuning_views import hyper, runs
from pages.tuning_views.strip import Row, strip_html
from pages.widgets.experiment import CHART, Making, experiment
from pages.widgets.strings import t, whole
from semcom_core import figures
from semcom_core.datasets import DataUnavailable
from semcom_core.domains import DOMAINS
from semcom_core.figures_attacks import Line, lines
from semcom_core.workbench import pictures
from semcom_core.workbench.measure import first_of_each_class
from semcom_core.workbench.measure import pixels as look_at
from semcom_core.workbench.pictures import Pictures
from semcom_core.workbench.settings import DRAWN, WorkbenchSettings
from semcom_core.workbench.training import Snapshot, Training, snapshots

_PSNR_SPAN = (5.0, 25.0)
_TERMS = {"ce": "ce", "mse": "lambda_rec", "cem": "lambda_cem", "kl": "beta"}
"""Terms of the loss and the settings that are their weights."""


def section() -> None:
    """Everything about small links."""
    st.markdown(t("tuning.train.intro"))
    settings = hyper.controls()
    if settings.pictures == DRAWN:
        st.info(t("tuning.train.drawn"), icon=":material/draw:")
    experiment(
        "workbench",
        settings,
        lambda: _work(runs.add(settings), t("tuning.train.or_drawn")),
        snapshots(settings),
        lambda looks: _show(settings, looks),
        t(
            "tuning.train.what",
            steps=whole(settings.steps),
            images=whole(settings.images),
            snapshots=snapshots(settings),
        ),
    )
    run = st.session_state["experiments"].get("workbench")
    runs.section(run is not None and run.running)


def _work(record: runs.Record, instead: str) -> Iterator[Making | Snapshot]:
    """Read the pictures, then train; what was reached is in the record whatever happens.

    Args:
        instead: what to do without the pictures, in words.

    Raises:
        DataUnavailable: the pictures are not at hand.
    """
    settings = record.settings
    yield Making(f"tuning.train.reading_{settings.pictures}", 0, 1)
    try:
        material = pictures.load(settings.pictures, settings.images)
    except DataUnavailable as error:
        raise DataUnavailable(f"{error} {instead}") from error
    training = record.training = Training(settings, material)
    try:
        for found in training.steps():
            if found is None:
                yield Making("tuning.train.step", training.step, settings.steps)
            else:
                record.snapshots.append(found)
                yield found
    finally:  # stopped between two snapshots: the record is of the networks as they are
        if record.snapshots and record.last.step != training.step:
            record.snapshots.append(training.look())


def _show(settings: WorkbenchSettings, looks: list[Snapshot]) -> None:
    last, material = looks[-1], runs.records()[-1].training.pictures
    ours, theirs = last.figures.receiver, last.figures.attacker
    grid = st.grid(4, min_column_width=140, gap="small")
    for name, value, words in (
        ("accuracy", f"{ours.accuracy:.1%}", "tuning.train.accuracy_help"),
        (
            "psnr",
            t("tuning.train.none") if ours.psnr is None else t("card.psnr_value", value=ours.psnr),
            "card.psnr_help",
        ),
        ("attacker_accuracy", f"{theirs.accuracy:.1%}", "tuning.train.attacker_help"),
        ("attacker_psnr", t("card.psnr_value", value=theirs.psnr), "card.psnr_help"),
    ):
        with grid.cell():
            st.metric(t(f"tuning.train.{name}"), value, help=t(words))
    _pictures(settings, material, last)
    _curves(settings, looks)


def _pictures(settings: WorkbenchSettings, material: Pictures, last: Snapshot) -> None:
    index = first_of_each_class(material.held_out_labels)
    ours, theirs = last.figures.receiver, last.figures.attacker
    sent = t("tuning.train.sent", pictures=t(f"tuning.pictures.{settings.pictures}"), uses=settings.symbols)
    receiver = "" if settings.draws else t("tuning.train.no_picture")
    rows = [
        Row("sent", sent, look_at(material.held_out[index])),
        Row("receiver", receiver, ours.looks, ours.reads),
        Row(
            "attacker",
            t(f"tuning.train.{'by_own' if theirs.own_picture else 'by_receiver'}"),
            theirs.looks,
            theirs.reads,
        ),
    ]
    st.html(strip_html(rows, material.held_out_labels[index].tolist(), DOMAINS["digits"].classes))


def _curves(settings: WorkbenchSettings, looks: list[Snapshot]) -> None:
    at = [float(look.images) for look in looks]
    span = (0.0, float(settings.steps * settings.batch))
    reads, quality, loss = st.columns(3, gap="medium")
    for column, what, axis, more in (
        (reads, "accuracy", "tuning.accuracy_axis", {"percent": True}),
        (quality, "psnr", "tuning.psnr_axis", {"y_span": _PSNR_SPAN}),
    ):
        drawn = [
            Line(t("tuning.party.receiver"), at, _of(looks, "receiver", what), figures.RECEIVER, symbol="circle"),
            Line(t("tuning.party.attacker"), at, _of(looks, "attacker", what), figures.ATTACKER, "dash"),
        ]
        with column:
            figure = lines(drawn, t("tuning.images_axis"), t(axis), x_span=span, height=260, **more)
            st.plotly_chart(figure, key=f"wb_{what}", config=CHART, alt=t("tuning.train.curve_alt", what=t(axis)))
    with loss:
        figure = lines(_terms(settings, looks), t("tuning.images_axis"), t("tuning.loss_axis"), x_span=span, height=260)
        st.plotly_chart(figure, key="wb_loss", config=CHART, alt=t("tuning.train.loss_alt"))


def _of(looks: list[Snapshot], party: str, what: str) -> list[float]:
    return [getattr(getattr(look.figures, party), what) for look in looks]


def _terms(settings: WorkbenchSettings, looks: list[Snapshot]) -> list[Line]:
    """The loss and its weighted terms; the total is their sum."""
    trained = [look for look in looks if look.losses]
    at = [float(look.images) for look in trained]

    def weighted(term: str, weight: str) -> list[Any]:
        factor = 1.0 if weight == term else getattr(settings, weight)
        return [factor * look.losses[term] if term in look.losses else None for look in trained]

    drawn = [
        Line(t("tuning.term.loss"), at, [look.losses["loss"] for look in trained], figures.NEUTRAL, symbol="circle")
    ]
    for number, (term, weight) in enumerate(_TERMS.items()):
        if any(term in look.losses for look in trained):
            colour, dash = (
                ("#0072B2", "#009E73", "#CC79A7", "#E69F00")[number],
                ("dash", "dot", "dashdot", "longdash")[number],
            )
            drawn.append(Line(t(f"tuning.term.{term}"), at, weighted(term, weight), colour, dash, "diamond"))
    return drawn
