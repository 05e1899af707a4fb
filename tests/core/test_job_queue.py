"""The queue of heavy jobs: turns are fair whatever visitors do, and nothing outlives its visitor."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from semcom_core import job_queue
from semcom_core.job_queue import AHEAD_S, EXPIRES_S, SLICE_S, End, JobQueue, Ticket


class Clock:
    """Time that passes only when a test or a job says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Jobs:
    """A queue on a clock of its own, with jobs that take as long as they say."""

    def __init__(self, **settings: float) -> None:
        self.clock = Clock()
        self.queue = JobQueue(clock=self.clock, **settings)
        self.log: list[str] = []
        self.given: dict[Ticket, list[int]] = {}
        self.closed: list[str] = []

    def start(self, owner: str, steps: int = 1000, cost: float = 0.1) -> Ticket:
        results: list[int] = []
        ticket = self.queue.submit(owner, self._job(owner, steps, cost), results.append)
        self.given[ticket] = results
        return ticket

    def _job(self, owner: str, steps: int, cost: float) -> Generator[int, None, None]:
        try:
            for number in range(steps):
                self.clock.now += cost
                if not self.log or self.log[-1] != owner or number == 0:
                    self.log.append(owner)
                yield number
        finally:
            self.closed.append(owner)


class TestOneJob:
    def test_runs_to_its_end_and_gives_everything_in_order(self) -> None:
        jobs = Jobs()
        ticket = jobs.start("a", steps=7)
        while jobs.queue.advance():
            jobs.queue.poll(ticket)
        assert jobs.given[ticket] == list(range(7))
        assert ticket.end is End.DONE
        assert ticket.seconds == pytest.approx(0.7)
        assert jobs.queue.place(ticket) is None
        assert jobs.closed == ["a"]

    def test_a_turn_is_a_slice(self) -> None:
        jobs = Jobs()
        ticket = jobs.start("a")
        jobs.queue.advance()
        assert jobs.clock.now == pytest.approx(SLICE_S, abs=0.1)
        assert ticket.turns == 1

    @pytest.mark.parametrize("turns", [0, 1])
    def test_cancel_keeps_what_was_reached_and_closes(self, turns: int) -> None:
        jobs = Jobs()
        ticket = jobs.start("a")
        for _ in range(turns):
            jobs.queue.advance()
        reached = list(jobs.given[ticket])
        assert bool(reached) == bool(turns)
        jobs.queue.cancel(ticket)
        assert ticket.end is End.CANCELLED
        assert not jobs.queue.advance()
        assert jobs.given[ticket] == reached
        assert len(jobs.closed) == turns  # a generator that never began has nothing to clean up

    def test_the_limit_counts_working_time_only(self) -> None:
        jobs = Jobs(limit_s=1.0)
        first, second = jobs.start("a"), jobs.start("b")
        while first.end is None or second.end is None:
            jobs.queue.poll(first)
            jobs.queue.poll(second)
            assert jobs.queue.advance()
        assert first.end is second.end is End.LIMIT
        assert first.seconds == second.seconds == pytest.approx(1.0)
        assert jobs.given[first] == list(range(10))

    def test_an_error_ends_the_job_and_not_the_queue(self) -> None:
        jobs = Jobs()

        def broken() -> Iterator[int]:
            yield 1
            raise OSError("full")

        got: list[int] = []
        ticket, other = jobs.queue.submit("a", broken(), got.append), jobs.start("b", steps=1)
        jobs.queue.advance()
        jobs.queue.advance()
        assert (ticket.end, str(ticket.error), got) == (End.FAILED, "full", [1])
        assert other.end is End.DONE

    def test_gradients_are_on_whatever_the_job_before_left_behind(self) -> None:
        jobs, seen = Jobs(), []

        def careless() -> Iterator[None]:
            with torch.no_grad():
                while True:
                    yield

        def honest() -> Iterator[None]:
            seen.append(torch.is_grad_enabled())
            yield

        queue = JobQueue(slice_s=0.0, clock=jobs.clock)
        queue.submit("a", careless(), lambda _: None)
        queue.submit("b", honest(), lambda _: None)
        queue.advance()
        queue.advance()
        assert seen == [True]

    def test_it_is_over_only_when_it_is_closed(self) -> None:
        jobs, ends = Jobs(slice_s=0.0), []

        def job() -> Iterator[int]:
            try:
                while True:
                    yield 1
            finally:
                ends.append(ticket.end)

        ticket = jobs.queue.submit("a", job(), lambda _: None)
        jobs.queue.advance()
        jobs.queue.cancel(ticket)
        assert (ends, ticket.end) == ([None], End.CANCELLED)


