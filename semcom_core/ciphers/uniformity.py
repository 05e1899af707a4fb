r"""Are the drawn permutations uniform? Counts and a chi-square test, and a shuffle that fails it.

With every one of the n! permutations equally likely, ``χ² = Σ (count − expected)² / expected``
follows a chi-square law with n!−1 degrees of freedom (expected count ≥ 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.special import chdtrc, chdtri

from semcom_core.ciphers.keys import KeyStream

Shuffle = Callable[[KeyStream, int], np.ndarray]


def fisher_yates(stream: KeyStream, size: int) -> np.ndarray:
    """The shuffle of all keys: place i swaps with a uniform place *up to* i, (size,)."""
    return stream.permutation(size)


def naive_shuffle(stream: KeyStream, size: int) -> np.ndarray:
    """A well-known mistake: each place swaps with a uniform place among *all*, (size,).

    It has n^n equally likely courses, and n! does not divide n^n for n > 2: some permutations
    must come out more often than others.
    """
    order = np.arange(size)
    for i in range(size):
        j = stream.below(size)
        order[i], order[j] = order[j], order[i]
    return order


@dataclass(frozen=True, eq=False)
class Uniformity:
    """Counts of all n! permutations in lexicographic order, and the test.

    Attributes:
        orders: the permutations, n! tuples.
        counts: how often each was drawn, (n!,).
        statistic: χ².
        limit: the statistic that a uniform shuffle stays below with probability ``level``.
        p_value: probability of at least this statistic for a uniform shuffle.
    """

    orders: tuple[tuple[int, ...], ...]
    counts: np.ndarray
    statistic: float
    limit: float
    p_value: float

    @property
    def expected(self) -> float:
        return float(self.counts.mean())

    @property
    def passed(self) -> bool:
        return self.statistic <= self.limit


def uniformity(
    stream: KeyStream, size: int, draws: int, shuffle: Shuffle = fisher_yates, level: float = 0.99
) -> Uniformity:
    """Draw permutations of ``size`` elements and test whether all come equally often.

    Raises:
        ValueError: fewer than five draws a permutation are expected, too few for the test.
    """
    orders = tuple(permutations(range(size)))
    if draws < 5 * len(orders):
        raise ValueError(f"{size} elements need at least {5 * len(orders)} draws, not {draws}.")
    place = {order: number for number, order in enumerate(orders)}
    counts = np.zeros(len(orders), dtype=int)
    for _ in range(draws):
        counts[place[tuple(shuffle(stream, size).tolist())]] += 1
    expected = draws / len(orders)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = len(orders) - 1
    return Uniformity(orders, counts, statistic, float(chdtri(freedom, 1 - level)), float(chdtrc(freedom, statistic)))
