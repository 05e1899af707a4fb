r"""A decoder that learns under a fixed key: linear, non-local, in closed form.

::

    ciphertexts X (N,3136) ── ridge ── grey pictures Y (N,784)        Ŷ = Ȳ + k (K + λI)⁻¹ (Y − Ȳ),  K = X X*

It sees all symbols at once, so it cares neither for the order of positions nor for a rotation:
``K`` holds inner products, which no permutation and no rotation changes as long as it is the same
for all messages. With noise-free ciphertexts its pictures are *exactly* those that it would learn
from unprotected features. λ is chosen by leave-one-out error on the attacker's own examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.codecs.repobe import pack
from semcom_core.defenses.base import PlugIn
from semcom_core.lab.material import Messages, hear, lab_key

COUNTS = (10, 20, 50, 100, 200, 400)
_PENALTIES = 10.0 ** np.arange(-4, 3.01, 0.5)


@dataclass(frozen=True)
class LearnedPoint:
    """A decoder from ``messages`` examples, tried on messages it has not seen.

    Attributes:
        psnr_db: mean over test pictures, grey 28×28.
        mean_psnr_db: the same for guessing the mean of the examples, always.
        pictures: the first reconstructions (k,28,28), for looking at.
    """

    messages: int
    psnr_db: float
    mean_psnr_db: float
    pictures: np.ndarray


def fit_pictures(heard: np.ndarray, grey: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Ridge regression from messages to pictures.

    Args:
        heard: examples' symbols (N,n), complex, all under one key.
        grey: their pictures (N,p).
        unseen: symbols of messages to read (M,n).

    Returns:
        Pictures (M,p).
    """
    mean = grey.mean(0)
    centre = heard.mean(0)
    X, x = _real(heard - centre), _real(unseen - centre)
    values, axes = np.linalg.eigh(X @ X.T)
    values = np.maximum(values, 0.0)
    targets = axes.T @ (grey - mean)
    scale = values.mean()
    penalty = min(_PENALTIES * scale, key=lambda each: _leave_one_out(values, axes, targets, each))
    weights = axes @ (targets / (values + penalty)[:, None])
    return mean + (x @ X.T) @ weights


def learning_curve(
    plug_in: PlugIn | None,
    examples: Messages,
    unseen: Messages,
    snr_db: float,
    fresh: bool = False,
    counts: Sequence[int] = COUNTS,
    shown: int = 4,
) -> Iterator[LearnedPoint]:
    """One point a number of examples.

    Args:
        plug_in: the cipher, or ``None`` for unprotected symbols.
        fresh: a key for each message instead of one for all.
    """
    heard, intercepted = (
        _heard(plug_in, messages, snr_db, fresh, first) for messages, first in ((examples, 0), (unseen, 2**20))
    )
    truth = unseen.grey.flatten(1).numpy()
    for count in counts:
        grey = examples.grey[:count].flatten(1).numpy()
        found = np.clip(fit_pictures(heard[:count], grey, intercepted), 0.0, 1.0)
        yield LearnedPoint(
            count,
            _psnr(found, truth),
            _psnr(np.broadcast_to(grey.mean(0), truth.shape), truth),
            found[:shown].reshape(-1, *unseen.grey.shape[1:]),
        )


def _heard(plug_in: PlugIn | None, messages: Messages, snr_db: float, fresh: bool, first: int) -> np.ndarray:
    keys = []
    if plug_in is not None:
        fixed = lab_key(plug_in, 0)
        keys = [lab_key(plug_in, 0, first + k) if fresh else fixed for k in range(len(messages))]
    s: Tensor = pack(messages.z)
    return hear(s, plug_in, keys, snr_db, first).equalise().numpy()


def _real(symbols: np.ndarray) -> np.ndarray:
    return np.concatenate([symbols.real, symbols.imag], axis=1).astype(np.float64)


def _leave_one_out(values: np.ndarray, axes: np.ndarray, targets: np.ndarray, penalty: float) -> float:
    """Mean squared error on each example when it alone is left out, without fitting again."""
    kept = penalty / (values + penalty)
    residual = axes @ (kept[:, None] * targets)
    left = (axes**2) @ kept
    return float(((residual / left[:, None]) ** 2).mean())


def _psnr(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(-10.0 * np.log10(np.maximum(((found - truth) ** 2).mean(1), 1e-12))))


def grey_rows(messages: Messages, count: int) -> np.ndarray:
    """The first pictures (k,28,28) as they are."""
    return torch.clone(messages.grey[:count]).numpy()
