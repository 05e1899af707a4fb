"""DiffSem-style: noise of the sender's own, and a diffusion model at the receiver that removes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from semcom_core import diffusion
from semcom_core.channels import complex_normal, noise_variance
from semcom_core.codecs.base import Decoded
from semcom_core.codecs.repobe import OwnReceiver, RepObECodec, normalise_power, pack, unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.networks.decoders import ClassificationDecoder
from semcom_core.networks.denoiser import DiffSemNetworks


def signal_share(sigma: Tensor, sigma2: Tensor) -> Tensor:
    r"""Power ``a`` that the signal keeps: ``a = min(1, abar·(1+σ²))`` with ``abar = 1/(1+sigma²)``.

    The receiver then finds the signal at level ``abar`` on an AWGN channel of noise power σ²
    whatever σ² is; where the channel alone is noisier than that, the sender adds nothing.

    Args:
        sigma: privacy level, standard deviation of all noise together relative to the signal.
        sigma2: noise power of the mean SNR.
    """
    return (diffusion.level(sigma.square()) * (1.0 + sigma2)).clamp_max(1.0)


def add_noise(s: Tensor, a: Tensor, generator: torch.Generator) -> Tensor:
    """``x = √a·s + √(1−a)·e``, ``e ~ CN(0,1)``, for symbols (B,n) and ``a`` (B,1) or a scalar."""
    return a.sqrt() * s + (1.0 - a).sqrt() * complex_normal(tuple(s.shape), generator)


@dataclass(frozen=True)
class SelfNoise(PlugIn):
    r"""Self-noising that makes room for the channel's noise.

    X. Wang, M. Li, X. Shi, Z. Liu, S. Yang, "Diffusion-aided Task-oriented Semantic
    Communications with Model Inversion Attack" (DiffSem), arXiv 2506.19886, 2025.

    ::

        s ─ √a·s + √(1−a)·e ─ x ── channel, MMSE ── x̂ ─ √a ─ ŝ = (s + e')/(1+nu'),  nu' = (1−a+nu)/a

    Only the paper's abstract was available: that the sender adds noise which "compensates" the
    channel's is in it, this rule for ``a`` (:func:`signal_share`) is our choice.

    Every antenna at the same SNR is at the same level, the eavesdropper's too: without a key the
    noise hides nothing from an eavesdropper that the receiver could read.

    Attributes:
        sigma: privacy level, standard deviation of the noise that the receiver finds on AWGN.
        snr_db: mean SNR of the receiver, as the sender knows it.
    """

    sigma: float
    snr_db: float
    name: ClassVar[str] = "self_noise"

    @property
    def a(self) -> Tensor:
        """Power that the signal keeps, a scalar."""
        return signal_share(torch.tensor(self.sigma), noise_variance(self.snr_db))

    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        return add_noise(s, self.a, generator)

    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        return self.a.sqrt() * s_hat

    def noise_after(self, noise: Tensor) -> Tensor:
        return (1.0 - self.a + noise) / self.a


@dataclass(frozen=True, eq=False)
class Denoise(PlugIn):
    r"""A diffusion model at the receiver, run backwards from the level that the channel left.

    ::

        ŝ ─┬─ ·√(1+noise) ─ x at abar = 1/(1+noise) ─ DDIM, k steps ─ z0 ─ eq. (3) ─ ẑ
           └─ tuned classifier ─ softmax ─ label ──────┘ (optional)

    ``noise`` holds channel and self-noise (:class:`SelfNoise` is undone first), so the diffusion
    starts at ``abar = a/(1+σ_h²)``. Deterministic: equal receptions give equal features. The
    sender does nothing here.

    DiffSem's (see :class:`SelfNoise`) denoiser, schedule and label embedding were not available:
    the levels are continuous, the steps are DDIM's, and the "self-referential" label is the class
    probabilities that the receiver's own classifier reads from the noisy features.

    Attributes:
        networks: denoiser and tuned classifiers.
        classifier: the codec's, whose middle the tuned classifiers share.
        steps: denoiser calls; 0 passes the features through.
        labels: whether the denoiser is told the first guess.
    """

    networks: DiffSemNetworks
    classifier: ClassificationDecoder
    steps: int
    labels: bool
    name: ClassVar[str] = "denoise"

    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        return s

    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        """See :meth:`PlugIn.recover`.

        Raises:
            ValueError: there are steps but no noise level.
        """
        if not self.steps:
            return s_hat
        if noise is None:
            raise ValueError("The denoiser needs the noise level of what it receives.")
        z = unpack(s_hat).contiguous(memory_format=torch.channels_last)
        label = self.networks.noisy(self.classifier, z).softmax(1) if self.labels else None
        return pack(denoise(self.networks, z, noise, self.steps, label))

    def noise_after(self, noise: Tensor) -> Tensor:
        """Zero if it denoised: what is left is not noise that anybody could name the variance of."""
        return torch.zeros_like(noise) if self.steps else noise


def denoise(networks: DiffSemNetworks, z: Tensor, noise: Tensor, steps: int, label: Tensor | None) -> Tensor:
    """Linear MMSE estimates of features (B,4,28,28) with relative noise (B,) to features, in ``steps`` steps."""
    x = z * (1.0 + noise).sqrt()[:, None, None, None]
    z0 = diffusion.ddim(networks.denoiser, x, diffusion.level(noise), steps, label)
    return normalise_power(z0).contiguous(memory_format=torch.channels_last)


class DiffSemReceiver(OwnReceiver):
    """The codec with the classifier that was tuned for denoised features, or for noisy ones.

    Args:
        codec: the frozen codec; its encoder, shared classifier blocks and reconstructor are used.
        networks: the tuned ends.
    """

    def __init__(self, codec: RepObECodec, networks: DiffSemNetworks) -> None:
        super().__init__(codec)
        self.networks = networks

    def classify(self, symbols: Tensor, noise: Tensor | None = None) -> Tensor:
        """Class logits only; see :meth:`decode`."""
        z = unpack(symbols).contiguous(memory_format=torch.channels_last)
        denoised = noise is not None and not noise.any()
        tuned = self.networks.denoised if denoised else self.networks.noisy
        return tuned(self.codec.classifier, z)

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Symbols (B,1568) to image (B,C,224,224) and class logits.

        Args:
            noise: all zero if the symbols were denoised (:meth:`Denoise.noise_after`).
        """
        return Decoded(self.codec.reconstruct(symbols), self.classify(symbols, noise))
