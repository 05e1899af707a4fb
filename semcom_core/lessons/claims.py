"""The kinds of claims that lessons make, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from semcom_core.lessons.catalogue import Claim, Lesson
from semcom_core.lessons.evidence import Evidence

Numbers = Mapping[str, float]
Value = str | float
"""Name of a number, or a number itself."""


class Outcome(StrEnum):
    """What became of a claim; ``NOT_RUN`` where a number that it needs was never measured."""

    YES = "yes"
    NO = "no"
    NOT_RUN = "not_run"


@dataclass(frozen=True)
class Finding:
    """A claim and what became of it."""

    claim: str
    outcome: Outcome


def near(numbers: Numbers, left: Value, right: Value, tolerance: float) -> bool:
    """``left`` differs from ``right`` by at most this share of it."""
    return abs(_of(numbers, left) - _of(numbers, right)) <= tolerance * abs(_of(numbers, right))


def within(numbers: Numbers, left: Value, right: Value, margin: float) -> bool:
    """``left`` and ``right`` differ by at most a margin."""
    return abs(_of(numbers, left) - _of(numbers, right)) <= margin


def above(numbers: Numbers, left: Value, right: Value, margin: float = 0.0) -> bool:
    """``left`` is greater than ``right``, by at least a margin."""
    return _of(numbers, left) - _of(numbers, right) >= margin and _of(numbers, left) > _of(numbers, right)


def all_above(numbers: Numbers, pairs: Sequence[Sequence[Value]], margin: float = 0.0) -> bool:
    """In each pair the first is greater than the second, by at least a margin."""
    return all(above(numbers, first, second, margin) for first, second in pairs)


def falling(numbers: Numbers, values: Sequence[Value], margin: float = 0.0) -> bool:
    """Each value is lower than the one before, by at least a margin."""
    return all_above(numbers, list(pairwise(values)), margin)


def pattern(numbers: Numbers, true: Sequence[str] = (), false: Sequence[str] = ()) -> bool:
    """Truths that hold, and truths that do not."""
    return all(_of(numbers, name) == 1.0 for name in true) and all(_of(numbers, name) == 0.0 for name in false)


CLAIMS: dict[str, Callable[..., bool]] = {
    one.__name__: one for one in (near, within, above, all_above, falling, pattern)
}
"""By name; called with the numbers of an experiment and what a claim is about."""


def judge(lesson: Lesson, evidence: Evidence) -> tuple[Finding, ...]:
    """What became of each claim of a lesson, in its order."""
    return tuple(Finding(claim.key, _outcome(claim, evidence.numbers)) for claim in lesson.claims)


def right_option(lesson: Lesson, findings: Sequence[Finding]) -> str | None:
    """The right answer to the lesson's question; ``None`` if the experiment came out otherwise."""
    return lesson.answer if findings[0].outcome is Outcome.YES else None


def _outcome(claim: Claim, numbers: Numbers) -> Outcome:
    try:
        return Outcome.YES if CLAIMS[claim.kind](numbers, **claim.about) else Outcome.NO
    except LookupError:
        return Outcome.NOT_RUN


def _of(numbers: Numbers, value: Value) -> float:
    return numbers[value] if isinstance(value, str) else float(value)