class TestTheLine:
    def test_sessions_take_turns_and_two_jobs_are_no_two_places(self) -> None:
        jobs = Jobs()
        tickets = [jobs.start(owner) for owner in ("a", "a", "b", "c")]
        for _ in range(9):
            for ticket in tickets:
                jobs.queue.poll(ticket)
            jobs.queue.advance()
        assert jobs.log == list("abc" * 3)

    def test_place_and_measured_wait(self) -> None:
        jobs = Jobs()
        tickets = [jobs.start(owner, cost=0.5) for owner in "abc"]
        assert [jobs.queue.place(one).number for one in tickets] == [1, 2, 3]
        assert {jobs.queue.place(one).others for one in tickets} == {2}
        assert jobs.queue.place(tickets[2]).wait_s is None  # nothing was measured yet
        for _ in range(3):
            for ticket in tickets:
                jobs.queue.poll(ticket)
            jobs.queue.advance()
        waits = [jobs.queue.place(one).wait_s for one in tickets]
        before = jobs.clock.now
        jobs.queue.advance()
        assert waits == pytest.approx([0.0, jobs.clock.now - before, 2 * (jobs.clock.now - before)])

    def test_behind_ones_own_other_job(self) -> None:
        jobs = Jobs()
        first, second = jobs.start("a"), jobs.start("a")
        assert jobs.queue.place(second).number == 2 and jobs.queue.place(second).others == 0
        jobs.clock.now += AHEAD_S + 1  # the visitor looks at the second only
        jobs.queue.poll(second)
        assert jobs.queue.place(second).number == 1
        jobs.queue.advance()
        assert jobs.given[second] and not jobs.given[first]

    def test_nobody_looks_nothing_is_computed_and_the_ticket_expires(self) -> None:
        jobs = Jobs()
        ticket = jobs.start("a")
        jobs.queue.advance()
        reached = list(jobs.given[ticket])
        jobs.clock.now += AHEAD_S + 0.1
        assert not jobs.queue.advance() and ticket.end is None
        jobs.queue.poll(ticket)
        assert jobs.queue.advance()  # back in time
        reached = list(jobs.given[ticket])
        jobs.clock.now += EXPIRES_S + 0.1
        jobs.queue.advance()
        assert ticket.end is End.GONE
        assert jobs.closed == ["a"]
        assert jobs.given[ticket] == reached
        jobs.queue.poll(ticket)  # a browser that comes back late does no harm
        jobs.queue.cancel(ticket)
        assert ticket.end is End.GONE and not jobs.queue.advance()

    def test_memory_of_a_dropped_job_is_freed(self) -> None:
        import weakref

        class Big:
            pass

        def job() -> Iterator[int]:
            big = Big()
            kept.append(weakref.ref(big))
            while True:
                yield id(big)

        kept: list[Any] = []
        jobs = Jobs(slice_s=0.0)
        jobs.queue.submit("a", job(), lambda _: None)
        jobs.queue.advance()
        assert kept[0]() is not None
        jobs.clock.now += EXPIRES_S + 1
        jobs.queue.advance()
        assert kept[0]() is None


@given(
    costs=st.lists(st.floats(0.01, 2.0), min_size=2, max_size=6),
    rounds=st.integers(2, 6),
)
def test_everybody_has_as_many_turns_as_everybody_else(costs: list[float], rounds: int) -> None:
    jobs = Jobs(limit_s=1e9)
    tickets = [jobs.start(str(number), cost=cost) for number, cost in enumerate(costs)]
    for _ in range(rounds * len(tickets)):
        for ticket in tickets:
            jobs.queue.poll(ticket)
        assert jobs.queue.advance()
    assert {ticket.turns for ticket in tickets} == {rounds}


