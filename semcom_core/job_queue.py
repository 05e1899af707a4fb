"""One queue for everything heavy that visitors start, so that nobody's attack or training freezes the others.

::

    session A ─ ticket ─┐               ┌─ a slice of A's generator ─┐
    session B ─ ticket ─┼─ the line ────┼─ a slice of B's            ├─ one worker thread, one core, low priority
    session C ─ ticket ─┘ (round robin) └─ a slice of C's            ┘

A job is a generator. The worker takes a slice of a fraction of a second from each session in turn;
a session has one place in the line however many jobs it starts. Whoever started a job polls its
ticket while somebody looks at it. Without polls the work rests at once, and soon the ticket
expires: its generator is closed and what that held is freed. What the job yielded before is kept.

A generator runs in the worker's thread, whoever started it. It must not use what belongs to a
thread or a session, and must not yield inside ``with torch.no_grad()``.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile
from typing import Any

import torch

from semcom_core import background

SLICE_S = 0.3
"""Working time of one turn. A step of a generator is never interrupted, so a turn may take longer."""
AHEAD_S = 2.0
"""How long work goes on after a poll: longer than a browser's pause between two."""
EXPIRES_S = 15.0
"""Without a poll for so long, nobody is there any more. Browsers poll hidden pages once a second."""
LIMIT_S = 600.0
"""Working time that a job may have; ``SEMCOM_JOB_LIMIT_S`` sets another."""
ASIDE = 4.0
"""While visitors' pages run, a turn is a single step, and the next one waits up to so many times as long."""
_GLANCE_S = 0.01
_NICE = 5
_MEASURED, _ENOUGH = 20, 3
"""Turns from which the time of a turn is estimated: at most, and at least."""

_log = logging.getLogger(__name__)


class End(Enum):
    """Why a job is over."""

    DONE = "done"
    CANCELLED = "cancelled"
    LIMIT = "limit"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True)
class Place:
    """Where a job stands.

    Attributes:
        number: 1 if it works now or is the next to.
        others: other sessions with a job that somebody looks at.
        wait_s: seconds until its turn, from the turns measured last; ``None`` before there are any.
    """

    number: int
    others: int
    wait_s: float | None


@dataclass(eq=False)
class Ticket:
    """One job.

    Attributes:
        owner: the session that started it.
        seconds: working time so far, waiting not counted.
        turns: slices so far.
        end: why it is over; ``None`` while it is not.
        cancelled: whether it is to end with its present step.
        error: what it raised, if it failed.
    """

    owner: Hashable
    _work: Generator[Any, None, None] | None
    _take: Callable[[Any], None] | None
    _polled: float
    seconds: float = 0.0
    turns: int = 0
    end: End | None = None
    error: Exception | None = None
    cancelled: bool = False


