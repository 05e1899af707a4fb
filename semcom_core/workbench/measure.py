"""What a small link does on given pictures: receiver's and attacker's figures and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.base import undo
from semcom_core.bandwidth import first_symbols
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.base import Decoded
from semcom_core.codecs.small import SmallCodec
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.metrics import psnr
from semcom_core.networks.small import SmallInversion
from semcom_core.training.prototypes import single_step

SNR_DB = 10.0
"""Where a run is measured, on AWGN, unless the caller says otherwise."""
SWEEP_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)
_PART = 500


@dataclass(frozen=True, eq=False)
class Small:
    """A small link with its attacker and the noise that its sender adds."""

    codec: SmallCodec
    attacker: SmallInversion
    sigma: float


@dataclass(frozen=True, eq=False)
class Party:
    """One party's side of a measurement.

    Attributes:
        accuracy: share of right classes.
        confidence: mean probability that it gives to its own answer.
        psnr: mean over the pictures, dB; ``None`` for a receiver that only names the class.
        looks: uint8 (10,28,28), its picture of the first digit of each class, or ``None``.
        reads: what it reads in these (10,).
        own_class, own_picture: whether by networks of its own; an attacker may do better with the receiver's.
    """

    accuracy: float
    confidence: float
    psnr: float | None
    looks: np.ndarray | None
    reads: np.ndarray
    own_class: bool = True
    own_picture: bool = True


@dataclass(frozen=True, eq=False)
class Figures:
    """Receiver and attacker on the same messages, each at its own antenna.

    No key stands between them, so the attacker has the receiver's networks as well as its own: of
    the two it takes whichever is better on these pictures, for the class and for the picture.
    """

    receiver: Party
    attacker: Party


@dataclass(frozen=True)
class Point:
    """Accuracy and picture quality of both parties at one place of a sweep."""

    at: float
    receiver: float
    attacker: float | None = None
    receiver_psnr: float | None = None
    attacker_psnr: float | None = None


@torch.inference_mode()
def measure(
    small: Small,
    images: Tensor,
    labels: Tensor,
    snr_db: float = SNR_DB,
    channel: str = "awgn",
    uses: int | None = None,
    seed: int = 0,
) -> Figures:
    """Send pictures (N,1,28,28) once; both antennas have the same mean SNR, noise and fading of their own.

    Args:
        uses: only the first so many symbols are sent; all if omitted.
        seed: of the noise: the same for every run, so that runs compare.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = [_transmit(small, part, snr_db, channel, uses, generator) for part in images.split(_PART)]
    bob, stolen, own = (_party([part[who] for part in parts], images, labels) for who in range(3))
    reader = max(own, stolen, key=lambda one: one.accuracy)
    painter = max((one for one in (own, stolen) if one.psnr is not None), key=lambda one: one.psnr)
    eve = replace(reader, psnr=painter.psnr, looks=painter.looks, own_class=reader is own, own_picture=painter is own)
    return Figures(bob, eve)


def _party(parts: Sequence[Decoded], images: Tensor, labels: Tensor) -> Party:
    logits, shown = torch.cat([part.logits for part in parts]), first_of_each_class(labels)
    answers = logits.argmax(1)
    quality, looks = None, None
    if parts[0].image is not None:
        pictures = torch.cat([part.image for part in parts])
        quality, looks = float(psnr(pictures, images).mean()), pixels(pictures[shown])
    return Party(
        float((answers == labels).float().mean()),
        float(logits.softmax(1).amax(1).mean()),
        quality,
        looks,
        answers[shown].numpy(),
    )


def _transmit(
    small: Small, images: Tensor, snr_db: float, channel: str, uses: int | None, generator: torch.Generator
) -> tuple[Decoded, Decoded, Decoded]:
    """What the receiver makes of its reception, and the attacker of its own: by the receiver's networks, by its own."""
    bob, eve = _antennas(small, small.codec.encode(images), snr_db, channel, uses, generator)
    logits, picture = small.attacker(*eve)
    return small.codec.decode(*bob), small.codec.decode(*eve), Decoded(picture, logits)


def _antennas(
    small: Small, s: Tensor, snr_db: float, channel: str, uses: int | None, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Bob's and Eve's estimates of the symbols with their noise."""
    noise = AdditiveNoise(small.sigma)
    x = noise.protect(s, (), generator)[:, :uses]
    for _ in range(2):
        received = first_symbols(propagate(CHANNELS[channel], x, snr_db, generator), s.shape[1])
        yield undo(received.equalise(), (noise,), ((),), received.effective()[1])


def sweep_snr(small: Small, images: Tensor, labels: Tensor, channel: str = "awgn") -> list[Point]:
    """Both parties over SNR."""
    return [_point(snr_db, measure(small, images, labels, snr_db, channel)) for snr_db in SWEEP_DB]


def sweep_bandwidth(small: Small, images: Tensor, labels: Tensor) -> list[Point]:
    """Both parties over the number of symbols sent: the first m of n."""
    n = small.codec.channel_uses
    counts = sorted({max(1, round(n * share)) for share in (0.0625, 0.125, 0.25, 0.5, 0.75, 1.0)})
    return [_point(m, measure(small, images, labels, uses=m)) for m in counts]


def _point(at: float, figures: Figures) -> Point:
    ours, theirs = figures.receiver, figures.attacker
    return Point(at, ours.accuracy, theirs.accuracy, ours.psnr, theirs.psnr)


def sweep_epsilon(small: Small, images: Tensor, labels: Tensor, epsilons: Sequence[float]) -> list[Point]:
    """Receiver's accuracy over the largest change of a pixel by a single-step attack; pictures are not rebuilt."""
    return [Point(epsilon, accuracy_under_attack(small, images, labels, epsilon)) for epsilon in epsilons]


def accuracy_under_attack(small: Small, images: Tensor, labels: Tensor, epsilon: float, seed: int = 0) -> float:
    """Receiver's accuracy at 10 dB on pictures changed by a single gradient step of size epsilon.

    A weak attack: stronger ones break more. The attacker's gradient and the scored transmission
    see different noise.
    """
    generator = torch.Generator().manual_seed(seed)

    def classify(pictures: Tensor) -> Tensor:
        bob = next(_antennas(small, small.codec.encode(pictures), SNR_DB, "awgn", None, generator))
        return small.codec.classify(*bob)

    right = 0
    for pictures, truth in zip(images.split(_PART), labels.split(_PART), strict=True):
        attacked = single_step(classify, pictures, truth, epsilon, generator)
        with torch.inference_mode():
            right += int((classify(attacked).argmax(1) == truth).sum())
    return right / len(labels)


def first_of_each_class(labels: Tensor) -> Tensor:
    """Index of the first picture of each class, in the order of the classes."""
    return torch.stack([(labels == y).int().argmax() for y in labels.unique()])


def pixels(pictures: Tensor) -> np.ndarray:
    """Pictures (B,1,28,28) in [0,1] as uint8 (B,28,28)."""
    return (pictures[:, 0].clamp(0, 1) * 255).round().byte().numpy()
