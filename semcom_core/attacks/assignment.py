r"""From scores of position pairs to a permutation key: the common end of several attacks.

Whatever an attacker compares (one known picture, maps of statistics, chosen digits), it ends
with a score for every pair of positions, "cipher position p looks like plain position q", and
wants the key whose permutation has the highest total. For a free permutation this is one linear
assignment problem. For the confusion-offset cipher with canonical key (r = c = 0, N×N maps)

    A[d,j] = F_s[K_r[d], (K_c[j]+d) mod N],  A = reindex(F_en),

it is a linear assignment problem in K_r for a given K_c, and the other way round; alternating
the two (Hungarian algorithm) climbs to an optimum in a few rounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from semcom_core.ciphers.confusion import ConfusionKey, reindex
from semcom_core.ciphers.shuffling import ShufflingKey

ROUNDS = 12


@dataclass(frozen=True)
class Match:
    """The best key found, and its total score (comparable between keys on the same scores)."""

    key: ConfusionKey | ShufflingKey
    score: float


def position_scores(plain: np.ndarray, cipher: np.ndarray) -> np.ndarray:
    """Correlation of every cipher position with every plain position, (H·W, H·W).

    The permutation with the largest total is the maximum-likelihood one in white noise.

    Args:
        plain: planes (…,H,W); leading axes are summed over.
        cipher: planes of the same shape under the unknown permutation.
    """
    positions = plain.shape[-2] * plain.shape[-1]
    return cipher.reshape(-1, positions).T @ plain.reshape(-1, positions)


def match_shuffling(scores: np.ndarray) -> Match:
    """The best free permutation for scores [cipher position, plain position]."""
    order = linear_sum_assignment(scores, maximize=True)[1]
    return Match(ShufflingKey(order), float(scores[np.arange(len(order)), order].sum()))


def match_confusion(scores: np.ndarray, row_guesses: Iterable[np.ndarray] = ()) -> Match:
    """The best confusion-offset key (r = c = 0) for scores [cipher position, plain position].

    One start is always tried: for each column, the shift that lets every row find its best
    match. Each guess of K_r gives one more.
    """
    sheared = _shear(scores)
    size = len(sheared)
    each = np.arange(size)
    guesses = [linear_sum_assignment(sheared[each, K_r].sum(0), maximize=True)[1] for K_r in row_guesses]
    guesses.append(linear_sum_assignment(sheared.max(1).sum(0), maximize=True)[1])

    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for K_c in guesses:
        previous = -np.inf
        for _ in range(ROUNDS):
            K_r = linear_sum_assignment(sheared[:, :, each, K_c].sum(-1), maximize=True)[1]
            by_column = sheared[each, K_r].sum(0)
            K_c = linear_sum_assignment(by_column, maximize=True)[1]
            value = float(by_column[each, K_c].sum())
            if value <= previous:
                break
            previous = value
        if best is None or previous > best[0]:
            best = (previous, K_r, K_c)
    assert best is not None
    return Match(ConfusionKey(best[1], best[2], 0, 0), best[0])


def recover_key(plain: np.ndarray, cipher: np.ndarray) -> ConfusionKey:
    """The canonical key that best explains known (plain, cipher) pairs.

    Args:
        plain: features (P,4,N,N) that the attacker computed itself.
        cipher: what it received for them (P,4,N,N), noisy, all under one key.

    Returns:
        The key with ``r = c = 0`` that maximises the correlation found.
    """
    match = match_confusion(position_scores(plain, cipher), row_guesses=[_rows_by_sorted_values(plain, cipher)])
    assert isinstance(match.key, ConfusionKey)
    return match.key


def _rows_by_sorted_values(plain: np.ndarray, cipher: np.ndarray) -> np.ndarray:
    """A first guess of K_r that needs no column order.

    Each row of the re-indexed cipher map is a row of F_s with its cells in another order.
    """
    size = plain.shape[-1]
    A = reindex(torch.from_numpy(np.ascontiguousarray(cipher))).numpy().reshape(-1, size, size)
    F_s = plain.reshape(-1, size, size)
    a, f = np.sort(A, axis=-1).transpose(1, 0, 2), np.sort(F_s, axis=-1).transpose(1, 0, 2)
    distance = ((a[:, None] - f[None]) ** 2).sum((-1, -2))
    return linear_sum_assignment(distance)[1]


def _shear(scores: np.ndarray) -> np.ndarray:
    """``sheared[d,k,j,m]``: score of cell (d,j) of A against row k, column (m+d) mod N."""
    size = math.isqrt(len(scores))
    if size * size != len(scores):
        raise ValueError("Only square maps have a key with r = c = 0.")
    return scores.ravel()[_shear_index(size)]


@cache
def _shear_index(size: int) -> np.ndarray:
    """Where each of the N⁴ sheared scores (28: 614,656) stands in the flat table."""
    d, k, j, m = np.ogrid[:size, :size, :size, :size]
    return (((d - j) % size) * size + j) * size**2 + k * size + (m + d) % size
