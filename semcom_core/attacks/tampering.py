"""A man in the middle changes symbols on the air: ``x → x + δ`` before the channel.

The features are analogue, so nothing is refused for being malformed: a small δ in the right
direction changes what the receiver reads. No key is needed where the symbols are in the clear.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from semcom_core.channels import complex_normal

Tampering = Callable[[Tensor, float, torch.Generator], Tensor]
"""Symbols (B,n), a strength and randomness to changed symbols (B,n)."""


def towards(x: Tensor, target: Tensor, strength: float) -> Tensor:
    """Pull messages (B,n) towards the symbols of another picture; 1 replaces them."""
    return x + strength * (target - x)


def dense(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """A little on every symbol: ``δ ~ CN(0, strength²)``. Stands for any dense perturbation."""
    return x + strength * complex_normal(tuple(x.shape), generator)


def sparse(x: Tensor, strength: float, generator: torch.Generator, count: int = 32) -> Tensor:
    """``|δ| = strength`` with a random phase on ``count`` random symbols of each message."""
    batch, n = x.shape
    where = torch.rand((batch, n), generator=generator, device=generator.device).argsort(1)[:, :count]
    turn = 2.0 * math.pi * torch.rand((batch, count), generator=generator, device=generator.device)
    return x.scatter_add(1, where, torch.polar(torch.full_like(turn, strength), turn))


def scaling(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """The whole message stronger or weaker: ``x·(1 + strength)``."""
    return x * (1.0 + strength)


TAMPERINGS: dict[str, Tampering] = {"dense": dense, "sparse": sparse, "scaling": scaling}
"""By name; strength 0 changes nothing in all of them."""
