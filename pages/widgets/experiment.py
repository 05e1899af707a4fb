"""An experiment of the lab: a button, progress, cancel, and results that grow as they come.

The work is a generator in the queue of heavy jobs (:mod:`semcom_core.job_queue`). Each run of the
fragment polls it and draws what it has given, so that a click on "Cancel" gets its turn.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Generator, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.widgets.strings import t, whole
from semcom_core import job_queue
from semcom_core.datasets import DataUnavailable
from semcom_core.job_queue import End, Ticket
from semcom_core.weights import WeightsError

_TICK_S = 0.2
_SLOWEST_TICK_S = 1.0
_PATIENCE_S = 0.5
"""How long the first in line waits for its turn to end; all others look again at their next tick."""
_LAST_STEP_S = 1.0
"""How long "Cancel" waits for the step that is under way."""
CHART = {"displayModeBar": False}


@dataclass(frozen=True)
class Making:
    """Yielded while the material is being made, before the first result."""

    what: str
    done: int
    all: int


@dataclass
class Run:
    """One experiment of one session: what it is of, and how far it got.

    ``ticking``: the browser asks by itself.
    """

    of: Hashable
    total: int
    ticket: Ticket = field(init=False)
    points: list[Any] = field(default_factory=list)
    making: Making | None = None
    ticking: bool = False

    @property
    def running(self) -> bool:
        return self.ticket.end is None

    def take(self, step: Any) -> None:
        """Keep what the work has just yielded."""
        if isinstance(step, Making):
            self.making = step
        else:
            self.points.append(step)
            self.making = None


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
    start: str | None = None,
) -> None:
    """Draw one experiment as a fragment.

    Args:
        name: unique on the page; key of its widgets.
        subject: everything that the results depend on: if it changes, they are gone.
        begin: makes the generator; it yields :class:`Making` and results. The generator works
            outside of the visitor's session: ``begin`` looks up what it needs of that.
        total: number of results that will come.
        show: draws the results so far (at least one).
        what: a sentence on what the button starts, with how much and how many.
        start: the button's label; "Run" and "Run again" if omitted.
    """
    runs: dict[str, Run] = st.session_state.setdefault("experiments", {})
    run = runs.get(name)
    if run is not None and run.of != subject:
        _stop(runs.pop(name))
        run = None
    every = None
    if run is not None:
        run.ticking = run.running
        place = job_queue.shared().place(run.ticket)
        # Where many take turns there is something new less often.
        every = place and min(max(_TICK_S, place.others * job_queue.SLICE_S), _SLOWEST_TICK_S)
    with st.container(border=True):
        st.fragment(_view, run_every=every)(name, subject, begin, total, show, what, start)


def _view(
    name: str,
    subject: Hashable,
    begin: Callable[[], Iterator[Any]],
    total: int,
    show: Callable[[list[Any]], None],
    what: str,
    start: str | None,
) -> None:
    run: Run | None = st.session_state["experiments"].get(name)
    st.markdown(what)
    left, right = st.columns([1, 3], vertical_alignment="center")
    if run is not None and run.running:
        left.button(
            t("lab.cancel"), icon=":material/stop:", key=f"{name}_cancel", on_click=_stop, args=(run,), width="stretch"
        )
        right.progress(*_progress(run))
        if words := _place(run):
            right.caption(words)
    else:
        left.button(
            start or t("lab.run" if run is None else "lab.again"),
            icon=":material/play_arrow:",
            key=f"{name}_start",
            on_click=_start,
            args=(name, subject, begin, total),
            width="stretch",
        )
        if run is not None:
            right.caption(_ended(run))
            if run.ticket.error is not None and (words := _explained(run.ticket.error)):
                st.error(words, icon=":material/error:")
    if run is None:
        return
    if run.points:
        show(list(run.points))  # the work may add to them meanwhile
    if run.running and run.ticking:
        job_queue.shared().poll(run.ticket, _PATIENCE_S)
    if run.running != run.ticking:
        st.rerun()  # starts or stops the ticking, which only a run of the whole page can do


def _progress(run: Run) -> tuple[float, str]:
    made, done = run.making, len(run.points)
    if made is not None:
        return made.done / made.all, t(made.what, done=whole(made.done), all=whole(made.all))
    return min(done / run.total, 1.0), t("lab.progress", done=done, all=run.total)


def _place(run: Run) -> str | None:
    """What a visitor should know of the line, if there is one."""
    if run.ticket.cancelled:
        return t("queue.stopping")
    place = job_queue.shared().place(run.ticket)
    if place is None or (place.number == 1 and not place.others):
        return None
    if not place.others:
        return t("queue.own")
    words = {"all": place.others + 1, "number": place.number}
    if place.wait_s is None or place.number == 1:
        return t("queue.line", **words)
    return t("queue.line_wait", **words, seconds=f"{place.wait_s:.1f}")


def _ended(run: Run) -> str:
    done = {"done": len(run.points), "all": run.total}
    match run.ticket.end:
        case End.LIMIT | End.GONE | End.FAILED as end:
            return t(f"queue.{end.value}", **done, limit=f"{job_queue.shared().limit_s:g}")
        case _:
            complete = len(run.points) >= run.total
            return t("lab.finished" if complete else "lab.stopped", **done, seconds=f"{run.ticket.seconds:.1f}")


def _explained(error: Exception) -> str | None:
    """What to do about it, if more can be said than that there was one."""
    if isinstance(error, WeightsError | DataUnavailable):
        return str(error)
    full = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOSPC)
    return t("queue.full") if full else None


def _start(name: str, subject: Hashable, begin: Callable[[], Iterator[Any]], total: int) -> None:
    run = Run(subject, total)
    owner = st.session_state.setdefault("job_owner", secrets.token_hex(8))
    try:
        work = begin()
    except (WeightsError, DataUnavailable) as error:
        work = _failing(error)
    run.ticket = job_queue.shared().submit(owner, _until(work, run), run.take)
    st.session_state["experiments"][name] = run


def _stop(run: Run) -> None:
    job_queue.shared().cancel(run.ticket, _LAST_STEP_S)


def _until(work: Iterator[Any], run: Run) -> Generator[Any, None, None]:
    """The work until all results are there."""
    try:
        for step in work:
            yield step
            if len(run.points) >= run.total:
                return
    finally:
        if isinstance(work, Generator):
            work.close()


def _failing(error: Exception) -> Iterator[Any]:
    raise error
    yield
