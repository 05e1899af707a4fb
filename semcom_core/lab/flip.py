"""How little does it take: the least radius at which one receiver's answer flips, for one picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from semcom_core.codecs.repobe import RepObECodec
from semcom_core.domains import Domain
from semcom_core.lab.manipulated import Outcome, Reading, Setup, pixels, run

LADDER = (0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256)
"""Radii that are tried first, in pixels."""
BEYOND = (0.35, 0.5, 0.75, 1.0)
"""Tried where no step of the ladder flips the answer; at 1 the attacker may draw any picture."""
TRIES = 1 + len(LADDER) + len(BEYOND)
"""Results of one search, the clean picture included."""


@dataclass(frozen=True, eq=False)
class Tried:
    """One radius.

    Attributes:
        eps: radius in pixels; 0 is the clean picture.
        reading: what the receiver says.
        flipped: its answer is the target or, without one, not the true class.
        picture: uint8 (n,n,C).
    """

    method: str
    eps: float
    reading: Reading
    flipped: bool
    picture: np.ndarray


def search(
    method: str, codec: RepObECodec, domain: Domain, native: Tensor, label: int, setup: Setup
) -> Iterator[Tried]:
    """Climb the ladder, then halve the step in which the answer flips; :data:`TRIES` results.

    An attack is a search of its own at each radius, so a greater radius may by chance do worse.
    What is found is an upper bound: a stronger attack may need less.

    Args:
        native: one prepared picture (1,C,n,n).
        label: the class that counts as right.
        setup: link and attack; its ``eps`` is what is searched for.
    """

    def at(eps: float) -> Outcome:
        return run(method, codec, domain, native, label, replace(setup, eps=eps, level=None))

    def tried(eps: float, reading: Reading, picture: np.ndarray) -> Tried:
        flipped = reading.answer == setup.target if setup.targeted else reading.answer != label
        return Tried(method, eps, reading, flipped, picture)

    found: list[Tried] = []
    for eps in LADDER:
        outcome = at(eps)
        if not found:
            found.append(tried(0.0, outcome.before, pixels(native[0])))
            yield found[0]
        found.append(tried(eps, outcome.after, outcome.picture))
        yield found[-1]
    low, high = bracket(found)
    if low is None or high is None:
        for eps in BEYOND:
            outcome = at(eps)
            yield tried(eps, outcome.after, outcome.picture)
        return
    for _ in BEYOND:
        eps = (low + high) / 2.0
        outcome = at(eps)
        middle = tried(eps, outcome.after, outcome.picture)
        low, high = (low, eps) if middle.flipped else (eps, high)
        yield middle


def bracket(found: list[Tried]) -> tuple[float | None, float | None]:
    """The least radius that flipped the answer and the one tried before it, the other way round."""
    ordered = sorted(found, key=lambda one: one.eps)
    first = next((number for number, one in enumerate(ordered) if one.flipped), None)
    if first is None or first == 0:
        return None, None
    return ordered[first - 1].eps, ordered[first].eps


def flip_point(found: list[Tried]) -> Tried | None:
    """The least radius that flipped the answer; ``None`` if none did."""
    return min((one for one in found if one.flipped), key=lambda one: one.eps, default=None)
