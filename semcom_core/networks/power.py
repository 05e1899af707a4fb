"""The power constraint of a transmission."""

from __future__ import annotations

import math

from torch import Tensor


def normalise_power(z: Tensor) -> Tensor:
    r"""Per-image power constraint, RepObE eq. (3) with p = 1: ``ẑ = √k · z / √(z·z)``.

    ``k`` is the number of real entries of one image's features (3136), so ``‖ẑ‖² = k``.
    """
    k = z[0].numel()
    norm = z.flatten(1).norm(dim=1).clamp_min(1e-8)
    return z * (math.sqrt(k) / norm)[:, None, None, None]
