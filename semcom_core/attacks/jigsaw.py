r"""Ciphertext only, any key, even one per message: the confusion-offset cipher as a jigsaw puzzle.

A permutation keeps values, and values of neighbours are alike. With canonical keys the public
re-indexing (:func:`~semcom_core.ciphers.confusion.reindex`) gives

    A[d,j] = F_s[K_r[d], (K_c[j]+d) mod N],

so two columns of A with neighbouring K_c are neighbours in *every* row of the picture:

::

    A ── 28 columns: closed tour by likelihood of being neighbours ── K_c, up to a shift s and its direction
      ── undo the shear; a first path through the rows; the shift that suits the statistics of positions best
      ── 28 rows: path by the likelihood of whole rows following each other, improved together with
         the likelihood of each row at its place ── K_r ── four keys with likelihoods

The measure is the log-likelihood ratio of "neighbours" against "strangers" under Gaussians that
the attacker measures with its own encoder (:class:`~semcom_core.networks.feature_prior.FeaturePrior`).
No plaintext, no second message, no training by gradients. A square puzzle solver in the sense
of Gallagher (CVPR 2012), which the cipher's row and column structure makes easy: 28 + 28
pieces in place of 784.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from torch import Tensor

from semcom_core.attacks.tours import paths, round_trips
from semcom_core.ciphers.confusion import ConfusionKey, reindex
from semcom_core.networks.feature_prior import FeaturePrior

N = 28
SHRINK = 0.1
"""How far a position's covariance is drawn to the mean of all (margins hardly vary)."""
LEAST_NOISE = 0.02
"""Variance that is always assumed: statistics are estimates, and stored in half precision."""
SHIFTS = 2
"""How many shifts of the columns are followed up."""


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
        For each message four guesses (two shifts of the columns, two directions of the rows),
        likeliest first.
    """
    solved = [
        _solve(reindex(one).numpy().astype(np.float64), _measures(prior, _in_steps(float(variance))))
        for one, variance in zip(F_en.cpu(), noise.cpu(), strict=True)
    ]
    return [sorted(guesses, key=lambda guess: -guess.log_likelihood) for guesses in solved]


def _solve(A: np.ndarray, measures: _Measures) -> list[Guess]:
    """All guesses for one re-indexed ciphertext (4,28,28)."""
    each = np.arange(N)
    forwards = round_trips(_distance(measures.across(A))[None])[0][0]
    tours = np.stack([forwards, forwards[::-1]])
    shear = tours[:, (each[None] - each[:, None]) % N]
    U = A[:, each[:, None], shear].swapaxes(0, 1)  # U[.,.,d,u] = F_s[K_r[d], (u+s) mod N] if the direction is right
    scores = _scores_of_shifts(U, measures)
    way = scores.max(1).argmax()

    shifts = np.argsort(-scores[way])[:SHIFTS]
    guesses = []
    for b, orders in zip(shifts, _arrange_rows([np.roll(U[way], b, 2) for b in shifts], measures.rows), strict=True):
        K_c = np.empty(N, dtype=np.int64)
        K_c[tours[way]] = (each + b) % N
        for order, value in orders:
            K_r = np.empty(N, dtype=np.int64)
            K_r[order] = each
            guesses.append(Guess(ConfusionKey(K_r, K_c, 0, 0), value))
    return guesses


def _scores_of_shifts(U: np.ndarray, measures: _Measures) -> np.ndarray:
    """How well each shift of the columns suits, with the rows in a first, quick order: (M,4,28,28) -> (M,28)."""
    each = np.arange(N)
    above = [measures.down(one.transpose(0, 2, 1)) for one in U]
    path = paths(np.stack([_distance(one) for one in above]))[0]
    scores = []
    for one, its_above, its_path in zip(U, above, path, strict=True):
        beside_links = measures.across(one)[each - 1, each]
        ways = []
        for rows in (its_path, its_path[::-1]):
            above_links = its_above[np.roll(rows, 1), rows]
            # Moving everything by (a, b) cuts the links into row −a and into column −b.
            score = measures.places.frames(one[:, rows])
            score += (above_links.sum() - above_links[-each % N])[:, None]
            score += (beside_links.sum() - beside_links[-each % N])[None]
            ways.append(score.max(0))
        scores.append(np.maximum(*ways))
    return np.stack(scores)


def _arrange_rows(shifted: list[np.ndarray], rows: _Rows) -> list[list[tuple[np.ndarray, float]]]:
    """For each F (4,28,28), its columns in place: orders of its 28 rows, and their log-likelihoods.

    Two starts: the best path, as it is and upside down, each turned to where it suits best.
    """
    follows, belongs = [rows.follows(F) for F in shifted], [rows.belongs(F) for F in shifted]
    each = np.arange(N)
    arranged = []
    for path, its_follows, its_belongs in zip(
        paths(np.stack([_distance(one) for one in follows]))[0], follows, belongs, strict=True
    ):
        starts = []
        for start in (path, path[::-1]):
            turns = start[(each[None] + each[:, None]) % N]
            order = turns[_value(turns, its_follows, its_belongs).argmax()]
            starts.append(_improve(order, its_follows, its_belongs))
        arranged.append(starts)
    return arranged


def _improve(order: np.ndarray, follows: np.ndarray, belongs: np.ndarray) -> tuple[np.ndarray, float]:
    """Reverse stretches of rows, or swap two adjacent ones, as long as it helps."""
    value = float(_value(order[None], follows, belongs)[0])
    while True:
        gains = _gains(follows[order][:, order], belongs[order])
        best = gains.argmax()
        if gains[best] <= 1e-6:
            return order, value
        order, value = order[_moves()[best]], value + float(gains[best])


def _gains(follows: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """What each of :func:`_moves` adds to the value of the present order, by which both (28,28) are sorted.

    A move cuts two or three links, and moves whole stretches along: the sums over those come from
    running sums along diagonals, so a move costs twelve look-ups and not 55.
    """
    links, forth, back, shifted, mirrored = (np.zeros(shape) for shape in _SUMS)
    links[1:-1, 1:-1] = follows
    forth[2:], back[2:] = np.diagonal(follows, 1).cumsum(), np.diagonal(follows, -1).cumsum()
    i, j = np.indices((N, N))
    shifted[i + 1, j - i + N], mirrored[i + 1, j + i] = belongs, belongs
    sums = np.concatenate([links.ravel(), forth, back, shifted.cumsum(0).ravel(), mirrored.cumsum(0).ravel()])
    plus, minus = _look_ups()
    return sums.take(plus, mode="clip").sum(0) - sums.take(minus, mode="clip").sum(0)


_SUMS = ((N + 2, N + 2), (N + 1,), (N + 1,), (N + 1, 2 * N), (N + 1, 2 * N))
"""Shapes of the running sums: ``links`` from the row at i to the row at j, at [i+1,j+1] (no row at either end); links
summed ``forth`` and ``back`` along the order; likelihoods of places along both kinds of diagonals."""


@cache
def _look_ups() -> tuple[np.ndarray, np.ndarray]:
    """Where in all running sums, one after another, a move's gains and its losses are: two times (6, moves)."""
    sizes = [math.prod(shape) for shape in _SUMS]
    links, forth, back, shifted, mirrored = (
        start + np.arange(size).reshape(shape)
        for start, size, shape in zip(np.cumsum([0, *sizes[:-1]]), sizes, _SUMS, strict=True)
    )
    a, b = _stretches()
    plus = [links[a, b], links[a + 1, b + 1], back[b], forth[a + 1], mirrored[b, a + b - 1], shifted[a, N]]
    minus = [links[a, a + 1], links[b, b + 1], back[a + 1], forth[b], mirrored[a, a + b - 1], shifted[b, N]]

    x, y, z = _neighbouring_stretches()
    later, earlier = N + (z - y), N - (y - x)
    swap_plus = [links[x, y + 1], links[z, x + 1], links[y, z + 1]]
    swap_plus += [shifted[z, earlier], shifted[y, later], shifted[x, N]]
    swap_minus = [links[x, x + 1], links[y, y + 1], links[z, z + 1]]
    swap_minus += [shifted[y, earlier], shifted[x, later], shifted[z, N]]
    return np.hstack([np.stack(plus), np.stack(swap_plus)]), np.hstack([np.stack(minus), np.stack(swap_minus)])


