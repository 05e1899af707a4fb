"""Gradient ascent with a fixed step: FGSM, PGD, targeted PGD, and TRADES' inner maximisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from semcom_core.manipulation.base import (
    Attempt,
    Draw,
    Manipulator,
    Objective,
    Threat,
    Victim,
    ascend,
    cross_entropy,
    divergence,
    probe,
)

TRADES_START = 1e-3
"""Standard deviation of TRADES' start (Zhang et al., ICML 2019, official code); in units of pixels."""


@dataclass(frozen=True)
class PGD(Manipulator):
    r"""Projected gradient ascent on the cross entropy (Madry et al., ICLR 2018).

    ::

        x₀ = x + U(−ε,ε);   x ← Π( x + share·ε · direction(∇ CE(M(x), y)) )

    RepObE evaluates with ε = 0.016, step 0.0032, 5 iterations (the defaults, at that radius): 5
    steps just reach the border. The answer is the last point, as there; of several restarts the
    one with the greatest loss under the attacker's own draws.

    Attributes:
        steps: iterations.
        share: step length as a share of the region's radius.
        restarts: independent starts.
        start: ``"uniform"`` in the region, ``"near"`` (TRADES: 0.001 of normal noise) or ``"clean"``.
        eot: channel draws a gradient.
    """

    steps: int = 5
    share: float = 0.2
    restarts: int = 1
    start: Literal["uniform", "near", "clean"] = "uniform"
    eot: int = 1
    name: ClassVar[str] = "pgd"
    threat: ClassVar[Threat] = Threat(networks=True)

    def objective(self, victim: Victim, labels: Tensor, draw: Draw) -> Objective:
        """The loss that rises."""
        return cross_entropy(labels)

    def search(
        self, victim: Victim, labels: Tensor, generator: torch.Generator, same: Draw | None = None
    ) -> Iterator[Attempt]:
        draw = same or (lambda: generator)
        objective = self.objective(victim, labels, draw)
        total, best = self.steps * self.restarts, None
        for restart in range(self.restarts):
            x = self._start(victim, generator)
            for step in range(self.steps):
                slope = ascend(victim, x, objective, labels, draw, self.eot)
                with torch.no_grad():
                    ahead = x + self.share * victim.region.radius * victim.region.direction(slope.gradient)
                    x = victim.region.project(ahead, victim.origin)
                if step + 1 < self.steps:
                    yield Attempt(restart * self.steps + step + 1, total, x, slope.loss)
            if self.restarts > 1:
                loss = torch.stack([objective(logits) for logits in probe(victim, x, draw, self.eot)]).mean(0)
                best = _better(Attempt((restart + 1) * self.steps, total, x, loss), best)
            else:
                best = Attempt(self.steps, total, x, slope.loss)
            yield best

    def _start(self, victim: Victim, generator: torch.Generator) -> Tensor:
        origin, region = victim.origin, victim.region
        if self.start == "uniform":
            return region.random(origin, generator)
        if self.start == "near":
            draw = torch.randn(origin.shape, generator=generator, device=generator.device)
            return region.project(origin + TRADES_START * draw, origin)
        return origin.clone()


def _better(new: Attempt, old: Attempt | None) -> Attempt:
    """Image by image the attempt with the greater loss."""
    if old is None:
        return new
    wins = new.loss > old.loss
    x = torch.where(wins.reshape(-1, *[1] * (new.x.ndim - 1)), new.x, old.x)
    return Attempt(new.step, new.steps, x, torch.maximum(new.loss, old.loss))


@dataclass(frozen=True)
class FGSM(PGD):
    """One step to the border from the clean picture (Goodfellow et al., ICLR 2015)."""

    steps: int = 1
    share: float = 1.0
    start: Literal["uniform", "near", "clean"] = "clean"
    name: ClassVar[str] = "fgsm"


@dataclass(frozen=True)
class TargetedPGD(PGD):
    """PGD towards a class of the attacker's choice: ``labels`` are targets, ``−CE(M(x), target)`` rises."""

    steps: int = 20
    share: float = 0.1
    name: ClassVar[str] = "targeted_pgd"

    def objective(self, victim: Victim, labels: Tensor, draw: Draw) -> Objective:
        rising = cross_entropy(labels)
        return lambda logits: -rising(logits)


@dataclass(frozen=True)
class KLAscent(PGD):
    """Away from what the receiver says of the clean picture: RepObE (14), the inner problem of TRADES.

    ``KL(M(I_nat) ‖ M(x))``; the natural probabilities are averaged over ``eot`` channel draws.
    """

    steps: int = 10
    share: float = 0.226
    start: Literal["uniform", "near", "clean"] = "near"
    name: ClassVar[str] = "kl"

    def objective(self, victim: Victim, labels: Tensor, draw: Draw) -> Objective:
        return divergence(probe(victim, victim.origin, draw, self.eot).softmax(2).mean(0))
