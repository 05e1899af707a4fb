"""Heavy jobs beside visitors: they step aside, but never for good."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from semcom_core import job_queue
from semcom_core.job_queue import ASIDE, JobQueue


def test_a_turn_is_one_step_and_the_next_one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def work() -> Generator[int, None, None]:
        for number in range(100):
            now[0] += 0.1
            yield number

    def wait(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(job_queue.time, "sleep", wait)
    queue, done = JobQueue(slice_s=1.0, clock=lambda: now[0]), []
    queue.submit("a", work(), done.append)
    queue.busy = lambda: True
    queue.advance()
    assert done == [0]
    before = now[0]
    queue._step_aside()
    assert now[0] - before == pytest.approx(ASIDE * 0.1, abs=2 * job_queue._GLANCE_S)
    queue.busy = lambda: False
    before = now[0]
    queue._step_aside()
    assert now[0] == before
    queue.advance()
    assert len(done) == 11  # a whole slice again


def test_it_goes_on_as_soon_as_nobody_waits() -> None:
    queue = JobQueue()
    queue._durations.append(60.0)
    until = time.monotonic() + 0.1
    queue.busy = lambda: time.monotonic() < until
    queue._step_aside()
    assert until <= time.monotonic() < until + 30
