"""Digits to train a small link on: the first ones of MNIST, or drawn by this program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from semcom_core import datasets
from semcom_core.datasets import ArrayDataset
from semcom_core.drawing import digits
from semcom_core.training.augment import AUGMENT, plain
from semcom_core.workbench.settings import DRAWN, LIMITS, MNIST

HELD_OUT = 1000
"""Held-out pictures that every figure of a run is measured on."""
GLYPHS = 240
"""Glyphs that are drawn stroke by stroke; each warp of one is another picture."""
_HELD_OUT_SHARE = 4
"""One of so many glyphs is kept for the held-out pictures: no warp of it is trained on."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """What one run learns from and is measured on.

    Attributes:
        name: ``"mnist"`` or ``"drawn"``.
        images, held_out: float32 (N,1,28,28) in [0,1]; held-out pictures are from the training set, too.
        labels, held_out_labels: int64 (N,).
    """

    name: str
    images: Tensor
    labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor


def default() -> str:
    """MNIST where it can be read without the network, else drawn digits."""
    return MNIST if datasets.at_hand("digits") else DRAWN


def load(name: str, images: int) -> Pictures:
    """Pictures of one kind; the first ``images`` of the training split, shared by all runs and never changed.

    Raises:
        DataUnavailable: MNIST cannot be read.
    """
    whole = _whole(name)
    return replace(whole, images=whole.images[:images], labels=whole.labels[:images])


@lru_cache(maxsize=2)
def _whole(name: str) -> Pictures:
    most = int(LIMITS["images"][1])
    if name == MNIST:
        train, held_out = (
            datasets.first("digits", split, count) for split, count in (("train", most), ("held_out", HELD_OUT))
        )
        return Pictures(name, *_tensors(train), *_tensors(held_out))
    glyphs = drawn_glyphs()
    apart = np.arange(len(glyphs)) // 20 % _HELD_OUT_SHARE == _HELD_OUT_SHARE - 1  # all digits, both hands
    train, held_out = glyphs.take(np.flatnonzero(~apart)), glyphs.take(np.flatnonzero(apart))
    return Pictures(DRAWN, *_warped(train, most, seed=0), *_warped(held_out, HELD_OUT, seed=1))


def report_pictures(count: int) -> tuple[Tensor, Tensor]:
    """The first pictures of MNIST's test set and their labels: for reporting only.

    Raises:
        DataUnavailable: MNIST cannot be read.
    """
    return _tensors(datasets.first("digits", "report", count))


@lru_cache(maxsize=1)
def drawn_glyphs() -> ArrayDataset:
    """:data:`GLYPHS` drawn digits, 20 after 20: ten digits in two hands, with unsteady pens of all widths."""
    drawn = list(_draw())
    return ArrayDataset(np.stack([image for image, _ in drawn]), np.array([label for _, label in drawn]))


def _draw() -> Iterator[tuple[np.ndarray, int]]:
    hands = [(hand[str(digit)], digit) for hand in digits.HANDS.values() for digit in range(10)]
    rng = np.random.default_rng(0)
    for number in range(GLYPHS):
        glyph, digit = hands[number % len(hands)]
        height, width, angle = rng.uniform(17, 21), rng.uniform(1.6, 3.2), rng.uniform(-8, 8)
        ink = digits.coverage(glyph, (28, 28), height, width, angle, seed=number)
        yield np.rint(255 * ink).astype(np.uint8), digit


def _warped(glyphs: ArrayDataset, count: int, seed: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    index = rng.permutation(np.resize(np.arange(len(glyphs)), count))
    return AUGMENT["digits"](glyphs.images[index], 28, rng), torch.from_numpy(glyphs.labels[index])


def _tensors(part: ArrayDataset) -> tuple[Tensor, Tensor]:
    return plain("digits", part.images, 28), torch.from_numpy(part.labels)