@dataclass(eq=False)
class JobQueue:
    """The line. Every method may be called from any thread, :meth:`advance` from one only.

    Args:
        limit_s, slice_s, ahead_s, expires_s: see the constants of this module.
        clock: seconds, monotonic.
        busy: whether somebody waits for a page: then the queue steps aside, but never for good.
    """

    limit_s: float = LIMIT_S
    slice_s: float = SLICE_S
    ahead_s: float = AHEAD_S
    expires_s: float = EXPIRES_S
    clock: Callable[[], float] = time.monotonic
    busy: Callable[[], bool] = lambda: False
    _line: dict[Hashable, list[Ticket]] = field(default_factory=dict)
    _working: Ticket | None = None
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=_MEASURED))
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False

    def submit(self, owner: Hashable, work: Generator[Any, None, None], take: Callable[[Any], None]) -> Ticket:
        """Put a job at the end of the line, or behind its owner's other jobs.

        Args:
            owner: names the session.
            work: the job; closed at its end, whatever that is.
            take: called with everything that it yields, in the worker's thread.
        """
        ticket = Ticket(owner, work, take, self.clock())
        with self._changed:
            self._line.setdefault(owner, []).append(ticket)
            self._changed.notify_all()
        return ticket

    def poll(self, ticket: Ticket, patience_s: float = 0.0) -> None:
        """Say that somebody still looks at a job.

        Args:
            patience_s: if the job is the first in line, wait at most so long for its turn to end.
        """
        with self._changed:
            ticket._polled = self.clock()
            self._changed.notify_all()
            if ticket.end is None and self._place(ticket).number == 1:
                turns = ticket.turns
                self._changed.wait_for(lambda: ticket.end is not None or ticket.turns > turns, patience_s)

    def place(self, ticket: Ticket) -> Place | None:
        """Where a job stands; ``None`` if it is over."""
        with self._changed:
            return None if ticket.end is not None else self._place(ticket)

    def cancel(self, ticket: Ticket, patience_s: float = 0.0) -> None:
        """End a job: at once if it waits, else with its present step.

        Args:
            patience_s: wait at most so long for that step.
        """
        with self._changed:
            ticket.cancelled = True
            work = None if ticket is self._working else self._taken_out(ticket)
            if work is None:  # over, or about to be
                self._changed.wait_for(lambda: ticket.end is not None, patience_s)
                return
        self._finish(ticket, work, End.CANCELLED)

    def advance(self) -> bool:
        """Drop tickets that nobody polls, then give the next session a turn; ``False`` if none is to have one."""
        with self._changed:
            gone = {ticket: self._taken_out(ticket) for ticket in self._expired()}
            ticket = self._working = self._next()
            if ticket is not None:
                self._line[ticket.owner] = self._line.pop(ticket.owner)  # to the end
        for one, work in gone.items():
            self._finish(one, work, End.GONE)
        if ticket is None:
            return False
        started = self.clock()
        end, ticket.error = self._turn(ticket, started)
        with self._changed:
            duration = self.clock() - started
            self._durations.append(duration)
            ticket.seconds += duration
            ticket.turns += 1
            if ticket.cancelled and end is not End.DONE:
                end, ticket.error = End.CANCELLED, None
            work = None if end is None else self._taken_out(ticket)
            if work is None:
                self._working = None
            self._changed.notify_all()
        if work is not None:
            self._finish(ticket, work, end)
        return True

    def work_forever(self) -> None:
        """Give turns as long as there are jobs, and sleep while there are none, until the queue is closed."""
        while not self._closed:
            self._step_aside()
            if not self.advance():
                with self._changed:
                    if self._next() is None and not self._closed:  # else one came in between
                        self._changed.wait(1.0 if self._line else None)  # tickets may expire

    def close(self) -> None:
        """Start nothing more; a step that is under way is the worker's last."""
        with self._changed:
            self._closed = True
            if self._working is not None:
                self._working.cancelled = True
            self._changed.notify_all()

    def _step_aside(self) -> None:
        until = self.clock() + ASIDE * (self._durations[-1] if self._durations else 0.0)
        while self.busy() and self.clock() < until:
            time.sleep(_GLANCE_S)

    def _turn(self, ticket: Ticket, started: float) -> tuple[End | None, Exception | None]:
        try:
            with torch.enable_grad():  # whatever another job has left behind
                for step in ticket._work:
                    ticket._take(step)
                    worked = self.clock() - started
                    if ticket.seconds + worked >= self.limit_s:
                        return End.LIMIT, None
                    if ticket.cancelled or worked >= self.slice_s or self.busy():
                        return None, None
        except Exception as error:  # the job's own; the queue goes on
            _log.warning("A job failed.", exc_info=error)
            return End.FAILED, error
        return End.DONE, None

    def _taken_out(self, ticket: Ticket) -> Generator[Any, None, None] | None:
        """The generator of a ticket that leaves the line; ``None`` if it has left before."""
        jobs = self._line.get(ticket.owner, [])
        if ticket not in jobs:
            return None
        jobs.remove(ticket)
        if not jobs:
            del self._line[ticket.owner]
        work, ticket._work, ticket._take = ticket._work, None, None
        return work

    def _finish(self, ticket: Ticket, work: Generator[Any, None, None], end: End) -> None:
        """Close a generator, without the lock; its job is over when that is done."""
        try:
            work.close()
        except Exception as error:
            _log.warning("A job failed as it was closed.", exc_info=error)
        with self._changed:
            ticket.end = end
            if ticket is self._working:
                self._working = None
            self._changed.notify_all()

    def _expired(self) -> list[Ticket]:
        now = self.clock()
        return [one for jobs in self._line.values() for one in jobs if now - one._polled > self.expires_s]

    def _next(self) -> Ticket | None:
        return next(filter(None, map(self._ready, self._line.values())), None)

    def _ready(self, jobs: list[Ticket]) -> Ticket | None:
        """The job of one session whose turn it is: the first that somebody looks at."""
        return next(filter(self._is_fresh, jobs), None)

    def _is_fresh(self, ticket: Ticket) -> bool:
        return self.clock() - ticket._polled <= self.ahead_s

    def _place(self, ticket: Ticket) -> Place:
        if ticket is self._working or ticket._work is None:
            before = 0
        else:
            owners = list(self._line)
            ahead = owners[: owners.index(ticket.owner)]
            before = sum(self._ready(self._line[owner]) is not None for owner in ahead)
            if self._working is not None and self._working.owner not in ahead:
                before += 1
            elif any(self._is_fresh(one) for one in takewhile(lambda one: one is not ticket, self._line[ticket.owner])):
                before += 1  # the session's own other job comes first
        others = sum(owner != ticket.owner and self._ready(jobs) is not None for owner, jobs in self._line.items())
        measured = len(self._durations) >= _ENOUGH
        wait_s = before * sum(self._durations) / len(self._durations) if measured else None
        return Place(before + 1, others, wait_s)


@functools.cache
def shared() -> JobQueue:
    """The queue of this process, with its worker."""
    queue = JobQueue(limit_s=_limit())
    ready = threading.Event()
    threads = torch.get_num_threads()

    def work() -> None:
        _stand_back()
        ready.set()
        queue.work_forever()

    background.start(work, "jobs", queue.close)
    ready.wait()
    # PyTorch keeps this number for each thread, and for threads to come: only the worker has one.
    torch.set_num_threads(threads)
    return queue


def _stand_back() -> None:
    """Let the calling thread use one core, and that only while nobody else needs it."""
    torch.get_num_threads()  # takes the number over from the process, which would else come later, and win
    torch.set_num_threads(1)
    if sys.platform == "linux":  # other systems know priorities of whole processes only
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)


def _limit() -> float:
    given = os.environ.get("SEMCOM_JOB_LIMIT_S", "").strip()
    try:
        limit = float(given or LIMIT_S)
        if limit > 0:
            return limit
    except ValueError:
        pass
    _log.warning("SEMCOM_JOB_LIMIT_S must be a number of seconds above 0, not %r; %g is used.", given, LIMIT_S)
    return LIMIT_S
