r"""What any model inversion must pay: bounds from conditional entropy, exact on a toy and estimated on features.

For every estimate x̂ of ``x ∈ R^d`` from ``z``, with ``ξ = E‖x − x̂(z)‖²/d``,

.. math:: ξ ≥ exp(2 H(x|z)/d) / (2πe)

(Xia et al., CVPR 2025). Why: with e = x − x̂, ``H(x|z) = H(e|z) ≤ H(e) ≤ ½ log((2πe)^d det E[eeᵀ]) ≤
(d/2) log(2πe ξ)``; the last step is the inequality of arithmetic and geometric mean, so the bound
is tight only where the error is alike in all directions. Entropies are in nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy.cluster.vq import kmeans2

from semcom_core.datasets import ArrayDataset
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.domains import DOMAINS
from semcom_core.link import LinkModels

LOG_2_PI_E = math.log(2.0 * math.pi * math.e)
SMALLEST = 8
"""Fewest features that a cluster's variance is measured on."""


def mse_floor(conditional_entropy_nats: float, d: int) -> float:
    """Least mean squared error per dimension of any attack, ``exp(2H(x|z)/d)/(2πe)``."""
    return math.exp(2.0 * conditional_entropy_nats / d - LOG_2_PI_E)


@dataclass(frozen=True, eq=False)
class GaussianToy:
    """``x ~ N(0, Sigma)``, ``z = A x + sigma·e``, ``e ~ N(0, I)``: everything in closed form.

    Attributes:
        Sigma: covariance of x (d,d), positive definite.
        A: the encoder (m,d).
    """

    Sigma: np.ndarray
    A: np.ndarray

    @property
    def d(self) -> int:
        return len(self.Sigma)

    def posterior(self, sigma: float) -> np.ndarray:
        """``Cov(x|z) = Σ − ΣAᵀ(AΣAᵀ + σ²I)⁻¹AΣ``, (d,d); the same for every z."""
        cross = self.A @ self.Sigma
        return self.Sigma - cross.T @ np.linalg.solve(cross @ self.A.T + sigma**2 * np.eye(len(self.A)), cross)

    def conditional_entropy(self, sigma: float) -> float:
        """``H(x|z) = H(x) − I(x;z)`` in nats, with ``I = ½ log det(I + AΣAᵀ/σ²)``."""
        prior = 0.5 * (self.d * LOG_2_PI_E + np.linalg.slogdet(self.Sigma)[1])
        return float(prior - self.information(sigma))

    def information(self, sigma: float) -> float:
        """``I(x;z)`` in nats."""
        signal = self.A @ self.Sigma @ self.A.T
        return float(0.5 * np.linalg.slogdet(np.eye(len(self.A)) + signal / sigma**2)[1])

    def floor(self, sigma: float) -> float:
        """The bound on the mean squared error per dimension."""
        return mse_floor(self.conditional_entropy(sigma), self.d)

    def optimum(self, sigma: float) -> float:
        """The error that the best attack reaches, ``tr Cov(x|z)/d``; it is linear here."""
        return float(np.trace(self.posterior(sigma)) / self.d)


def toy(d: int, decay: float, kept: int, rng: np.random.Generator) -> GaussianToy:
    """A toy picture with the spectrum ``k^−decay`` (mean variance 1) and a random orthonormal encoder.

    Args:
        decay: 0 for directions that are all alike; pictures have about 2.
        kept: rows m of the encoder, at most d.
    """
    spectrum = np.arange(1, d + 1) ** -float(decay)
    basis, encoder = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    return GaussianToy(basis * (spectrum * d / spectrum.sum()) @ basis.T, encoder[:kept])


@dataclass(frozen=True)
class ToyCurve:
    """Bound and optimum over the noise of one toy."""

    sigma: tuple[float, ...]
    floor: tuple[float, ...]
    optimum: tuple[float, ...]


