"""The wrong-key experiment: one picture at once, and a sweep over the sample pictures on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st

from pages.cipher import lab_picture
from pages.widgets import stages
from pages.widgets.pictures import sharp, to_pil
from pages.widgets.stage_cache import stage_cache
from pages.widgets.strings import t
from semcom_core import figures_keys, link
from semcom_core import wrong_key as experiment
from semcom_core.ciphers.keys import KeySource
from semcom_core.ciphers.keyspace import cells_right, compensate_c, compensate_r
from semcom_core.codecs.repobe import GRID
from semcom_core.link import LinkModels, Reading
from semcom_core.settings import LinkSettings
from semcom_core.wrong_key import SWEPT, Message, Part, Progress, WrongKeyPoint

_CHART = {"displayModeBar": False}
_TICK_S = 0.2
_PICTURES = 10
_WORK_S = 0.5
"""How long the server works between two looks at the buttons; one piece may take longer."""


@dataclass
class Run:
    """A sweep of one session: what it is of, and how far it got; see :mod:`pages.widgets.sweep_view`."""

    of: tuple[str, Part]
    work: Iterator[Progress]
    progress: Progress | None = None
    points: list[WrongKeyPoint] = field(default_factory=list)
    running: bool = True
    ticking: bool = False


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Semaphore:
    """One point at a time on this server."""
    return threading.Semaphore(1)


def wrong_key() -> None:
    """Which part of the key is wrong, by how much; the pictures; the sweep."""
    st.markdown(t("wrong.words"))
    domain, chosen = lab_picture.choose("wrong")
    st.session_state.setdefault("wrong_part", Part.BOTH)
    part = st.segmented_control(
        t("wrong.part.label"),
        list(Part),
        format_func=lambda one: t(f"wrong.part.{one}"),
        key="wrong_part",
        required=True,
        persist_state="session",
        help=t("help.cipher.part"),
    )
    if part.shifts:
        amounts, start = list(range(GRID)), 1
    else:
        amounts, start = [0, *range(2, GRID + 1)], 4  # one wrong entry alone is impossible
    key = f"wrong_amount_{'shift' if part.shifts else 'entries'}"
    st.session_state.setdefault(key, start)
    amount = st.select_slider(
        t("wrong.shift" if part.shifts else "wrong.entries"),
        amounts,
        key=key,
        persist_state="session",
        help=t("help.cipher.amount"),
    )
    models, settings = stages.models(domain), LinkSettings(domain=domain)
    _one_picture(models, settings, chosen, part, amount)

    run: Run | None = st.session_state.get("wrong_run")
    if run is not None and run.of != (domain, part):
        run = st.session_state["wrong_run"] = None
    if run is not None:
        run.ticking = run.running
    ticking = run is not None and run.ticking
    st.fragment(_sweep, run_every=_TICK_S if ticking else None)(models, settings, part, amount)


def _one_picture(
    models: LinkModels, settings: LinkSettings, chosen: lab_picture.Chosen, part: Part, amount: int
) -> None:
    """Sent, right key, wrong key and, for a shifted offset, the key that makes up for it."""
    digest, cache = link.digest(chosen.prepared.native), stage_cache(private=chosen.private)
    source = KeySource.published()
    message: Message = cache.get(
        ("wrong key", settings, digest),
        lambda: experiment.send(models, chosen.prepared.native[None], settings, source),
    )
    (right,) = message.keys
    used = {"right": right, "wrong": experiment.wrong_keys(message, part, amount, source)[0]}
    if part.shifts:
        # Both always exist on a 28×28 map: W divides H.
        used["made_up"] = (compensate_c if part == Part.C else compensate_r)(right, amount)
    readings: dict[str, Reading] = {
        name: cache.get(
            ("wrong key", settings, digest, part, amount, name),
            lambda key=key: experiment.read_with(models, message, [key]),
        )
        for name, key in used.items()
    }
    classes = models.domain.classes
    grid = st.grid(4, min_column_width=140, gap="medium")
    with grid.cell():
        st.caption(t("wrong.sent"))
        st.image(sharp(to_pil(chosen.prepared.native), 224), width="stretch", alt=t("wrong.sent"))
    for name, reading in readings.items():
        with grid.cell():
            title = t(f"wrong.{name}")
            st.caption(title)
            st.image(sharp(to_pil(reading.native[0]), 224), width="stretch", alt=title)
            certainty = reading.logits.softmax(1)[0]
            best = int(certainty.argmax())
            st.markdown(
                t(
                    "wrong.reading", name=classes[best], certainty=float(certainty[best]), psnr=float(reading.psnr[0]),
                    cells=cells_right(right, used[name]),
                )
            )  # fmt: skip
    if part == Part.C and amount:
        st.markdown(t("wrong.sideways"))
    if part.shifts:
        gap = float((readings["made_up"].native - readings["right"].native).abs().max())
        st.markdown(t("wrong.made_up_words", offset=str(part), gap=f"{gap:g}"))


def _sweep(models: LinkModels, settings: LinkSettings, part: Part, amount: int) -> None:
    run: Run | None = st.session_state.get("wrong_run")
    amounts = SWEPT[part.shifts]
    st.markdown(t("wrong.sweep", pictures=_PICTURES, snr=settings.snr_db))
    left, right = st.columns([1, 3], vertical_alignment="center")
    if run is not None and run.running:
        left.button(t("sweep.cancel"), icon=":material/stop:", key="wrong_cancel", on_click=_stop, width="stretch")
        share = run.progress.done / run.progress.all if run.progress else 0.0
        words = "wrong.preparing" if share * (len(amounts) + 1) < 1 else "sweep.progress"
        right.progress(share, t(words, done=len(run.points), all=len(amounts)))
    else:
        left.button(
            t("wrong.start"), icon=":material/play_arrow:", key="wrong_start", on_click=_start,
            args=(models, settings, part), width="stretch",
        )  # fmt: skip
        if run is not None and len(run.points) < len(amounts):
            right.caption(t("sweep.stopped", done=len(run.points), all=len(amounts)))
    if run is None:
        return
    if run.points:
        _curves(run.points, models, part, amount)
    if run.running and run.ticking:
        _step(run)
    if run.running != run.ticking:
        st.rerun()  # starts or stops the ticking, which only a run of the whole page can do


def _start(models: LinkModels, settings: LinkSettings, part: Part) -> None:
    domain = models.domain.name
    keys, labels = experiment.gallery(domain, _PICTURES)
    pictures = [lambda key=key: lab_picture.sample(domain, key).prepared.native for key in keys]
    work = experiment.sweep(models, pictures, labels, part, settings, KeySource.published())
    st.session_state["wrong_run"] = Run((domain, part), work)


def _stop() -> None:
    if st.session_state.get("wrong_run"):
        st.session_state["wrong_run"].running = False


def _step(run: Run) -> None:
    """Some pieces of work. No Streamlit element in here: a click would end the generator there."""
    started = time.monotonic()
    with _turn():
        while run.running and time.monotonic() - started < _WORK_S:
            progress = next(run.work, None)
            if progress is None:
                run.running = False
                break
            run.progress = progress
            if progress.point is not None:
                run.points.append(progress.point)
            run.running = progress.done < progress.all


def _curves(points: list[WrongKeyPoint], models: LinkModels, part: Part, amount: int) -> None:
    amounts = [point.amount for point in points]
    span = (-0.6, SWEPT[part.shifts][-1] + 0.6)
    marked = amount if amount <= span[1] else None
    x_title = t("wrong.axis_shift", offset=str(part)) if part.shifts else t("wrong.axis_entries")
    reads, looks = st.columns(2, gap="medium")
    chance = (1 / len(models.domain.classes), t("wrong.chance"))
    with reads:
        figure = figures_keys.with_intervals(
            amounts, [point.accuracy for point in points], [point.accuracy_interval for point in points],
            t("wrong.accuracy"), x_title, t("wrong.accuracy"), span, reference=chance, marked=marked, percent=True,
        )  # fmt: skip
        st.plotly_chart(figure, key="wrong_accuracy", config=_CHART, alt=t("wrong.accuracy_alt"))
    with looks:
        figure = figures_keys.with_intervals(
            amounts, [point.psnr for point in points], [point.psnr_interval for point in points],
            t("wrong.psnr"), x_title, t("wrong.psnr"), span, marked=marked,
        )  # fmt: skip
        st.plotly_chart(figure, key="wrong_psnr", config=_CHART, alt=t("wrong.psnr_alt"))
    last = points[-1]
    st.caption(
        t(
            "wrong.numbers", amount=last.amount, right=last.right, pictures=last.pictures, psnr=last.psnr,
            cells=last.cells,
        )
    )  # fmt: skip
