"""A process that ends while a job works: it ends well, and soon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LEAVING = """
import time, torch
from semcom_core.job_queue import shared

def work():
    x, w = torch.randn(64, 8, 64, 64), torch.randn(8, 8, 3, 3, requires_grad=True)
    try:
        while True:
            torch.nn.functional.conv2d(x, w, padding=1).sum().backward()
            yield
    finally:
        print("closed")

{jobs}
while tickets and tickets[0].seconds < 0.2:
    [shared().poll(one) for one in tickets]
    time.sleep(0.02)
print("leaves")
"""
JOBS = {
    "none": "tickets = []; shared()",
    "one": "tickets = [shared().submit('a', work(), lambda _: None)]",
    "two sessions'": "tickets = [shared().submit(name, work(), lambda _: None) for name in 'ab']",
}


@pytest.mark.parametrize("jobs", list(JOBS))
def test_the_step_under_way_is_the_last_one(jobs: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEAVING.format(jobs=JOBS[jobs])],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    first, *rest = ended.stdout.split()
    assert first == "leaves" and (jobs == "none" or "closed" in rest)
