r"""Ciphertext only, any key, even one per message: the confusion-offset cipher as a jigsaw puzzle.

A permutation keeps values, and values of neighbours are alike. With canonical keys the public
re-indexing (:func:`~semcom_core.ciphers.confusion.reindex`) gives

    A[d,j] = F_s[K_r[d], (K_c[j]+d) mod N],

so two columns of A with neighbouring K_c are neighbours in *every* row of the picture:

::

    A ── 28 columns: closed tour by likelihood of being neighbours ── K_c, up to a shift s and its direction
      ── undo the shear for both directions; 28 rows: path by the same measure ── K_r, up to a turn
      ── the shift and the turn that suit the statistics of each position best ── four keys with likelihoods

The measure is the log-likelihood ratio of "neighbours" against "strangers" under Gaussians that
the attacker measures with its own encoder (:class:`~semcom_core.networks.feature_prior.FeaturePrior`).
No plaintext, no second message, no training by gradients. A square puzzle solver in the sense
of Gallagher (CVPR 2012), which the cipher's row and column structure makes easy: 28 + 28
pieces in place of 784.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from semcom_core.attacks.tours import paths, round_trips
from semcom_core.ciphers.confusion import ConfusionKey, reindex
from semcom_core.networks.feature_prior import FeaturePrior

N = 28
SHRINK = 0.1
"""How far a position's covariance is drawn to the mean of all (margins hardly vary)."""
LEAST_NOISE = 0.01
"""Variance that is always assumed: statistics are estimates, and stored in half precision."""


@dataclass(frozen=True)
class Guess:
    """A key that would explain one ciphertext, and its log-likelihood up to a common constant."""

    key: ConfusionKey
    log_likelihood: float


def guess_keys(F_en: Tensor, prior: FeaturePrior, noise: Tensor) -> list[list[Guess]]:
    """Candidate keys of each ciphertext, every message by itself.

    Args:
        F_en: received feature maps (B,4,28,28) without the equaliser's shrinkage (``z + noise``).
        prior: statistics of the encoder's features.
        noise: variance of that noise per real feature (B,).

    Returns:
        For each message four guesses (two directions of the columns, two of the rows), likeliest
        first.
    """
    solved = [
        _solve(reindex(one).numpy().astype(np.float64), prior, max(float(variance), LEAST_NOISE))
        for one, variance in zip(F_en.cpu(), noise.cpu(), strict=True)
    ]
    return [sorted(guesses, key=lambda guess: -guess.log_likelihood) for guesses in solved]


def _solve(A: np.ndarray, prior: FeaturePrior, noise: float) -> list[Guess]:
    """All guesses for one re-indexed ciphertext (4,28,28)."""
    across = _Neighbours(prior.across_mean, prior.across_cov, noise)
    down = _Neighbours(prior.down_mean, prior.down_cov, noise)
    places = _Places(prior, noise)
    each = np.arange(N)
    forwards = round_trips(_distance(across(A))[None])[0][0]

    guesses = []
    for tour in (forwards, forwards[::-1]):
        shear = tour[(each[None] - each[:, None]) % N]
        U = A[:, each[:, None], shear]  # U[d,u] = F_s[K_r[d], (u+s) mod N] if the direction is right
        beside, above = across(U), down(U.transpose(0, 2, 1))
        path = paths(_distance(above)[None])[0][0]
        beside_links = beside[each - 1, each]
        for rows in (path, path[::-1]):
            above_links = above[np.roll(rows, 1), rows]
            # Moving everything by (a, b) cuts the links into row −a and into column −b.
            score = places.frames(U[:, rows])
            score += (above_links.sum() - above_links[-each % N])[:, None]
            score += (beside_links.sum() - beside_links[-each % N])[None]
            a, b = np.unravel_index(score.argmax(), score.shape)
            K_r, K_c = np.empty(N, dtype=np.int64), np.empty(N, dtype=np.int64)
            K_r[rows] = (each + a) % N
            K_c[tour] = (each + b) % N
            guesses.append(Guess(ConfusionKey(K_r, K_c, 0, 0), float(score[a, b])))
    return guesses


def _distance(ratio: np.ndarray) -> np.ndarray:
    """Log-likelihood ratios (n,n) of "j follows i", as symmetric distances ≥ 0."""
    either_way = -(ratio + ratio.T) / 2.0
    return either_way - either_way.min()


class _Neighbours:
    """Gaussian log-likelihood ratio ``log p(x,y) − log p(x) − log p(y)`` of neighbouring cells."""

    def __init__(self, mean: Tensor, cov: Tensor, noise: float) -> None:
        self.left, self.right = np.split(mean.double().numpy(), 2)
        joint = cov.double().numpy() + noise * np.eye(8)
        apart = np.zeros((8, 8))
        apart[:4, :4], apart[4:, 4:] = joint[:4, :4], joint[4:, 4:]
        self.Q = np.linalg.inv(joint) - np.linalg.inv(apart)
        self.constant = 0.5 * (np.linalg.slogdet(apart)[1] - np.linalg.slogdet(joint)[1])

    def __call__(self, F: np.ndarray) -> np.ndarray:
        """``out[i,j]``: evidence that item j follows item i, summed over S cells each; F is (4,S,n)."""
        x, y = F - self.left[:, None, None], F - self.right[:, None, None]
        own = -0.5 * np.einsum("psi,pq,qsi->i", x, self.Q[:4, :4], x, optimize=True)
        its = -0.5 * np.einsum("psj,pq,qsj->j", y, self.Q[4:, 4:], y, optimize=True)
        cross = np.einsum("pq,psi->qsi", self.Q[:4, 4:], x, optimize=True).reshape(-1, x.shape[-1])
        return own[:, None] + its[None] - cross.T @ y.reshape(-1, y.shape[-1]) + F.shape[1] * self.constant


class _Places:
    """Gaussian log-likelihood of a cell's four values at each position of the map."""

    def __init__(self, prior: FeaturePrior, noise: float) -> None:
        mean, cov = prior.mean.double().numpy(), prior.cov.double().numpy()
        cov = (1 - SHRINK) * cov + SHRINK * cov.mean(0) + noise * np.eye(4)
        precision = np.linalg.inv(cov)
        self.quadratic = precision.reshape(-1, 16)
        self.linear = np.einsum("pab,pb->pa", precision, mean)
        self.constant = -0.5 * (np.einsum("pa,pa->p", mean, self.linear) + np.linalg.slogdet(cov)[1])

    def frames(self, F: np.ndarray) -> np.ndarray:
        """``out[a,b]``: log-likelihood of F (4,28,28) moved down by a and right by b, wrapping around.

        Every term is a circular correlation over positions, computed by FFT.
        """
        squares = np.einsum("pij,qij->pqij", F, F).reshape(16, N, N)
        weights = np.concatenate([-0.5 * self.quadratic.T, self.linear.T]).reshape(20, N, N)
        values = np.concatenate([squares, F])
        spectrum = (np.fft.rfft2(values).conj() * np.fft.rfft2(weights)).sum(0)
        return np.fft.irfft2(spectrum, (N, N)) + self.constant.sum()
