"""The SNR sweep of this picture: on demand, point by point, and it can be cancelled."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import streamlit as st

from pages.widgets import stages
from pages.widgets.stages import Session
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.figures import Curve
from semcom_core.settings import LinkSettings
from semcom_core.sweep import DRAWS, SNRS_DB, SweepPoint, sweep_point

_CHART = {"displayModeBar": False}
_TICK_S = 0.2
_WIDE: dict[str, Any] = {"symbol": "circle-open", "size": 13}
"""The receiver's marker is a ring around the attacker's: equal values hide neither."""
_SPAN = (SNRS_DB[0] - 1, SNRS_DB[-1] + 1)


@dataclass
class Run:
    """A sweep of one session: what it is of, and how far it got.

    ``ticking``: the browser asks for the next point by itself.
    """

    of: tuple[object, ...]
    points: list[SweepPoint] = field(default_factory=list)
    running: bool = True
    ticking: bool = False


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Semaphore:
    """One sweep point at a time on this server: thirty visitors queue instead of thrashing two cores."""
    return threading.Semaphore(1)


def sweep_view(session: Session, truth: int) -> None:
    """The expander. It runs as a fragment: a running sweep never redraws the rest of the page.

    One point a run, and the browser asks for the next: between two points a click gets its turn.
    """
    run: Run | None = st.session_state.get("sweep")
    if run is not None and run.of != _subject(session, truth):  # the picture or the link is another one now
        run = st.session_state["sweep"] = None
    if run is not None:
        run.ticking = run.running
    with st.expander(t("sweep.title"), icon=":material/show_chart:"):
        st.fragment(_sweep, run_every=_TICK_S if run is not None and run.ticking else None)(session, truth)


def _sweep(session: Session, truth: int) -> None:
    run: Run | None = st.session_state.get("sweep")
    st.markdown(t("sweep.what", draws=DRAWS, low=f"{SNRS_DB[0]}".replace("-", "−"), high=SNRS_DB[-1]))

    left, right = st.columns([1, 3], vertical_alignment="center")
    if run is not None and run.running:
        left.button(t("sweep.cancel"), icon=":material/stop:", key="sweep_cancel", on_click=_stop, width="stretch")
        done = len(run.points)
        right.progress(done / len(SNRS_DB), t("sweep.progress", done=done, all=len(SNRS_DB)))
    else:
        left.button(
            t("sweep.start"),
            icon=":material/play_arrow:",
            key="sweep_start",
            on_click=_start,
            args=(_subject(session, truth),),
            width="stretch",
        )
        if run is not None and len(run.points) < len(SNRS_DB):
            right.caption(t("sweep.stopped", done=len(run.points), all=len(SNRS_DB)))
    if run is None:
        return
    if run.points:
        _results(run.points)
    if run.running and run.ticking:
        _step(session, truth, run)
    if run.running != run.ticking:
        st.rerun()  # starts or stops the ticking, which only a run of the whole page can do


def _start(subject: tuple[object, ...]) -> None:
    st.session_state["sweep"] = Run(subject)


def _stop() -> None:
    if st.session_state.get("sweep"):
        st.session_state["sweep"].running = False


def _step(session: Session, truth: int, run: Run) -> None:
    plain, known = stages.encoded(session, session.chosen), stages.known(session)
    with _turn():
        point = sweep_point(
            session.models, plain, session.settings, session.source, known, truth, float(SNRS_DB[len(run.points)])
        )
    run.points.append(point)
    run.running = len(run.points) < len(SNRS_DB)


def _subject(session: Session, truth: int) -> tuple[object, ...]:
    """What a sweep depends on: not on the SNRs of the sidebar."""
    settings = replace(
        session.settings, snr_db=LinkSettings.snr_db, eve_snr_db=None, attacker=session.settings.chosen_attacker
    )
    return session.digest, session.key_id, session.own, settings, truth


def _results(points: list[SweepPoint]) -> None:
    snrs = [point.snr_db for point in points]
    reads, looks = st.columns(2, gap="medium")
    with reads:
        lines = [Curve(t("sweep.receiver"), snrs, [p.receiver_accuracy for p in points], figures.RECEIVER, **_WIDE)]
        if points[0].attacker_accuracy is not None:
            own = [p.attacker_accuracy for p in points]
            lines.append(Curve(t("sweep.attacker_reader"), snrs, own, figures.ATTACKER, "solid", "square"))
        if points[0].attacker_picture_accuracy is not None:
            judged = [p.attacker_picture_accuracy for p in points]
            lines.append(Curve(t("sweep.attacker_picture"), snrs, judged, figures.ATTACKER, "dot", "diamond-open"))
        figure = figures.curves(lines, t("sweep.snr"), t("sweep.accuracy"), _SPAN, percent=True)
        st.plotly_chart(figure, key="sweep_accuracy", config=_CHART, alt=t("sweep.accuracy_alt"))
    with looks:
        lines = []
        if points[0].receiver_psnr is not None:
            quality = [p.receiver_psnr for p in points]
            lines.append(Curve(t("sweep.receiver"), snrs, quality, figures.RECEIVER, **_WIDE))
        if points[0].attacker_psnr is not None:
            quality = [p.attacker_psnr for p in points]
            lines.append(Curve(t("sweep.attacker"), snrs, quality, figures.ATTACKER, "solid", "square"))
        if lines:
            figure = figures.curves(lines, t("sweep.snr"), t("sweep.psnr"), _SPAN)
            st.plotly_chart(figure, key="sweep_psnr", config=_CHART, alt=t("sweep.psnr_alt"))
    st.download_button(
        t("sweep.download"),
        to_csv(points),
        "semcom-sweep.csv",
        "text/csv",
        key="sweep_csv",
        on_click="ignore",
        icon=":material/download:",
    )


def to_csv(points: list[SweepPoint]) -> str:
    """One line a point, with the names of :class:`SweepPoint` as the header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(points[0])))
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    return text.getvalue()
