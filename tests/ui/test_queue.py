"""Heavy jobs as several visitors of one server see them; see also tests/core/test_job_queue.py."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.experiment import Making
from pages.widgets.strings import t
from semcom_core import job_queue
from semcom_core.datasets import DataUnavailable
from semcom_core.job_queue import End
from semcom_core.manifest import MissingWeights
from tests.ui import jobs
from tests.ui.conftest import TIMEOUT

Work = Callable[[], Iterator[Any]]


def script() -> None:
    from tests.ui import jobs

    jobs.page()


def visitor() -> AppTest:
    """A session of its own."""
    return fine(AppTest.from_function(script, default_timeout=TIMEOUT).run())


def fine(app: AppTest) -> AppTest:
    assert not app.exception, [one.message for one in app.exception]
    return app


def start(app: AppTest, work: Work) -> AppTest:
    jobs.begin = work
    return fine(app.button(key="job_start").click().run())


def until(app: AppTest, condition: Callable[[], bool]) -> AppTest:
    """Run as the browser would by itself."""
    for _ in range(200):
        if condition():
            return fine(app.run())  # what came last is drawn by the next run
        fine(app.run())
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def run_of(app: AppTest) -> Any:
    return app.session_state["experiments"]["job"]


def captions(app: AppTest) -> str:
    return " ".join(one.value for one in app.caption)


def numbers(log: list[str] | None = None, name: str = "") -> Work:
    def work() -> Iterator[int]:
        for number in range(jobs.TOTAL + 5):  # more than the page asked for
            if log is not None:
                log.append(name)
            yield number

    return work


class Stuck:
    """A job whose second step takes as long as the test wants."""

    def __init__(self) -> None:
        self.go, self.reached = threading.Event(), threading.Event()

    def work(self) -> Iterator[int]:
        yield 1
        self.reached.set()
        self.go.wait(60)
        yield 2
        yield 3

    def __enter__(self) -> Stuck:
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()


def test_it_ends_at_the_number_of_results_that_was_said() -> None:
    app = start(visitor(), numbers())
    until(app, lambda: not run_of(app).running)
    assert run_of(app).points == [0, 1, 2, 3]
    assert run_of(app).ticket.end is End.DONE
    assert any("[0, 1, 2, 3]" in one.value for one in app.markdown)
    assert "Done: 4 results" in captions(app)


def test_who_is_not_first_sees_the_line_and_is_never_held_up() -> None:
    with Stuck() as stuck:
        first, second, third = visitor(), visitor(), visitor()
        start(first, stuck.work)
        assert stuck.reached.wait(30)
        # From here on the worker is busy: whatever returns does not wait for it.
        start(second, numbers())
        start(third, numbers())
        for one in (second, third):  # all are looking
            fine(one.run())
        for app, number in ((second, 2), (third, 3)):
            fine(app.run())
            assert t("queue.line", all=3, number=number).split(" now")[0] in captions(app)
            assert not run_of(app).points
        fine(third.button(key="job_cancel").click().run())
        assert run_of(third).ticket.end is End.CANCELLED
        assert "Stopped after 0 of 4" in captions(third)
        fine(first.button(key="job_cancel").click().run())
        assert run_of(first).running  # a step is not interrupted ...
        assert t("queue.stopping") in captions(first)
    until(first, lambda: not run_of(first).running)
    assert run_of(first).ticket.end is End.CANCELLED  # ... but it is the last one
    assert run_of(first).points == [1, 2]
    until(second, lambda: not run_of(second).running)
    assert run_of(second).points == [0, 1, 2, 3]


def test_two_visitors_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queue.shared(), "slice_s", 0.0)  # a turn is a step
    log: list[str] = []
    with Stuck() as stuck:  # so that both are in line before either works
        other, one, two = visitor(), visitor(), visitor()
        start(other, stuck.work)
        assert stuck.reached.wait(30)
        start(one, numbers(log, "one"))
        start(two, numbers(log, "two"))
    until(one, lambda: bool(fine(two.run())) and not run_of(one).running and not run_of(two).running)
    assert log == ["one", "two"] * jobs.TOTAL
    assert run_of(one).points == run_of(two).points == [0, 1, 2, 3]


def test_another_subject_takes_the_old_job_out_of_the_line() -> None:
    with Stuck() as stuck:
        app = start(visitor(), stuck.work)
        ticket = run_of(app).ticket
        app.session_state["subject"] = "another"
        fine(app.run())
        assert "job" not in app.session_state["experiments"]
        assert ticket.cancelled
    until(app, lambda: ticket.end is End.CANCELLED)


def test_time_limit_says_so_and_keeps_what_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = job_queue.shared()
    monkeypatch.setattr(queue, "slice_s", 0.0)
    monkeypatch.setattr(queue, "limit_s", 0.05)

    def work() -> Iterator[int]:
        yield 1
        time.sleep(0.1)
        yield 2
        yield 3

    app = start(visitor(), work)
    until(app, lambda: not run_of(app).running)
    assert run_of(app).points == [1, 2]
    assert t("queue.limit", limit="0.05", done=2, all=4) in captions(app)
    assert any("[1, 2]" in one.value for one in app.markdown)


def test_a_browser_that_is_closed_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, closed, steps = job_queue.shared(), threading.Event(), []
    monkeypatch.setattr(queue, "ahead_s", 0.3)

    def work() -> Iterator[int]:
        big = bytearray(1_000_000)
        try:
            yield len(big)
            while True:
                steps.append(time.sleep(0.01))
                yield Making("lab.making_samples", 1, 2)
        finally:
            closed.set()

    app = start(visitor(), work)
    ticket = run_of(app).ticket
    until(app, lambda: bool(run_of(app).points))
    # The browser is gone: nobody polls any more. The work rests long before the ticket expires.
    rested = False
    for _ in range(200):
        before = len(steps)
        time.sleep(0.4)
        if rested := len(steps) == before:
            break
    assert rested and ticket.end is None and not closed.is_set()
    monkeypatch.setattr(queue, "expires_s", 0.5)
    assert closed.wait(30)
    while ticket.end is None:
        time.sleep(0.01)
    assert ticket.end is End.GONE
    assert ticket._work is None and ticket.owner not in queue._line
    # Whoever comes back finds what was reached, and why it is no more.
    fine(app.run())
    fine(app.run())
    assert t("queue.gone", done=1, all=4) in captions(app)
    assert any("1000000" in one.value for one in app.markdown)
    start(app, numbers())
    until(app, lambda: not run_of(app).running)


_NO_WEIGHTS = MissingWeights("The weights of digits/base are not there; restore them.")
_NO_DATA = DataUnavailable("No pictures; set SEMCOM_DATA.")


@pytest.mark.parametrize(
    ("error", "words", "at_once"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "queue.full", False),
        (MemoryError(), "queue.full", False),
        (_NO_WEIGHTS, "The weights of digits/base", False),
        (_NO_WEIGHTS, "The weights of digits/base", True),
        (_NO_DATA, "set SEMCOM_DATA", False),
        (_NO_DATA, "set SEMCOM_DATA", True),
        (RuntimeError("/secret/path: a bug"), None, False),
    ],
)
def test_an_error_is_a_sentence(error: Exception, words: str | None, at_once: bool) -> None:
    def work() -> Iterator[int]:
        yield 1
        raise error

    def refuse() -> Iterator[int]:
        raise error

    app = start(visitor(), refuse if at_once else work)
    until(app, lambda: not run_of(app).running)
    assert t("queue.failed", done=0 if at_once else 1, all=4) in captions(app)
    shown = [one.value for one in app.error]
    if words is None:
        assert not shown
    else:
        assert len(shown) == 1 and (t(words) if words.startswith("queue.") else words) in shown[0]
    page = captions(app) + " ".join(shown + [one.value for one in app.markdown])
    assert "secret" not in page and "Traceback" not in page
    assert run_of(app).points == ([] if at_once else [1])