def toy_curve(one: GaussianToy, sigmas: Sequence[float]) -> ToyCurve:
    """Bound and optimum at each noise level (standard deviations, positive)."""
    return ToyCurve(
        tuple(map(float, sigmas)), tuple(map(one.floor, sigmas)), tuple(one.optimum(sigma) for sigma in sigmas)
    )


@dataclass(frozen=True)
class InformationBound:
    """An upper estimate of ``I(x;z)`` for noisy features, and what it certifies.

    Attributes:
        nats: ``I_ub = H_ub(z) − H(noise)``.
        label_nats: the part of it that is the entropy of the clusters.
        clusters: mixture components that were used.
        images: features that the variances were measured on.
    """

    nats: float
    label_nats: float
    clusters: int
    images: int

    def ratio(self, d: int) -> float:
        """``exp(−2 I_ub/d)``: the floor with z over the floor without z, for d pixels."""
        return math.exp(-2.0 * self.nats / d)


def information_bound(
    z: np.ndarray, labels: np.ndarray, noise: float, rng: np.random.Generator, clusters: int = 1, rank: int = 512
) -> InformationBound:
    r"""``I_ub(x; z + n)``, ``n ~ N(0, noise·I)``, for features that are a function of x.

    For any clusters C that are a function of x, and any orthonormal directions ``u_k``,

    .. math:: H(z+n) ≤ H(C) + Σ_i π_i ½ Σ_k log(2πe (u_kᵀ Σ_i u_k + noise)),

    since a Gaussian has the most entropy for its covariance, and by Hadamard. All but ``rank``
    directions are taken together at their mean variance, which is larger still (Jensen). Half of
    the features finds clusters and directions (principal ones within clusters), the other
    half measures weights and variances, so that directions are not fitted to what is measured;
    ``(v/(v+noise))²/n`` a direction corrects the logarithm's bias to second order. What
    remains an assumption is that the sampled clusters' variances are the population's.

    Args:
        z: noise-free features (N,D).
        labels: class of each (N,).
        noise: variance of the noise a dimension, in the units of z.
        clusters: clusters a class.
        rank: directions with a variance of their own, fewer than N/2.

    Raises:
        ValueError: no noise (a deterministic encoder without noise has infinite information), or a
            class with too few features.
    """
    if noise <= 0.0:
        raise ValueError("Without noise there is no bound: the information is infinite.")
    order = rng.permutation(len(z))
    fit, measure = np.array_split(order, 2)
    cell = np.empty(len(z), np.intp)
    residual = np.empty((len(fit), z.shape[1]))
    for y in np.unique(labels):
        rows = labels[fit] == y
        points = z[fit[rows]].astype(np.float64)
        centres, own = kmeans2(points, clusters, minit="++", rng=rng)
        residual[rows] = points - centres[own]
        members = order[labels[order] == y]
        gaps = (centres**2).sum(1) - 2.0 * z[members].astype(np.float64) @ centres.T
        cell[members] = y * clusters + _unless_small(gaps.argmin(1), np.isin(members, measure))
    directions = _principal(residual, min(rank, len(fit) - 1, z.shape[1]))
    label_nats = nats = 0.0
    used, counts = np.unique(cell[measure], return_counts=True)
    for one, share in zip(used, counts / len(measure), strict=True):
        label_nats -= share * math.log(share)
        nats += share * _gaussian_nats(z[measure[cell[measure] == one]].astype(np.float64), directions, noise)
    return InformationBound(float(label_nats + nats), float(label_nats), len(used), len(measure))


