"""What one party got over many pictures: one class and a few numbers an image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from semcom_core.link import Reading


@dataclass
class Collected:
    """Columns that grow by one chunk of pictures at a time.

    Attributes:
        own, judge: the class that the party named, and that the judge named on its picture.
        psnr, ssim, mse: of the party's picture against the sent one, at native size, in [0,1].
        keys: share of the key entries found, by a party that looks for keys.
    """

    own: list[Tensor] = field(default_factory=list)
    judge: list[Tensor] = field(default_factory=list)
    psnr: list[Tensor] = field(default_factory=list)
    ssim: list[Tensor] = field(default_factory=list)
    mse: list[Tensor] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)

    def add(self, reading: Reading, native: Tensor, key_agreement: float | None = None) -> None:
        """One chunk: a party's reading of the pictures ``native`` (B,C,n,n)."""
        if reading.logits is not None:
            self.own.append(reading.logits.argmax(1))
        if reading.native is not None:
            self.judge.append(reading.judged.argmax(1))
            self.psnr.append(reading.psnr)
            self.ssim.append(reading.ssim)
            self.mse.append(mse(reading.native, native))
        if key_agreement is not None:
            self.keys += [key_agreement] * len(native)

    def column(self, name: str) -> np.ndarray | None:
        """One of the attributes over all pictures, (N,); ``None`` if the party has no such thing."""
        parts = getattr(self, name)
        return torch.cat(parts).numpy() if parts else None


def mse(picture: Tensor, native: Tensor) -> Tensor:
    """Mean squared error of each image, (B,C,n,n) in [0,1] -> (B,)."""
    return (picture - native).square().flatten(1).mean(1)


def rounded(interval: tuple[float, float]) -> list[float]:
    """An interval as it is written to a file."""
    return [round(bound, 5) for bound in interval]
