"""Turns of page runs, and what is prepared before a class comes."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from pages.widgets import warm_up
from pages.widgets.cores import Turns
from semcom_core import away, link, samples
from semcom_core.domains import DOMAINS
from tests.ui.conftest import Open


def _waits(turns: Turns, count: int) -> None:
    """Until so many threads stand in the queue."""
    while len(turns._queue) < count:
        threading.Event().wait(0.001)


def test_first_come_first_served_and_who_comes_back_before_all() -> None:
    turns, order = Turns(1), []
    lent, go_on = threading.Event(), threading.Event()

    def long() -> None:
        with turns.whole():
            with turns.lent():
                lent.set()
                go_on.wait()
            order.append("comes back")

    def short(name: str) -> None:
        with turns.whole():
            order.append(name)

    threads = [threading.Thread(target=long)]
    threads[0].start()
    lent.wait()
    with turns.whole():  # the place of the one that waits elsewhere
        assert turns.inside == 2
        for name in ("first", "second"):
            threads.append(threading.Thread(target=short, args=(name,)))
            threads[-1].start()
            _waits(turns, len(threads) - 1)
        go_on.set()
        _waits(turns, 3)
    for thread in threads:
        thread.join()
    assert order == ["comes back", "first", "second"]
    assert turns.inside == 0 and turns._free == 1


def test_a_run_that_fails_gives_its_turn_back() -> None:
    turns = Turns(2)
    for _ in range(3):
        try:
            with turns.whole():
                raise RuntimeError
        except RuntimeError:
            pass
    assert turns.inside == 0 and turns._free == 2


def test_a_tested_app_starts_nothing(open_app: Open) -> None:
    assert not open_app().exception
    assert not {"second process", "warm-up"} & {thread.name for thread in threading.enumerate()}
    assert not away.second().ready.is_set()


def test_preparing_stops_when_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    leaving = threading.Event()
    monkeypatch.setattr(
        warm_up, "jobs", lambda: iter([lambda: done.append("first") or leaving.set(), lambda: done.append("second")])
    )
    monkeypatch.setattr(away.second(), "ready", threading.Event())
    waits = threading.Thread(target=warm_up._all, args=(leaving,), daemon=True)
    waits.start()
    away.second().ready.set()
    waits.join(10)
    assert not waits.is_alive() and done == ["first"]
    monkeypatch.setattr(away.second(), "ready", threading.Event())  # of a second process that never comes
    warm_up._all(leaving)
    assert done == ["first"]


def test_everything_that_a_class_may_choose_is_prepared() -> None:
    jobs = list(warm_up.jobs())
    done = [job.args for job in jobs if isinstance(job, partial)]
    for domain in DOMAINS:
        assert {one[1] for one in done if len(one) == 3 and one[0] == domain} == set(link.trained_defenses(domain))
        assert {one[1] for one in done if len(one) == 2 and one[0] == domain} == {
            sample.key for sample in samples.samples(domain)
        }
    jobs[0]()
    jobs[1]()  # the default link, from the drawing to the eavesdropper
