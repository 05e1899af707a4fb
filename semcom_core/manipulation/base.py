r"""What a manipulator may change and by how much, whom it attacks, and what it hands back.

::

    clean point ─ Region ─ x ── Victim.send ── sent ── Victim.receive(channel draw) ── logits
                   ▲                                                                    │
                   └────────────── Manipulator: ascend a loss, project ─────────────────┘

A victim is random: every reading has a channel draw of its own. A manipulator plans with draws of
its own, so that what it does must work for noise that it has not seen; knowing the very noise of
the scored transmission is a different, stronger threat (``same``) and is measured as such.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

Draw = Callable[[], torch.Generator]
"""Gives the generator of the next channel draw."""
Objective = Callable[[Tensor], Tensor]
"""Logits (B,K) to the loss of each image (B,) that is to rise."""


@dataclass(frozen=True)
class Threat:
    """What a manipulator is assumed to have; pages print it in words.

    All know the statistics of the channel, none its noise.

    Attributes:
        networks: it has the networks of sender and receiver, a purifier too, and their gradients.
        scores: it only asks: for whatever it sends it learns the receiver's class scores.
    """

    networks: bool
    scores: bool = False


class Region(ABC):
    """The points that are near enough to the clean one."""

    radius: float

    @abstractmethod
    def project(self, x: Tensor, origin: Tensor) -> Tensor:
        """The nearest allowed points (B,…)."""

    @abstractmethod
    def random(self, origin: Tensor, generator: torch.Generator) -> Tensor:
        """Uniformly random points of the region (B,…)."""

    @abstractmethod
    def direction(self, gradient: Tensor) -> Tensor:
        """The direction of unit length, in the region's norm, along which a loss rises fastest (B,…)."""


@dataclass(frozen=True)
class Linf(Region):
    """``max|x − origin| ≤ radius`` and every value in [low, high]: pixels."""

    radius: float
    low: float = 0.0
    high: float = 1.0

    def project(self, x: Tensor, origin: Tensor) -> Tensor:
        near = torch.minimum(torch.maximum(x, origin - self.radius), origin + self.radius)
        return near.clamp(self.low, self.high)

    def random(self, origin: Tensor, generator: torch.Generator) -> Tensor:
        draw = torch.rand(origin.shape, generator=generator, device=generator.device)
        return self.project(origin + self.radius * (2.0 * draw - 1.0), origin)

    def direction(self, gradient: Tensor) -> Tensor:
        return gradient.sign()


@dataclass(frozen=True)
class L2(Region):
    """``‖x − origin‖₂ ≤ radius`` for each image: symbols, whose energy is limited."""

    radius: float

    def project(self, x: Tensor, origin: Tensor) -> Tensor:
        offset = x - origin
        return origin + offset * (self.radius / _norm(offset)).clamp_max(1.0)

    def random(self, origin: Tensor, generator: torch.Generator) -> Tensor:
        draw = torch.randn(origin.shape, generator=generator, device=generator.device)
        share = torch.rand((len(origin), *[1] * (origin.ndim - 1)), generator=generator, device=generator.device)
        return origin + draw / _norm(draw) * self.radius * share ** (1.0 / origin[0].numel())

    def direction(self, gradient: Tensor) -> Tensor:
        return gradient / _norm(gradient)


def power_region(power_db: float, symbols: int) -> L2:
    """Perturbations of ``symbols`` complex symbols of unit power whose power is ``power_db`` relative to theirs."""
    return L2(math.sqrt(symbols * 10.0 ** (power_db / 10.0)))


