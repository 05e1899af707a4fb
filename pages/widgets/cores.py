"""How many cores one visitor's computation takes, and how long Python stays with one visitor.

All cores if nobody else is computing, one otherwise.

Two visitors with two threads each on two cores wait for each other at every layer: measured, a
transmission then costs twice the processor time of one thread (130 ms instead of 70). PyTorch's number
of threads belongs to the calling thread, and each run of the page has a thread of its own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_ALL = torch.get_num_threads()
_TURN_S = 2e-4
_lock = threading.Lock()
_computing = 0
_mine = threading.local()


def short_turns() -> None:
    """Let Python's threads take turns of a fifth of a millisecond instead of five milliseconds.

    Every operation of a network gives Python's lock away and then waits for it for up to a whole turn of
    another session. A transmission has a thousand of them.
    """
    if sys.getswitchinterval() != _TURN_S:
        sys.setswitchinterval(_TURN_S)


@contextmanager
def fair_share() -> Iterator[None]:
    """Around a computation of this thread. One inside another keeps the outer one's share."""
    global _computing
    if getattr(_mine, "inside", False):
        yield
        return
    with _lock:
        _computing += 1
        threads = _ALL if _computing == 1 else 1
    _mine.inside = True
    try:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        yield
    finally:
        _mine.inside = False
        with _lock:
            _computing -= 1
