"""Additive Gaussian noise at the sender, the simplest noise-corruption defense."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from semcom_core.channels import complex_normal
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class AdditiveNoise(PlugIn):
    r"""``x = (s + sigma·e)/√(1+sigma²)``, ``e ~ CN(0,1)``; the receiver rescales.

    This is noise, not differential privacy: nothing is clipped, so no budget follows. It hurts
    the receiver exactly as much as an eavesdropper at the same SNR.

    ``recover`` divides by ``√(1+sigma²)``; behind the MMSE equaliser that is the MMSE estimate
    for channel noise and own noise together, the scale that the decoders were trained on.

    Attributes:
        sigma: standard deviation of the noise, per complex symbol, relative to the signal's.
    """

    sigma: float
    name: ClassVar[str] = "noise"

    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        e = complex_normal(tuple(s.shape), generator)
        return (s + self.sigma * e) / math.sqrt(1.0 + self.sigma**2)

    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        return s_hat / math.sqrt(1.0 + self.sigma**2)

    def noise_after(self, noise: Tensor) -> Tensor:
        return self.sigma**2 + (1.0 + self.sigma**2) * noise