class Classroom(RuleBasedStateMachine):
    """Visitors start, look, cancel and leave in any order; the worker works in between."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs(limit_s=5.0)
        self.tickets: list[Ticket] = []
        self.passed_over: dict[str, dict[str, int]] = {}
        """For each session that waits with a fresh ticket: turns that every other one had meanwhile."""

    def _fresh(self) -> set[str]:
        now = self.jobs.clock.now
        return {one.owner for one in self.tickets if one.end is None and now - one._polled <= AHEAD_S}

    @rule(owner=st.sampled_from("abcd"), steps=st.integers(0, 30), cost=st.sampled_from([0.05, 0.2, 1.0]))
    def start(self, owner: str, steps: int, cost: float) -> None:
        self.tickets.append(self.jobs.start(owner, steps, cost))

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        self.jobs.queue.poll(data.draw(st.sampled_from(self.tickets)))

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        ended = ticket.end
        self.jobs.queue.cancel(ticket)
        assert ticket.end is (ended or End.CANCELLED)
        if all(one.end is not None for one in self.tickets if one.owner == ticket.owner):
            self.passed_over.pop(ticket.owner, None)  # out of the line; a new job begins at its end

    @rule(seconds=st.sampled_from([0.1, AHEAD_S, EXPIRES_S]))
    def wait(self, seconds: float) -> None:
        self.jobs.clock.now += seconds

    @rule()
    def advance(self) -> None:
        waiting = self._fresh()
        turns = {one: one.turns for one in self.tickets}
        worked = self.jobs.queue.advance()
        served = [one.owner for one in self.tickets if one.turns > turns[one]]
        assert worked == bool(waiting)
        assert len(served) == len(set(served)) == (1 if worked else 0)
        for owner in list(self.passed_over):
            if owner not in waiting or owner in served:
                del self.passed_over[owner]
        for owner in waiting - set(served):
            counts = self.passed_over.setdefault(owner, {})
            for other in served:
                counts[other] = counts.get(other, 0) + 1
                assert counts[other] == 1, "one session had two turns while another waited for its first"

    @invariant()
    def places_are_a_line(self) -> None:
        fresh = [one for one in self.tickets if one.end is None and one.owner in self._fresh()]
        first = {one.owner: one for one in reversed(fresh) if self.jobs.queue._is_fresh(one)}
        numbers = sorted(self.jobs.queue.place(one).number for one in first.values())
        assert numbers == list(range(1, len(first) + 1))

    @invariant()
    def nothing_stays_of_what_is_over(self) -> None:
        for one in self.tickets:
            if one.end is not None:
                assert one._work is None and one._take is None
                assert self.jobs.queue.place(one) is None


TestClassroom = Classroom.TestCase
TestClassroom.settings = settings(
    max_examples=50, stateful_step_count=30, suppress_health_check=list(HealthCheck)
)  # a busy machine is no failure


class TestTheWorker:
    """The real thread."""

    def test_one_core_low_priority_and_the_others_keep_theirs(self) -> None:
        seen: dict[str, Any] = {}

        def job() -> Iterator[None]:
            torch.zeros(100_000).add_(1)
            seen["threads"] = torch.get_num_threads()
            if sys.platform == "linux":
                seen["nice"] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            yield

        before = torch.get_num_threads()
        own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0
        queue = job_queue.shared()
        ticket = queue.submit("a", job(), lambda _: None)
        while ticket.end is None:
            queue.poll(ticket, 0.1)
        assert ticket.end is End.DONE
        assert seen["threads"] == 1
        assert torch.get_num_threads() == before
        later: list[int] = []

        def visit() -> None:
            torch.zeros(100_000).add_(1)
            later.append(torch.get_num_threads())

        visitor = threading.Thread(target=visit)
        visitor.start()
        visitor.join()
        assert later == [before]
        if sys.platform == "linux":
            assert seen["nice"] > own
            assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own

    def test_only_the_first_in_line_waits_and_cancel_waits_for_the_step(self) -> None:
        queue, go, began = job_queue.shared(), threading.Event(), threading.Event()

        def stuck() -> Iterator[int]:
            began.set()
            go.wait(30)
            yield 1
            yield 2

        got: list[int] = []
        first = queue.submit("first", stuck(), got.append)
        second = queue.submit("second", iter_of(3), got.append)
        assert began.wait(30)
        try:
            started = time.monotonic()
            queue.poll(second, patience_s=60.0)  # second in line: back at once
            queue.cancel(first, patience_s=0.05)
            assert time.monotonic() - started < 30
            assert first.end is None and first.cancelled
        finally:
            go.set()
        queue.cancel(first, patience_s=60.0)
        assert first.end is End.CANCELLED
        assert got[0] == 1 and 2 not in got[:1]
        while second.end is None:
            queue.poll(second, 0.1)
        assert second.end is End.DONE

    @pytest.mark.parametrize(("given_", "limit"), [("", 600.0), ("90", 90.0), ("0", 600.0), ("soon", 600.0)])
    def test_the_limit_from_the_environment(self, monkeypatch: pytest.MonkeyPatch, given_: str, limit: float) -> None:
        monkeypatch.setenv("SEMCOM_JOB_LIMIT_S", given_)
        assert job_queue._limit() == limit


def iter_of(count: int) -> Generator[int, None, None]:
    yield from range(count)
