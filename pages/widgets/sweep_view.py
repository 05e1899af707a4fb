"""The SNR sweep of this picture: on demand, point by point, and it can be cancelled."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from pages.widgets import stages
from pages.widgets.experiment import CHART, experiment
from pages.widgets.stages import Session
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.figures import Curve
from semcom_core.settings import LinkSettings
from semcom_core.sweep import DRAWS, SNRS_DB, SweepPoint, sweep_point

_WIDE: dict[str, Any] = {"symbol": "circle-open", "size": 13}
"""The receiver's marker is a ring around the attacker's: equal values hide neither."""
_SPAN = (SNRS_DB[0] - 1, SNRS_DB[-1] + 1)


def sweep_view(session: Session, truth: int) -> None:
    """The expander."""
    with st.expander(t("sweep.title"), icon=":material/show_chart:"):
        experiment(
            "sweep",
            _subject(session, truth),
            lambda: _points(session, truth),
            len(SNRS_DB),
            _results,
            t("sweep.what", draws=DRAWS, low=f"{SNRS_DB[0]}".replace("-", "−"), high=SNRS_DB[-1]),
            t("sweep.start"),
        )


def _points(session: Session, truth: int) -> Iterator[SweepPoint]:
    plain, known = stages.encoded(session, session.chosen), stages.known(session)
    return (
        sweep_point(session.models, plain, session.settings, session.source, known, truth, float(snr_db))
        for snr_db in SNRS_DB
    )


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
        st.plotly_chart(figure, key="sweep_accuracy", config=CHART, alt=t("sweep.accuracy_alt"))
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
            st.plotly_chart(figure, key="sweep_psnr", config=CHART, alt=t("sweep.psnr_alt"))
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
