"""What an experiment of a lesson found: pictures with their readings, and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from semcom_core.figures import feature_tiles
from semcom_core.link import Reading

SCALE = 3.0
"""Feature maps are drawn from −3 (orange) to +3 (purple)."""


@dataclass(frozen=True)
class Answer:
    """A class, the probability given to it, and whether it is the true one."""

    label: int
    probability: float
    right: bool


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture of a reveal.

    Attributes:
        name: ``<run>.<party>``.
        pixels: uint8 (n,n), (n,n,3) or (n,n,4), or ``None`` where a party has no picture.
        read: the party's own class, if it names one.
        judged: what the judge of clean pictures says of the picture.
        psnr: against the sent picture, in dB.
    """

    name: str
    pixels: np.ndarray | None
    read: Answer | None = None
    judged: Answer | None = None
    psnr: float | None = None


@dataclass(frozen=True)
class Source:
    """Where measured numbers come from: the data in words, how many pictures, and the command that made them."""

    model: str
    data: str
    images: int
    command: str


@dataclass
class Evidence:
    """Everything that one experiment found; grows while it runs.

    Attributes:
        numbers: by name, as claims and sentences use them; a truth is 1 or 0.
        labels: classes by name, for the sentences.
        sources: of the measured numbers.
    """

    truth: int
    shots: dict[str, Shot] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)

    def answer(self, logits: Tensor | None) -> Answer | None:
        """The first picture's class from logits (B,K)."""
        if logits is None:
            return None
        values = logits[0].float().softmax(0)
        best = int(values.argmax())
        return Answer(best, float(values[best]), best == self.truth)

    def add(self, name: str, reading: Reading) -> None:
        """A party's reading of one picture: shot, numbers and labels under ``<run>_<party>``."""
        read, judged = self.answer(reading.logits), self.answer(reading.judged)
        pixels = None if reading.native is None else as_pixels(reading.native[0])
        psnr = None if reading.psnr is None else float(reading.psnr[0])
        self.shots[name] = Shot(name, pixels, read, judged, psnr)
        key = name.replace(".", "_")
        if read is not None:
            self.labels[key] = read.label
            self.numbers |= {f"{key}_right": float(read.right), f"{key}_sure": 100 * read.probability}
        if judged is not None:
            self.labels[f"{key}_judge"] = judged.label
            self.numbers[f"{key}_judge_right"] = float(judged.right)
        if psnr is not None:
            self.numbers[f"{key}_psnr"] = psnr

    def picture(self, name: str, native: Tensor) -> None:
        """A picture (C,n,n) without a reading."""
        self.shots[name] = Shot(name, as_pixels(native))

    def maps(self, name: str, features: Tensor) -> None:
        """Feature maps (A,h,w), drawn as tiles."""
        self.shots[name] = Shot(name, feature_tiles(features.numpy(), SCALE))


def as_pixels(native: Tensor) -> np.ndarray:
    """A picture (C,n,n) in [0,1] as uint8 (n,n) or (n,n,3)."""
    pixels = (native.clamp(0.0, 1.0) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
