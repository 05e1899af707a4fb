"""Randomised response: every bit may be a lie, which is differential privacy for that bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from semcom_core.codecs.necst import BITS
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class RandomisedResponse(PlugIn):
    r"""Each bit of a QPSK message is flipped with probability ``p = 1/(1+e^epsilon)`` before it is sent.

    Mechanism: S. L. Warner, JASA 60(309), 1965. RepObE's baseline "NECST-DP" (its suffixes 0.05
    and 0.9 read as budgets ε) is nowhere defined: the mechanism is our choice, for its statement
    is exact. NECST's code is already clipped to one bit a coordinate.

    ::

        s ─ sign of I and of Q flipped, each with probability p ─ x ── channel ── ŝ ─ (1−2p)·ŝ

    The accounting. For one bit b and its sent value b̃,
    ``P(b̃ = v | b) / P(b̃ = v | 1−b) ≤ (1−p)/p = e^ε``: ε-local differential privacy of *one bit
    of the code*, whatever anyone computes from it. Two pictures may differ in all bits of their
    codes, so a *picture* has only what composition leaves (:func:`message_budget`): 3136·ε, that is
    156.8 for ε = 0.05 and 2,822.4 for ε = 0.9. A budget above 10 or so promises nothing of
    practical use; even advanced composition gives 21.5 (δ = 1e-5) for ε = 0.05. What protects
    a picture here is noise, and it disturbs receiver and eavesdropper alike.

    ``recover`` and ``noise_after`` keep the codec's contract: the flips leave ``x = ρs + d`` with
    ``ρ = 1−2p`` and ``d`` uncorrelated to ``s``, so ``ρ·ŝ`` is the linear MMSE estimate of ``s``.

    Attributes:
        epsilon: budget of one bit, above 0; infinity flips nothing.
    """

    epsilon: float
    name: ClassVar[str] = "randomised_response"

    def __post_init__(self) -> None:
        if not self.epsilon > 0:
            raise ValueError(f"The budget of a bit must be above 0, not {self.epsilon}.")

    @property
    def flip(self) -> float:
        """Probability p that a bit is flipped."""
        return 0.0 if math.isinf(self.epsilon) else 1.0 / (1.0 + math.exp(self.epsilon))

    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        lies = torch.rand((2, *s.shape), generator=generator, device=generator.device) < self.flip
        real, imag = (1.0 - 2.0 * lies.float()).to(s.device)
        return torch.complex(s.real * real, s.imag * imag)

    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        return (1.0 - 2.0 * self.flip) * s_hat

    def noise_after(self, noise: Tensor) -> Tensor:
        return (1.0 + noise) / (1.0 - 2.0 * self.flip) ** 2 - 1.0


def message_budget(epsilon: float, bits: int = BITS, delta: float = 0.0) -> float:
    r"""Budget of a whole message whose ``bits`` bits each have the budget ``epsilon``.

    Basic composition, ``bits·ε``, holds with ``delta = 0`` and is tight (two codes may differ in
    every bit). With ``delta > 0`` also the advanced one, ``√(2k ln(1/δ))·ε + kε(e^ε − 1)`` (Dwork
    and Roth, 2014, Theorem 3.20), whichever is less: an (ε', δ) guarantee.

    Raises:
        ValueError: ``delta`` is not in [0,1).
    """
    if not 0.0 <= delta < 1.0:
        raise ValueError(f"delta must be at least 0 and below 1, not {delta}.")
    basic = bits * epsilon
    if delta == 0.0 or epsilon > 100.0:  # e^ε would overflow, and basic composition is far less
        return basic
    advanced = math.sqrt(2 * bits * math.log(1 / delta)) * epsilon + bits * epsilon * math.expm1(epsilon)
    return min(basic, advanced)
