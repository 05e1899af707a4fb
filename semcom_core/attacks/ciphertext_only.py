r"""Ciphertext only, fixed key: where things usually are gives the permutation away.

::

    N ciphertexts ──────────── maps of mean and covariance at each position ─┐
    own encoder, other pictures ── the same maps, unpermuted ────────────────┴─ scores ─ key

A fixed permutation moves the statistics of a position with it: the mean and covariance of its
four features over many messages, and how it varies together with every other position. The
attacker knows what these are where nothing is permuted, from pictures of its own. Noise on the
air adds the same to every position's variance, which is taken out.

The first maps give a linear assignment problem. Covariances of *pairs* of positions make it
quadratic; it is improved by linearising at the permutation found so far (as in Vogelstein et
al., "Fast Approximate Quadratic Programming for Graph Matching", PLoS ONE 10, 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from semcom_core.attacks.assignment import Match, match_confusion, position_scores
from semcom_core.attacks.base import ThreatModel

THREAT = ThreatModel(encoder=True, algorithm=True, training="statistics of its own pictures' features")
Matcher = Callable[[np.ndarray], Match]
"""Scores to key: :func:`match_confusion`, or :func:`match_shuffling` for a free permutation."""

ROUNDS = 15
LEAST_MESSAGES = 2


@dataclass(frozen=True)
class PositionStatistics:
    """What N feature maps show of each position, and of each pair.

    Attributes:
        maps: mean (4) and covariance (10) of the position's four features, (14, H·W), each
            centred over the positions.
        errors: variance of each map's estimate, averaged over the positions (14,).
        pairs: covariance of every pair of positions, summed over the features (H·W, H·W), zero
            on the diagonal.
        pair_error: variance of an entry of ``pairs``, averaged.
    """

    maps: np.ndarray
    errors: np.ndarray
    pairs: np.ndarray
    pair_error: float

    @staticmethod
    def of(features: np.ndarray) -> PositionStatistics:
        """Of features (N,4,H,W), N at least 2."""
        count, planes = features.shape[:2]
        if count < LEAST_MESSAGES:
            raise ValueError(f"Statistics need at least {LEAST_MESSAGES} messages, not {count}.")
        z = features.reshape(count, planes, -1).astype(np.float32)
        mean = z.mean(0)
        z = z - mean
        maps, errors = list(mean), list((z**2).mean((0, 2)) / count)
        for a, b in combinations_with_replacement(range(planes), 2):
            product = z[:, a] * z[:, b]
            maps.append(product.mean(0))
            errors.append(product.var(0).mean() / count)
        pairs = sum(z[:, a].T @ z[:, a] for a in range(planes)) / count
        variance = np.diag(pairs)
        pair_error = float(np.outer(variance, variance).mean()) / (planes * count)
        np.fill_diagonal(pairs, 0.0)
        stacked = np.stack(maps)
        return PositionStatistics(stacked - stacked.mean(1, keepdims=True), np.array(errors), pairs, pair_error)


def recover_from_statistics(
    heard: PositionStatistics, own: PositionStatistics, matcher: Matcher = match_confusion, pairs: bool = True
) -> Match:
    """The key that best carries the attacker's own statistics to those that it heard.

    Args:
        heard: of equalised ciphertexts, all under one key.
        own: of features that the attacker computed from other pictures.
        pairs: whether to use covariances of pairs, too.

    Returns:
        The match with the largest log-likelihood found (up to a constant).
    """
    weight = 1.0 / np.sqrt(heard.errors + own.errors)[:, None]
    shape = (-1, 1, heard.maps.shape[1])
    single = position_scores((own.maps * weight).reshape(shape), (heard.maps * weight).reshape(shape))
    found = matcher(single)
    if not pairs:
        return found
    likeliest, best = found, -np.inf
    pair_weight = 1.0 / (heard.pair_error + own.pair_error)
    for _ in range(ROUNDS):
        order = found.key.permutation()
        # Gradient of ½ Σ heard[p,p']·own[order[p],order[p']] with respect to the choice for p.
        joint = pair_weight * (heard.pairs @ own.pairs[order])
        each = np.arange(len(order))
        value = float(single[each, order].sum() + 0.5 * joint[each, order].sum())
        if value <= best:
            break
        likeliest, best = Match(found.key, value), value
        found = matcher(single + joint)
    return likeliest


def success_against_messages(
    heard: np.ndarray,
    own: PositionStatistics,
    counts: Sequence[int],
    success: Callable[[Match], float],
    matcher: Matcher = match_confusion,
) -> list[float]:
    """``success`` of the key found from the first N ciphertexts (…,4,H,W), for each N in ``counts``."""
    return [success(recover_from_statistics(PositionStatistics.of(heard[:count]), own, matcher)) for count in counts]