def _value(orders: np.ndarray, follows: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """Log-likelihood of orders (M,28) of the rows, up to a constant."""
    return follows[orders[:, :-1], orders[:, 1:]].sum(1) + belongs[orders, np.arange(N)].sum(1)


@cache
def _stretches() -> tuple[np.ndarray, np.ndarray]:
    """All stretches a…b−1 of at least two rows."""
    a, b = np.indices((N + 1, N + 1))
    return a[b >= a + 2], b[b >= a + 2]


@cache
def _neighbouring_stretches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs x…y−1 and y…z−1 of adjacent stretches."""
    x, y, z = np.indices((N + 1,) * 3)
    fits = (x < y) & (y < z)
    return x[fits], y[fits], z[fits]


@cache
def _moves() -> np.ndarray:
    """The places of the rows after each reversal, then after each swap, (M,28)."""
    rows = np.arange(N)
    reversed_ = [np.r_[rows[:a], rows[a:b][::-1], rows[b:]] for a, b in zip(*_stretches(), strict=True)]
    swapped = [
        np.r_[rows[:x], rows[y:z], rows[x:y], rows[z:]] for x, y, z in zip(*_neighbouring_stretches(), strict=True)
    ]
    return np.array(reversed_ + swapped)


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
        flat_x, flat_y = x.reshape(4, -1), y.reshape(4, -1)
        own = -0.5 * (self.Q[:4, :4] @ flat_x * flat_x).reshape(-1, F.shape[-1]).sum(0)
        its = -0.5 * (self.Q[4:, 4:] @ flat_y * flat_y).reshape(-1, F.shape[-1]).sum(0)
        cross = (self.Q[4:, :4] @ flat_x).reshape(-1, F.shape[-1])
        return own[:, None] + its[None] - cross.T @ y.reshape(-1, F.shape[-1]) + F.shape[1] * self.constant


class _Places:
    """Gaussian log-likelihood of a cell's four values at each position of the map."""

    def __init__(self, prior: FeaturePrior, noise: float) -> None:
        mean, cov = prior.mean.double().numpy(), prior.cov.double().numpy()
        cov = (1 - SHRINK) * cov + SHRINK * cov.mean(0) + noise * np.eye(4)
        precision = np.linalg.inv(cov)
        linear = np.einsum("pab,pb->pa", precision, mean)
        weights = np.concatenate([-0.5 * precision.reshape(-1, 16).T, linear.T])
        self.weights = np.fft.rfft2(weights.reshape(20, N, N))
        self.constant = -0.5 * (np.einsum("pa,pa->p", mean, linear) + np.linalg.slogdet(cov)[1]).sum()

    def frames(self, F: np.ndarray) -> np.ndarray:
        """``out[a,b]``: log-likelihood of F (4,28,28) moved down by a and right by b, wrapping around.

        Every term is a circular correlation over positions, computed by FFT.
        """
        squares = np.einsum("pij,qij->pqij", F, F).reshape(16, N, N)
        spectrum = (np.fft.rfft2(np.concatenate([squares, F])).conj() * self.weights).sum(0)
        return np.fft.irfft2(spectrum, (N, N)) + self.constant


class _Spectra:
    """Eigenvalues and vectors of the rows' covariances: adding noise only shifts the eigenvalues."""

    def __init__(self, prior: FeaturePrior) -> None:
        joint = prior.pair_cov.double().numpy()
        size = len(joint) // 2
        self.joint, self.upper = np.linalg.eigh(joint), np.linalg.eigh(joint[:size, :size])
        self.lower = np.linalg.eigh(joint[size:, size:])
        cov = prior.row_cov.double().numpy()
        values, vectors = np.linalg.eigh((1 - SHRINK) * cov + SHRINK * cov.mean(0))
        # Single precision: half the time, and still thousands of times finer than what tells two rows apart.
        self.rows = values, vectors.astype(np.float32)


_spectra = lru_cache(maxsize=8)(_Spectra)


def _inverse(spectrum: tuple[np.ndarray, np.ndarray], noise: float) -> tuple[np.ndarray, float]:
    """``(C + noise·I)⁻¹`` and ``log det (C + noise·I)`` of a covariance C."""
    values, vectors = spectrum
    return (vectors / (values + noise)) @ vectors.T, float(np.log(values + noise).sum())


class _Rows:
    """Gaussian likelihoods of whole rows, their columns in place."""

    def __init__(self, prior: FeaturePrior, noise: float) -> None:
        spectra = _spectra(prior)
        mean = prior.pair_mean.double().numpy()
        size = len(mean) // 2
        self.mean_above, self.mean_below = mean[:size], mean[size:]
        Q, joint_volume = _inverse(spectra.joint, noise)
        above, above_volume = _inverse(spectra.upper, noise)
        below, below_volume = _inverse(spectra.lower, noise)
        self.own, self.its, self.cross = Q[:size, :size] - above, Q[size:, size:] - below, Q[:size, size:]
        self.constant = 0.5 * (above_volume + below_volume - joint_volume)
        self.mean = prior.row_mean.float().numpy()
        values, self.vectors = spectra.rows
        self.weights = -0.5 / (values + noise)
        self.volume = -0.5 * np.log(values + noise).sum(1)

    def follows(self, F: np.ndarray) -> np.ndarray:
        """``out[d,e]``: evidence that row e of F (4,28,28) is the one below row d."""
        rows = F.transpose(1, 0, 2).reshape(N, -1)
        x, y = rows - self.mean_above, rows - self.mean_below
        own, its = ((x @ self.own) * x).sum(1), ((y @ self.its) * y).sum(1)
        return self.constant - 0.5 * (own[:, None] + its[None]) - x @ self.cross @ y.T

    def belongs(self, F: np.ndarray) -> np.ndarray:
        """``out[d,i]``: log-likelihood of row d of F (4,28,28) as the picture's row i."""
        rows = F.transpose(1, 0, 2).reshape(N, -1).astype(np.float32)
        off = (rows[None] - self.mean[:, None]) @ self.vectors
        return (self.volume[:, None] + (np.square(off, out=off) @ self.weights[..., None])[..., 0]).T


class _Measures:
    """All likelihoods at one noise level."""

    def __init__(self, prior: FeaturePrior, noise: float) -> None:
        self.across = _Neighbours(prior.across_mean, prior.across_cov, noise)
        self.down = _Neighbours(prior.down_mean, prior.down_cov, noise)
        self.places, self.rows = _Places(prior, noise), _Rows(prior, noise)


_measures = lru_cache(maxsize=64)(_Measures)


def _in_steps(noise: float) -> float:
    """Noise in steps of half a decibel, so that messages share the inverted matrices."""
    return 10.0 ** (round(20.0 * math.log10(max(noise, LEAST_NOISE))) / 20.0)
