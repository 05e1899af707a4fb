r"""Diffusion as the receiver uses it: noise levels instead of time, and the deterministic DDIM step.

A state at level ``abar`` in (0, 1] follows DDPM's law ``x = √abar·s + √(1−abar)·eps``, i.e. its
signal-to-noise ratio is ``abar/(1−abar)``. A received signal with relative noise variance ``nu``
sits at ``abar = 1/(1+nu)`` (CDDM, Wu et al. 2024; Wang et al., arXiv 2506.05710), so the level
needs no table of time steps: it is a real number, given by channel and sender.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""``(x (B,…), abar (B,), label (B,K) or None) -> eps (B,…)``, the estimate of the noise in ``x``."""


def level(noise: Tensor) -> Tensor:
    """Level ``abar`` of a signal of unit power with noise of this variance: ``1/(1+noise)``."""
    return 1.0 / (1.0 + noise)


def linear_schedule(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """DDPM's levels ``abar_t``, t = 1…steps, for linearly growing ``beta`` (Ho et al. 2020), float64."""
    return (1.0 - torch.linspace(first, last, steps, dtype=torch.float64)).cumprod(0)


def path(abar: Tensor, steps: int) -> Tensor:
    r"""Levels from ``abar`` (B,) up to 1 in ``steps`` equal angles, (steps+1,B).

    With ``√abar = cos φ`` a state is ``cos φ·s + sin φ·eps``, and a DDIM step is a rotation towards
    ``s``; equal angles are the cosine schedule of Nichol and Dhariwal (2021) without its offset.
    """
    share = torch.linspace(1.0, 0.0, steps + 1, device=abar.device)[:, None]
    return (share * torch.arccos(abar.sqrt())).cos().square()


def follow(denoiser: Denoiser, x: Tensor, levels: Tensor, label: Tensor | None = None) -> Tensor:
    r"""DDIM without added noise along given levels (Song et al., ICLR 2021, eq. 12 with sigma = 0).

    ``s = (x − √(1−abar)·eps)/√abar``, then ``x' = √abar'·s + √(1−abar')·eps``.

    Args:
        x: states (B,…) at ``levels[0]``.
        levels: (k+1,B), rising; k denoiser calls.
        label: (B,K) class probabilities for the denoiser, or ``None``.

    Returns:
        The states at ``levels[-1]``.
    """
    for now, following in pairwise(levels):
        eps = denoiser(x, now, label)
        x = _like(following.sqrt(), x) * clean(x, eps, now) + _like((1.0 - following).clamp_min(0.0).sqrt(), x) * eps
    return x


def ddim(denoiser: Denoiser, x: Tensor, abar: Tensor, steps: int, label: Tensor | None = None) -> Tensor:
    """From states (B,…) at level ``abar`` (B,) to estimates ``z0`` (B,…) of the signal; see :func:`follow`.

    Raises:
        ValueError: fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"At least one denoising step is needed, not {steps}.")
    return follow(denoiser, x, path(abar, steps), label)


def clean(x: Tensor, eps: Tensor, abar: Tensor) -> Tensor:
    """The signal that a noise estimate implies, ``(x − √(1−abar)·eps)/√abar``."""
    return (x - _like((1.0 - abar).sqrt(), x) * eps) / _like(abar.sqrt(), x)


def _like(values: Tensor, x: Tensor) -> Tensor:
    """(B,) shaped to multiply (B,…)."""
    return values.reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype)
