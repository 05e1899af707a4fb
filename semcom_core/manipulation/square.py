"""Square attack: random search by questions only (Andriushchenko et al., ECCV 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from semcom_core.manipulation.base import Attempt, Draw, Linf, Manipulator, Threat, Victim, probe

HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of the search after which the squares' area is halved (the paper's 10, 50, 200, … of 10,000)."""


@dataclass(frozen=True)
class Square(Manipulator):
    r"""Squares of ±ε at random places; what lowers the margin stays.

    ::

        x₀ = x ± ε in vertical stripes;   one square of each picture becomes ±ε (a sign a colour)
        kept if   z_y − max_{i≠y} z_i   is smaller

    The receiver's answers are random, so the incumbent is asked again beside each candidate: a
    single lucky answer would otherwise never be beaten. A step costs ``2·eot`` questions.

    Attributes:
        steps: candidates.
        area: share of the picture that the first squares cover.
        eot: questions a point.
    """

    steps: int = 500
    area: float = 0.8
    eot: int = 1
    name: ClassVar[str] = "square"
    threat: ClassVar[Threat] = Threat(networks=False, scores=True)

    def search(
        self, victim: Victim, labels: Tensor, generator: torch.Generator, same: Draw | None = None
    ) -> Iterator[Attempt]:
        """See :meth:`Manipulator.search`.

        Raises:
            ValueError: the perturbation is not of pixels.
        """
        region, origin = victim.region, victim.origin
        if not isinstance(region, Linf) or origin.ndim != 4:
            raise ValueError("The Square attack changes pixels; it has no form for symbols here.")
        draw = same or (lambda: generator)
        batch, channels, height, width = origin.shape
        stripes = _signs((batch, channels, 1, width), generator)
        x = region.project(origin + region.radius * stripes, origin)
        for step in range(1, self.steps + 1):
            side = max(1, round(math.sqrt(self._share(step) * height * width)))
            inside = _squares(batch, height, width, min(side, height, width), generator)
            signs = _signs((batch, channels, 1, 1), generator)
            candidate = region.project(torch.where(inside, origin + region.radius * signs, x), origin)
            now, then = (_margin(probe(victim, point, draw, self.eot), labels) for point in (candidate, x))
            wins = now < then
            x = torch.where(wins[:, None, None, None], candidate, x)
            yield Attempt(step, self.steps, x, -torch.minimum(now, then))

    def _share(self, step: int) -> float:
        """Share of the picture that a square covers, halved again and again."""
        return self.area / 2 ** sum(step > limit * self.steps for limit in HALVINGS)


def _margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over draws of ``z_y − max_{i≠y} z_i``, (draws,B,K) -> (B,); negative if fooled."""
    index = labels[None, :, None].expand(len(logits), -1, 1)
    own, others = logits.gather(2, index)[..., 0], logits.scatter(2, index, -math.inf).amax(2)
    return (own - others).mean(0)


def _signs(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(2, shape, generator=generator, device=generator.device) * 2.0 - 1.0


def _squares(batch: int, height: int, width: int, side: int, generator: torch.Generator) -> Tensor:
    """One random square an image, as a mask (B,1,H,W)."""

    def span(length: int) -> Tensor:
        first = torch.randint(length - side + 1, (batch, 1), generator=generator, device=generator.device)
        places = torch.arange(length, device=generator.device)
        return (places >= first) & (places < first + side)

    return (span(height)[:, :, None] & span(width)[:, None, :])[:, None]
