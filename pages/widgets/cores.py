"""How many cores one visitor's computation takes, how many runs of pages share them, and Python's turns.

::

    run of a page ── turn ──┬── draws ── away: the turn goes to another run, until the networks are done ── draws ──
                            └── computes here: all cores if nobody else runs, one otherwise

Two visitors with two threads each on two cores wait for each other at every layer: measured, a
transmission then costs twice the processor time of one thread (130 ms instead of 70). PyTorch's number
of threads belongs to the calling thread, and each run of the page has a thread of its own.
"""

from __future__ import annotations

import heapq
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import streamlit as st
import torch
from streamlit.runtime import Runtime, get_instance

from semcom_core import away, job_queue

_ALL = torch.get_num_threads()
_lock = threading.Lock()
_computing = 0
_mine = threading.local()


class Turns:
    """Permits for ``places`` runs at a time: first come, first served, and those that come back before all others."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._queue: list[tuple[bool, int, threading.Event]] = []
        self._number = count()
        self.inside = 0
        """Runs that have begun and not ended, those that wait for the second process too."""

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Around a run of a page."""
        self._take(new=True)
        _mine.turns = self
        try:
            yield
        finally:
            _mine.turns = None
            self._give(ends=True)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Around a wait inside a run: meanwhile another one may go on."""
        self._give(ends=False)
        try:
            yield
        finally:
            self._take(new=False)

    def _take(self, *, new: bool) -> None:
        with self._lock:
            self.inside += new
            if self._free:
                self._free -= 1
                return
            called = threading.Event()
            heapq.heappush(self._queue, (new, next(self._number), called))
        called.wait()

    def _give(self, *, ends: bool) -> None:
        with self._lock:
            self.inside -= ends
            if self._queue:
                heapq.heappop(self._queue)[2].set()
            else:
                self._free += 1


_turns = Turns(2)


def turn() -> AbstractContextManager[None]:
    """Around a whole run of a page: at most two draw at a time.

    A class that changes something all at once would otherwise share each core among thirty runs: all of them
    would be done only when the last one is, and switching between them costs as much again.
    """
    return _turns.whole()


@contextmanager
def _waiting() -> Iterator[None]:
    """Around a wait for the second process: the turn of this run, if it has one, is another's."""
    turns = getattr(_mine, "turns", None)
    if turns is None:
        yield
        return
    with turns.lent():
        yield


def busy() -> bool:
    """Whether a run of a page is going on."""
    return _turns.inside > 0


def is_served() -> bool:
    """Whether this is a server; else the app is only tested, and what runs it passes for a ``Runtime``."""
    return type(get_instance()) is Runtime


@st.cache_resource(show_spinner=False)
def start() -> away.Second:
    """Settle all of this, once for the server; returns the process that the networks run in.

    None is started where the app is only tested, or has one core.
    """
    # Every operation of a network gives Python's lock away and then waits for it for up to a whole turn of
    # another thread. A transmission has a thousand of them; those in the second process have none.
    sys.setswitchinterval(away.TURN_S)
    job_queue.shared().busy = busy
    second = away.second()
    second.waiting = _waiting
    if _ALL > 1 and is_served():
        second.start()
    return second


@contextmanager
def fair_share() -> Iterator[None]:
    """Around a computation of this thread. One inside another keeps the outer one's share."""
    global _computing
    if getattr(_mine, "inside", False):
        yield
        return
    with _lock:
        _computing += 1
        threads = _ALL if _computing == 1 and _turns.inside <= 1 else 1
    _mine.inside = True
    try:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        yield
    finally:
        _mine.inside = False
        with _lock:
            _computing -= 1