def _unless_small(cluster: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """One class's clusters, or one for all where a variance would be measured on too few features."""
    if measured.sum() < SMALLEST:
        raise ValueError(f"A class needs {2 * SMALLEST} features or more for its variance to be measured.")
    counts = np.bincount(cluster[measured])
    return np.zeros_like(cluster) if (counts[counts > 0] < SMALLEST).any() else cluster


def _principal(points: np.ndarray, rank: int) -> np.ndarray:
    """The first principal directions (D,rank), orthonormal to rounding, from the smaller Gram matrix."""
    count, dimensions = points.shape
    strength, vectors = np.linalg.eigh(points.T @ points if dimensions <= count else points @ points.T)
    first = vectors[:, np.argsort(strength)[::-1][:rank]]
    return first if dimensions <= count else np.linalg.qr(points.T @ first)[0]


def _gaussian_nats(points: np.ndarray, directions: np.ndarray, noise: float) -> float:
    """``½ log det(I + Σ/noise)`` of one cluster, from above."""
    count, left = len(points), points.shape[1] - directions.shape[1]
    centred = points - points.mean(0)
    v = ((centred @ directions) ** 2).sum(0) / (count - 1)
    nats = np.log1p(v / noise).sum() + ((v / (v + noise)) ** 2).sum() / (count - 1)
    if left:
        rest = max((centred**2).sum() / (count - 1) - v.sum(), 0.0) / left
        nats += left * math.log1p(rest / noise)
    return 0.5 * float(nats)


@dataclass(frozen=True)
class _Choices:
    """What a defense's chain asks for, without the rest of a link's settings."""

    noise: float
    snr_db: float
    steps: int = 0
    labels: bool = False


def certificates(
    models: LinkModels,
    domain: str,
    defense: str,
    sigmas: Sequence[float],
    snr_db: float,
    images: ArrayDataset,
    clusters: Sequence[int] = (1, 5),
    seed: int = 0,
) -> list[dict[str, float | int | str]]:
    """The certified ratio of one noise defense at each noise level, on features of real pictures at AWGN.

    Both the sender's and the channel's noise count, the same for receiver and eavesdropper:
    variance ``sigma² + (1 + sigma²)/SNR`` relative to the features. A defense that adds no noise
    has the channel's only.

    Args:
        models: of this domain and defense (:func:`semcom_core.link.load_models`).
        images: pictures with labels; some thousands.
        clusters: clusters a class to try; the lowest bound counts, since each is one.

    Returns:
        For each sigma ``ratio`` = exp(−2 I_ub/d) with d native pixels, ``nats`` = I_ub, and what they rest on.

    Raises:
        ValueError: the chain has a plug-in with a key, for which this is no bound on privacy.
    """
    chains = [DEFENSES[defense].chain(_Choices(sigma, snr_db), models.parts) for sigma in sigmas]
    if any(plug_in.keyed for plug_in in chains[0]):
        raise ValueError(f"The defense {defense!r} has a key; this bound says nothing about it.")
    z = _features(models, domain, images, [one for one in chains[0] if not isinstance(one, AdditiveNoise)])
    d = int(images.images[0].size)
    found = []
    for sigma, chain in zip(sigmas, chains, strict=True):
        noise = torch.tensor([10.0 ** (-snr_db / 10.0)])
        for plug_in in reversed(chain):
            noise = plug_in.noise_after(noise)
        bounds = [
            information_bound(z, images.labels, float(noise), np.random.default_rng(seed), one)
            for one in sorted(clusters)
        ]
        best = min(bounds, key=lambda bound: bound.nats)
        where = {"defense": defense, "noise": sigma, "snr_db": snr_db, "channel": "awgn", "pixels": d}
        found.append(where | {"ratio": best.ratio(d)} | asdict(best))
    return found


@torch.inference_mode()
def _features(models: LinkModels, domain: str, images: ArrayDataset, trained: Sequence[PlugIn]) -> np.ndarray:
    """Noise-free real features (N,2n) of unit power, as the sender's trained plug-ins leave them."""
    codec, place, parts = models.codec, DOMAINS[domain], []
    for start in range(0, len(images), 64):
        pictures = torch.from_numpy(images.images[start : start + 64]).float() / 255.0
        pictures = pictures[:, None] if pictures.ndim == 3 else pictures.permute(0, 3, 1, 2)
        s = codec.encode(place.enlarge(pictures, codec.size).contiguous(memory_format=torch.channels_last))
        for plug_in in trained:
            s = plug_in.protect(s, [None] * len(s), torch.Generator())
        parts.append(torch.view_as_real(s).flatten(1) * math.sqrt(2.0))
    return torch.cat(parts).numpy()