class Victim(ABC):
    """A receiver that reads the class of what it is sent, and the region that an attacker may choose from.

    Attributes:
        origin: the clean points (B,…), real.
    """

    origin: Tensor
    region: Region

    @abstractmethod
    def send(self, x: Tensor) -> Tensor:
        """The part without randomness, done once for many channel draws: points (B,…) to what is sent."""

    @abstractmethod
    def receive(self, sent: Tensor, generator: torch.Generator) -> Tensor:
        """One channel draw: what is sent to class logits (B,K); differentiable."""

    @abstractmethod
    def take(self, index: Tensor) -> Victim:
        """The same victim for some of the images."""

    def logits(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Points (B,…) to class logits (B,K), for one channel draw."""
        return self.receive(self.send(x), generator)


@dataclass(frozen=True, eq=False)
class FunctionVictim(Victim):
    """Any function from pictures (B,C,H,W) to logits (B,K); channel draws, if any, are its own business."""

    classify: Callable[[Tensor], Tensor]
    origin: Tensor
    region: Region

    def send(self, x: Tensor) -> Tensor:
        return x.clone()

    def receive(self, sent: Tensor, generator: torch.Generator) -> Tensor:
        return self.classify(sent)

    def take(self, index: Tensor) -> FunctionVictim:
        return replace(self, origin=self.origin[index])


@dataclass(frozen=True)
class Attempt:
    """Where a search stands.

    Attributes:
        step, steps: how many are done, and how many there will be.
        x: the answer so far (B,…).
        loss: the objective of the best points that were measured (B,), or of the last ones (PGD).
    """

    step: int
    steps: int
    x: Tensor
    loss: Tensor


class Manipulator(ABC):
    """An attack that changes what is sent. A value: it holds parameters, never state."""

    name: ClassVar[str]
    threat: ClassVar[Threat]

    @abstractmethod
    def search(
        self, victim: Victim, labels: Tensor, generator: torch.Generator, same: Draw | None = None
    ) -> Iterator[Attempt]:
        """Search step by step, so that the caller can show progress and stop.

        Args:
            labels: true classes (B,); for a targeted attack, the classes that are wanted.
            generator: random starts, and the attacker's own channel draws.
            same: where the attacker knows the scored channel draw, gives its generator anew.
        """

    def run(self, victim: Victim, labels: Tensor, generator: torch.Generator, same: Draw | None = None) -> Tensor:
        """The answer (B,…) of a whole search."""
        return deque(self.search(victim, labels, generator, same), maxlen=1)[0].x


@dataclass(frozen=True)
class Slope:
    """Loss (B,), its gradient (B,…), and the share of channel draws in which the class was not ``labels`` (B,)."""

    loss: Tensor
    gradient: Tensor
    fooled: Tensor


def ascend(victim: Victim, x: Tensor, objective: Objective, labels: Tensor, draw: Draw, draws: int) -> Slope:
    """Expectation over transformation: loss and gradient, averaged over channel draws (Athalye et al., ICML 2018).

    Only the gradient with respect to ``x`` is computed; what is sent is computed once.
    """
    with torch.inference_mode(False), torch.enable_grad():
        x = x.clone().detach().requires_grad_(True)  # cloned first: it may come from inference mode
        sent = victim.send(x)
        leaf = sent.detach().requires_grad_(True)
        total, loss, fooled = torch.zeros_like(leaf), 0.0, 0.0
        for _ in range(draws):
            logits = victim.receive(leaf, draw())
            each = objective(logits)
            total += torch.autograd.grad(each.sum(), leaf)[0]
            loss, fooled = loss + each.detach(), fooled + (logits.detach().argmax(1) != labels).float()
        (gradient,) = torch.autograd.grad(sent, x, total / draws)
    return Slope(loss / draws, gradient, fooled / draws)


@torch.no_grad()
def probe(victim: Victim, x: Tensor, draw: Draw, draws: int) -> Tensor:
    """Logits (draws,B,K) of points, one channel draw each."""
    sent = victim.send(x)
    return torch.stack([victim.receive(sent, draw()) for _ in range(draws)])


def cross_entropy(labels: Tensor) -> Objective:
    """``CE(M(x), y)`` of each image."""
    return lambda logits: F.cross_entropy(logits, labels, reduction="none")


def divergence(natural: Tensor) -> Objective:
    """``KL(P ‖ M(x))`` of each image, RepObE (14) and (17); P are class probabilities (B,K)."""
    log_natural = natural.clamp_min(1e-12).log()
    return lambda logits: (natural * (log_natural - logits.log_softmax(1))).sum(1)


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).clamp_min(1e-12).reshape(-1, *[1] * (x.ndim - 1))
