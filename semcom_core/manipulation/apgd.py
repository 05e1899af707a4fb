"""Auto-PGD: gradient ascent that finds its own step (Croce and Hein, ICML 2020), on CE and on DLR."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from semcom_core.manipulation.base import (
    Attempt,
    Draw,
    Manipulator,
    Objective,
    Slope,
    Threat,
    Victim,
    ascend,
    cross_entropy,
    probe,
)

MOMENTUM = 0.75
RISES = 0.75
"""Share of the steps since the last checkpoint that must have raised the loss (the paper's rho)."""


def checkpoints(steps: int) -> list[int]:
    """Steps at which step sizes may be halved.

    ``w_j = ⌈p_j·steps⌉`` with ``p₀ = 0, p₁ = 0.22, p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06)``.
    """
    shares = [0.0, 0.22]
    while shares[-1] < 1.0:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({math.ceil(share * steps - 1e-9) for share in shares if share <= 1.0 + 1e-9} - {0})


def dlr(labels: Tensor) -> Objective:
    """Difference of logits ratio, eq. (6): ``−(z_y − max_{i≠y} z_i)/(z_π1 − z_π3)``; at least three classes."""

    def loss(logits: Tensor) -> Tensor:
        ranked = logits.sort(1, descending=True).values
        own = logits.gather(1, labels[:, None])[:, 0]
        other = logits.scatter(1, labels[:, None], -math.inf).amax(1)
        return -(own - other) / (ranked[:, 0] - ranked[:, 2] + 1e-12)

    return loss


@dataclass(frozen=True)
class APGDCE(Manipulator):
    r"""APGD, Algorithm 1, on the cross entropy.

    ::

        z = Π(x + η·direction(∇f));   x ← Π( x + 0.75·(z − x) + 0.25·(x − x_before) ),   η₀ = 2ε
        at a checkpoint: too few rises, or no new best at an unchanged η  →  η/2, back to the best point

    The loss that steers is an average over channel draws. The answer is the point that fooled the
    receiver in most of the draws, and of those the one with the greatest loss.

    Attributes:
        steps: gradients.
        eot: channel draws a gradient (AutoAttack's version for random models takes 20).
    """

    steps: int = 20
    eot: int = 20
    name: ClassVar[str] = "apgd_ce"
    threat: ClassVar[Threat] = Threat(networks=True)

    def objective(self, labels: Tensor) -> Objective:
        """The loss that rises."""
        return cross_entropy(labels)

    def search(
        self, victim: Victim, labels: Tensor, generator: torch.Generator, same: Draw | None = None
    ) -> Iterator[Attempt]:
        draw, origin, region = same or (lambda: generator), victim.origin, victim.region
        objective = self.objective(labels)

        def measure(x: Tensor) -> Slope:
            return ascend(victim, x, objective, labels, draw, self.eot)

        x = before = region.random(origin, generator)
        slope = measure(x)
        top = _Best(x, slope.loss, slope.gradient)
        answer = _Answer(x, slope.fooled, slope.loss)
        eta = torch.full((len(x), *[1] * (x.ndim - 1)), 2.0 * region.radius, device=x.device)
        rises = torch.zeros_like(slope.loss)
        loss_then, halved, since = top.loss.clone(), torch.zeros_like(rises, dtype=torch.bool), 0
        stops = set(checkpoints(self.steps))
        for step in range(1, self.steps + 1):
            with torch.no_grad():
                z = region.project(x + eta * region.direction(slope.gradient), origin)
                share = MOMENTUM if step > 1 else 1.0
                following = region.project(x + share * (z - x) + (1.0 - share) * (x - before), origin)
            before, x, last = x, following, slope.loss
            slope = measure(x)
            rises += (slope.loss > last).float()
            since += 1
            top = top.or_else(x, slope)
            answer = answer.or_else(x, slope)
            if step in stops:
                stuck = (rises < RISES * since) | (~halved & (top.loss <= loss_then))
                eta = torch.where(_like(stuck, eta), eta / 2.0, eta)
                x = torch.where(_like(stuck, x), top.x, x)
                gradient = torch.where(_like(stuck, x), top.gradient, slope.gradient)
                slope = Slope(torch.where(stuck, top.loss, slope.loss), gradient, slope.fooled)
                loss_then, halved, since = top.loss.clone(), stuck, 0
                rises = torch.zeros_like(rises)
            yield Attempt(step, self.steps, answer.x, answer.loss)


@dataclass(frozen=True)
class APGDDLR(APGDCE):
    """APGD on the difference of logits ratio, which does not vanish where the receiver is very sure."""

    name: ClassVar[str] = "apgd_dlr"

    def objective(self, labels: Tensor) -> Objective:
        return dlr(labels)


@dataclass(frozen=True)
class APGD(Manipulator):
    """APGD on CE, then on DLR where some draw was still read right: AutoAttack's version for random models.

    Image by image the attacker keeps the point that is read right least often under ``eot`` draws of
    its own, the clean picture included; ``loss`` is minus that share.
    """

    steps: int = 20
    eot: int = 20
    name: ClassVar[str] = "apgd"
    threat: ClassVar[Threat] = Threat(networks=True)

    def search(
        self, victim: Victim, labels: Tensor, generator: torch.Generator, same: Draw | None = None
    ) -> Iterator[Attempt]:
        draw, total = same or (lambda: generator), 2 * self.steps
        best = victim.origin
        right = _right(victim, best, labels, draw, self.eot)
        for number, attack in enumerate((APGDCE(self.steps, self.eot), APGDDLR(self.steps, self.eot))):
            # Who is always fooled cannot be fooled more: leaving him out changes nothing.
            left = right.nonzero()[:, 0]
            if not len(left):
                break
            some, wanted = victim.take(left), labels[left]
            for attempt in attack.search(some, wanted, generator, same):
                yield Attempt(number * self.steps + attempt.step, total, best, -right)
            found = _right(some, attempt.x, wanted, draw, self.eot)
            wins = found < right[left]
            best = best.index_copy(0, left[wins], attempt.x[wins])
            right = right.index_copy(0, left[wins], found[wins])
        yield Attempt(total, total, best, -right)


@dataclass(frozen=True)
class _Best:
    """The points with the greatest loss so far, and the gradients there."""

    x: Tensor
    loss: Tensor
    gradient: Tensor

    def or_else(self, x: Tensor, slope: Slope) -> _Best:
        wins = slope.loss > self.loss
        wide = _like(wins, x)
        return _Best(
            torch.where(wide, x, self.x),
            torch.where(wins, slope.loss, self.loss),
            torch.where(wide, slope.gradient, self.gradient),
        )


@dataclass(frozen=True)
class _Answer:
    """The points that fooled most draws so far."""

    x: Tensor
    fooled: Tensor
    loss: Tensor

    def or_else(self, x: Tensor, slope: Slope) -> _Answer:
        wins = (slope.fooled > self.fooled) | ((slope.fooled == self.fooled) & (slope.loss > self.loss))
        return _Answer(
            torch.where(_like(wins, x), x, self.x),
            torch.where(wins, slope.fooled, self.fooled),
            torch.where(wins, slope.loss, self.loss),
        )


def _right(victim: Victim, x: Tensor, labels: Tensor, draw: Draw, draws: int) -> Tensor:
    """Share of channel draws in which each point is read right (B,)."""
    return (probe(victim, x, draw, draws).argmax(2) == labels).float().mean(0)


def _like(mask: Tensor, x: Tensor) -> Tensor:
    return mask.reshape(-1, *[1] * (x.ndim - 1))
