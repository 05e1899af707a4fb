"""What a permutation that an attacker found is good for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from semcom_core.link import LinkModels


def reorder(z: Tensor, order: np.ndarray) -> Tensor:
    """Encrypt features (B,4,H,W) by a flat permutation: ``F_en.flat[p] = F_s.flat[order[p]]``."""
    return z.flatten(2)[..., torch.from_numpy(np.ascontiguousarray(order))].reshape(z.shape)


def restore(z: Tensor, order: np.ndarray) -> Tensor:
    """The inverse of :func:`reorder`."""
    return reorder(z, np.argsort(order))


def wrong_positions(true: np.ndarray, found: np.ndarray) -> float:
    """Share of the map's positions that come out wrong under the permutation found."""
    return float((true != found).mean())


def leftover(z: Tensor, true: np.ndarray, found: np.ndarray) -> float:
    """Error ``Σ|ŝ−s|²/Σ|s|²`` when messages (B,4,H,W) under ``true`` are decrypted with ``found``.

    0 is as good as the key; two unrelated maps of zero mean give 2.
    """
    return float((restore(reorder(z, true), found) - z).square().sum() / z.square().sum())


@torch.inference_mode()
def class_accuracy(
    models: LinkModels, heard: Tensor, orders: Sequence[np.ndarray], labels: Sequence[int] | np.ndarray
) -> list[float]:
    """Share of right class answers on intercepted messages (B,4,28,28), decrypted with each of some permutations."""
    truth = torch.as_tensor(np.asarray(labels))
    answers = (models.codec.classifier(_last(restore(heard, order))).float().argmax(1) for order in orders)
    return [float((answer == truth).float().mean()) for answer in answers]


def _last(z: Tensor) -> Tensor:
    return z.contiguous(memory_format=torch.channels_last)
