"""Wall time of repeated work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Wall time of repeated runs, in milliseconds."""

    p50: float
    p95: float
    runs: int


def timed(work: Callable[[int], object], runs: int, warmup: int = 3) -> Timing:
    """Time ``work(run number)``; warm-up runs are not counted."""
    for number in range(warmup):
        work(number)
    seconds = []
    for number in range(runs):
        started = time.perf_counter()
        work(number)
        seconds.append(time.perf_counter() - started)
    p50, p95 = np.percentile(seconds, [50, 95]) * 1e3
    return Timing(round(float(p50), 2), round(float(p95), 2), runs)
