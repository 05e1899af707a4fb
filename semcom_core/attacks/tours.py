"""Short round trips and paths through a few dozen points: nearest neighbour, then 2-opt.

Many small problems at once (numpy, no loop over points): each problem is started from every one
of its points, and every start is improved by reversing the stretch that helps most (2-opt,
Croes 1958) until none helps. Distances are symmetric and not negative.
"""

from __future__ import annotations

import numpy as np

_GAIN = 1e-6
"""Relative to the largest distance: smaller gains are rounding, and chasing them may never end."""


def round_trips(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A short closed tour of each problem.

    Args:
        distance: (B,n,n), symmetric.

    Returns:
        Orders (B,n) of the points and lengths (B,) of the tours.
    """
    problems, n = distance.shape[:2]
    starts = np.repeat(distance.astype(np.float64), n, 0)
    tours = _nearest_neighbour(starts, np.tile(np.arange(n), problems))
    _two_opt(starts, tours)
    each = np.arange(len(starts))[:, None]
    length = starts[each, tours, np.roll(tours, -1, 1)].sum(1).reshape(problems, n)
    best = length.argmin(1)
    return tours.reshape(problems, n, n)[np.arange(problems), best], length.min(1)


def paths(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A short open path through all points of each problem: a tour over one more, free point.

    Returns:
        Orders (B,n) and lengths (B,).
    """
    problems, n = distance.shape[:2]
    with_free = np.zeros((problems, n + 1, n + 1))
    with_free[:, :n, :n] = distance
    tours, length = round_trips(with_free)
    after_free = (tours == n).argmax(1)[:, None] + np.arange(1, n + 1)
    return np.take_along_axis(tours, after_free % (n + 1), 1), length


def _nearest_neighbour(distance: np.ndarray, start: np.ndarray) -> np.ndarray:
    each, n = np.arange(len(distance)), distance.shape[1]
    tours = np.empty((len(distance), n), dtype=np.intp)
    tours[:, 0] = start
    visited = np.zeros((len(distance), n))
    for step in range(n - 1):
        visited[each, tours[:, step]] = np.inf
        tours[:, step + 1] = (distance[each, tours[:, step]] + visited).argmin(1)
    return tours


def _two_opt(distance: np.ndarray, tours: np.ndarray) -> None:
    """Improve ``tours`` in place; every round takes the best reversal of each tour."""
    n = tours.shape[1]
    place = np.arange(n)
    first, last = np.triu_indices(n, 1)  # the stretch from behind the one place to the other
    before, behind = first * (n + 1) + last, (first + 1) * (n + 1) + last + 1
    least = _GAIN * distance.max(initial=1e-300)
    flat = distance.reshape(-1).astype(np.float32)
    active = np.arange(len(tours))
    while len(active):
        closed = tours[active][:, [*range(n), 0]]
        starts = (active * n * n)[:, None] + closed * n
        between = flat.take((starts[:, :, None] + closed[:, None, :]).reshape(len(active), -1), mode="clip")
        step = between.take(place * (n + 2) + 1, 1)
        change = between.take(before, 1)
        change += between.take(behind, 1)
        change -= step.take(first, 1)
        change -= step.take(last, 1)
        best = change.argmin(1)
        helps = change[np.arange(len(active)), best] < -least
        active, best = active[helps], best[helps]
        a, b = first[best][:, None], last[best][:, None]
        reversed_place = np.where((place > a) & (place <= b), a + b + 1 - place, place)
        tours[active] = np.take_along_axis(tours[active], reversed_place, 1)
