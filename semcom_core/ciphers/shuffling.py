r"""Shuffling: one random permutation of all positions, the same in every channel of the map.

Chen, Xiang, Sun, Cheng and Shen, "Shuffling for Semantic Secrecy", IEEE TIFS 20 (2025),
pp. 5240–5255: the random order is the shared key. Their sequences are words or features; here
they are the 784 positions of RepObE's feature map.

``F_en.flat[p] = F_s.flat[order[p]]``. The key space is (H·W)!, for 28×28 about 2^6413, and the
grouping into rows is gone, which RepObE's cipher leaves public. The *set* of position vectors
still goes over the air in the clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeyStream


@dataclass(frozen=True, eq=False)
class ShufflingKey:
    """The order of the H·W positions.

    Raises:
        ValueError: ``order`` is not a permutation.
    """

    order: np.ndarray

    def __post_init__(self) -> None:
        if not np.array_equal(np.sort(self.order), np.arange(len(self.order))):
            raise ValueError(f"order must hold each of 0…{len(self.order) - 1} exactly once.")

    @staticmethod
    def draw(stream: KeyStream, positions: int) -> ShufflingKey:
        """A uniform key from a key stream (Fisher–Yates)."""
        return ShufflingKey(stream.permutation(positions))

    def permutation(self) -> np.ndarray:
        """``F_en.flat[p] = F_s.flat[permutation[p]]``, (H·W,), as for the other ciphers."""
        return self.order


def encrypt(F: Tensor, key: ShufflingKey) -> Tensor:
    """Shuffle the positions of a map (…,H,W)."""
    return _reorder(F, key.order)


def decrypt(F: Tensor, key: ShufflingKey) -> Tensor:
    """The exact inverse of :func:`encrypt`."""
    return _reorder(F, np.argsort(key.order))


def _reorder(F: Tensor, order: np.ndarray) -> Tensor:
    if F.shape[-2] * F.shape[-1] != len(order):
        raise ValueError(f"This key is for {len(order)} positions; the map has {F.shape[-2]}×{F.shape[-1]}.")
    return F.flatten(-2)[..., torch.as_tensor(order, device=F.device)].reshape(F.shape)
