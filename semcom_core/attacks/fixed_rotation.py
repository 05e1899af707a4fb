r"""Linear algebra against a rotation that is used more than once.

::

    known pairs (s_i, y_i = U s_i + n_i), one U ─┬─ ridge: ŝ = W y         any number of pairs
                                                 └─ Procrustes: U itself   best from n pairs on

A rotation is linear, so n independent pairs determine it, and noise only adds more. Long before
that, P pairs already open every message that lies in the span of the known ones: natural
features fill few dimensions of the 1,568, so far fewer than n pairs may do. With a fresh
rotation for each message there is nothing to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from semcom_core.attacks.base import ThreatModel

THREAT = ThreatModel(encoder=True, algorithm=True, known_plaintexts=2, training="known pairs under the fixed key")


@dataclass(frozen=True)
class LinearBreak:
    """An estimate of the inverse of a fixed rotation.

    Attributes:
        left, right: ``ŝ = left · (right · y)``; (n,k) and (k,n), so that few pairs stay cheap.
        pairs: how many known pairs it was made from.
    """

    left: np.ndarray
    right: np.ndarray
    pairs: int

    def decrypt(self, y: np.ndarray) -> np.ndarray:
        """Heard symbols (m,n), one message a row, to estimates of the plain ones (m,n)."""
        return (y @ self.right.T) @ self.left.T


def fit_ridge(plain: np.ndarray, heard: np.ndarray, sigma2: float) -> LinearBreak:
    """The ridge estimate of the inverse from known pairs, however few.

    ``W = S (Y*Y + nσ²I)⁻¹ Y*`` with one pair a column of S and Y; it equals
    ``S Y* (Y Y* + nσ²I)⁻¹``, and the smaller system is solved. nσ² is the noise energy of a
    message; with less, it is the least-squares estimate.

    Args:
        plain: known symbols (P,n), one message a row.
        heard: what was received for them, equalised (P,n), all under one rotation.
        sigma2: noise power per symbol after equalisation.
    """
    pairs, n = plain.shape
    ridge = n * sigma2 + 1e-9 * _energy(heard) / pairs
    Y, S = heard.T.astype(np.complex128), plain.T.astype(np.complex128)
    if pairs <= n:
        gram = Y.conj().T @ Y
        gram[np.diag_indices(pairs)] += ridge
        return LinearBreak(S, np.linalg.solve(gram, Y.conj().T), pairs)
    covariance = Y @ Y.conj().T
    covariance[np.diag_indices(n)] += ridge
    return LinearBreak(np.linalg.solve(covariance, Y @ S.conj().T).conj().T, np.eye(n), pairs)


def fit_procrustes(plain: np.ndarray, heard: np.ndarray) -> LinearBreak:
    """The unitary ``U`` that best explains the pairs: the polar factor of ``Y S*``.

    The maximum-likelihood rotation in white noise (orthogonal Procrustes; Schönemann 1966). With
    fewer than n independent pairs, only its action on their span is determined, and the rest is
    set to zero. One n×n singular value decomposition: seconds to minutes at n = 1,568.
    """
    pairs, n = plain.shape
    cross = heard.T.astype(np.complex128) @ plain.conj().astype(np.complex128)
    left, values, right = np.linalg.svd(cross)
    known = values > values[0] * n * np.finfo(np.float64).eps
    return LinearBreak(right[known].conj().T, left[:, known].conj().T, pairs)


def errors_against_pairs(
    plain: np.ndarray,
    heard: np.ndarray,
    others: tuple[np.ndarray, np.ndarray],
    sigma2: float,
    counts: Sequence[int],
) -> list[float]:
    """Normalised error ``Σ|ŝ−s|²/Σ|s|²`` on other messages, after each number of known pairs.

    Args:
        plain, heard: known pairs (P,n); the first ``count`` are used.
        others: plain and heard symbols of messages that the attacker does not know.
        counts: numbers of pairs. 1 means nothing learned, 0 a perfect break.
    """
    true, intercepted = others
    breaks = [fit_ridge(plain[:count], heard[:count], sigma2) for count in counts]
    return [_energy(one.decrypt(intercepted) - true) / _energy(true) for one in breaks]


def _energy(symbols: np.ndarray) -> float:
    return float(np.square(np.abs(symbols)).sum())
