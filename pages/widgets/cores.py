"""How many cores one visitor's computation takes: all of them if nobody else is computing, one otherwise.

Two visitors with two threads each on two cores wait for each other at every layer: measured, a
transmission then costs twice the processor time of one thread (130 ms instead of 70). PyTorch's number
of threads belongs to the calling thread, and each run of the page has a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_ALL = torch.get_num_threads()
_lock = threading.Lock()
_computing = 0
_mine = threading.local()


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
