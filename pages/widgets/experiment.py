"""An experiment of the lab: a button, progress, cancel, and results that grow as they come.

The work is a generator that lives in the visitor's session. Each run of the fragment lets it
work for a fraction of a second, so that a click on "Cancel" gets its turn.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.widgets.strings import t

_TICK_S = 0.2
_SLICE_S = 0.5
CHART = {"displayModeBar": False}


@dataclass(frozen=True)
class Making:
    """Yielded while the material is being made, before the first result."""

    what: str
    done: int
    all: int


@dataclass
class Run:
    """One experiment of one session: what it is of, and how far it got."""

    of: Hashable
    work: Iterator[Any]
    total: int
    points: list[Any] = field(default_factory=list)
    making: Making | None = None
    running: bool = True
    ticking: bool = False
    seconds: float = 0.0


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Semaphore:
    """One experiment works at a time on this server: thirty visitors queue instead of thrashing two cores."""
    return threading.Semaphore(1)


def making(what: str, work: Iterator[int], wanted: int) -> Iterator[Making]:
    """The growing of a stock or pool as progress."""
    for done in work:
        yield Making(what, min(done, wanted), wanted)


def experiment(
    name: str,
    subject: Hashable,
    begin: Callable[[], Iterator[Any]],
    total: int,
    show: Callable[[list[Any]], None],
    what: str,
) -> None:
    """Draw one experiment as a fragment.

    Args:
        name: unique on the page; key of its widgets.
        subject: everything that the results depend on: if it changes, they are gone.
        begin: makes the generator; it yields :class:`Making` and results.
        total: number of results that will come.
        show: draws the results so far (at least one).
        what: a sentence on what the button starts, with how much and how many.
    """
    runs: dict[str, Run] = st.session_state.setdefault("experiments", {})
    run = runs.get(name)
    if run is not None and run.of != subject:
        run = None
        runs.pop(name)
    if run is not None:
        run.ticking = run.running
    every = _TICK_S if run is not None and run.ticking else None
    with st.container(border=True):
        st.fragment(_view, run_every=every)(name, subject, begin, total, show, what)


def _view(
    name: str,
    subject: Hashable,
    begin: Callable[[], Iterator[Any]],
    total: int,
    show: Callable[[list[Any]], None],
    what: str,
) -> None:
    run: Run | None = st.session_state["experiments"].get(name)
    st.markdown(what)
    left, right = st.columns([1, 3], vertical_alignment="center")
    if run is not None and run.running:
        left.button(
            t("lab.cancel"), icon=":material/stop:", key=f"{name}_cancel", on_click=_stop, args=(run,), width="stretch"
        )
        right.progress(*_progress(run))
    else:
        left.button(
            t("lab.run") if run is None else t("lab.again"),
            icon=":material/play_arrow:",
            key=f"{name}_start",
            on_click=_start,
            args=(name, subject, begin, total),
            width="stretch",
        )
        if run is not None:
            words = "lab.finished" if len(run.points) >= run.total else "lab.stopped"
            right.caption(t(words, done=len(run.points), all=run.total, seconds=f"{run.seconds:.1f}"))
    if run is None:
        return
    if run.points:
        show(run.points)
    if run.running and run.ticking:
        _work(run)
    if run.running != run.ticking:
        st.rerun()  # starts or stops the ticking, which only a run of the whole page can do


def _progress(run: Run) -> tuple[float, str]:
    if run.making is not None:
        return run.making.done / run.making.all, t(run.making.what, done=run.making.done, all=run.making.all)
    return min(len(run.points) / run.total, 1.0), t("lab.progress", done=len(run.points), all=run.total)


def _start(name: str, subject: Hashable, begin: Callable[[], Iterator[Any]], total: int) -> None:
    st.session_state["experiments"][name] = Run(subject, begin(), total)


def _stop(run: Run) -> None:
    run.running = False


def _work(run: Run) -> None:
    with _turn():
        start = time.perf_counter()
        for step in itertools.islice(run.work, 1000):
            if isinstance(step, Making):
                run.making = step
            else:
                run.making = None
                run.points.append(step)
            if time.perf_counter() - start > _SLICE_S:
                break
        else:
            run.running = False
        run.seconds += time.perf_counter() - start
    if len(run.points) >= run.total:
        run.running = False
