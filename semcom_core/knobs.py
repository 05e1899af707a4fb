"""What can be turned without training, tried on a few sample pictures at once.

A trial is a demonstration on ten pictures, one of each class, sent once; measured accuracies on
thousands of pictures are in the grid (:mod:`semcom_core.evaluation.grid`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import link, samples
from semcom_core.bandwidth import first_symbols
from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.codecs.base import IdealCodec
from semcom_core.defenses import Defense
from semcom_core.domains import DOMAINS
from semcom_core.link import Encoded, LinkModels, Reading
from semcom_core.settings import LinkSettings

SHARE = "share"
LOOK_SIDE = 112
"""Larger pictures are kept at this side: they are looked at side by side, and many outcomes are kept."""


@dataclass(frozen=True)
class Trial:
    """Settings of a transmission, and how much of each message is sent.

    Attributes:
        share: of the symbols, the first ones; in (0,1].
    """

    settings: LinkSettings
    share: float = 1.0

    def turned(self, knob: str, value: Any) -> Trial:
        """The same trial with one knob in another position."""
        if knob == SHARE:
            return replace(self, share=value)
        return replace(self, settings=replace(self.settings, **{knob: value}))

    def uses(self, n: int) -> int:
        """How many of n symbols are sent; one at least."""
        return max(1, round(self.share * n))


@dataclass(frozen=True)
class Knob:
    """Something to turn.

    Attributes:
        name: field of :class:`LinkSettings`, or :data:`SHARE`.
        values: positions of a sweep.
        heeded: whether a defense heeds it.
    """

    name: str
    values: tuple[Any, ...]
    heeded: Callable[[Defense], bool] = lambda defense: True


KNOBS: dict[str, Knob] = {
    knob.name: knob
    for knob in (
        Knob("snr_db", (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)),
        Knob("eve_snr_db", (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)),
        Knob(SHARE, (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0), lambda defense: defense.codec != "jpeg2000"),
        Knob("noise", (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0), lambda defense: defense.uses_noise),
        Knob("steps", (0, 1, 2, 4, 10), lambda defense: defense.uses_steps),
        Knob("policy", tuple(reversed(KeyPolicy)), lambda defense: defense.keyed),
    )
}


@dataclass(frozen=True, eq=False)
class Side:
    """What one party has of the pictures.

    Attributes:
        reads: its class for each (B,); an attacker's without a reading of its own is the judge's for
            its picture; ``None`` if it has neither.
        accuracy: share of right ones.
        looks: its pictures, uint8 (B,n,n,C), at most :data:`LOOK_SIDE` a side, or ``None``.
        psnr: their mean, dB.
    """

    reads: np.ndarray | None
    accuracy: float | None
    looks: np.ndarray | None
    psnr: float | None


@dataclass(frozen=True, eq=False)
class Outcome:
    """One trial: symbols sent for each picture, and both parties."""

    uses: int
    receiver: Side
    attacker: Side


@lru_cache(maxsize=len(DOMAINS))
def pictures(domain: str) -> tuple[Tensor, Tensor]:
    """The first sample of each class, prepared: (10,C,n,n) and labels (10,)."""
    firsts = {one.label: one.key for one in reversed(samples.samples(domain)) if one.label is not None}
    native = [DOMAINS[domain].prepare(samples.render(domain, firsts[label])).native for label in sorted(firsts)]
    return torch.stack(native), torch.tensor(sorted(firsts))


def attempt(
    models: LinkModels, encoded: Encoded, labels: Tensor, trial: Trial, known: Encoded | None = None
) -> Outcome:
    """Send all pictures once under one trial, with the published demo key.

    Args:
        encoded: the pictures after stage 1.
        known: see :func:`semcom_core.link.eavesdrop`.

    Raises:
        ValueError: a part of the symbols of an ideal code, which has none to leave out.
    """
    settings, source = trial.settings, KeySource.published()
    if isinstance(models.codec, IdealCodec) and trial.share < 1.0:
        raise ValueError("An ideal code cannot be cut: its rate follows from the whole message.")
    sent = link.send(encoded, settings, source, models.parts)
    uses = trial.uses(sent.x.shape[1])
    bob = _heard(sent.x, uses, settings.channel, settings.snr_db, link.generator(settings.seed, "bob"))
    eve = _heard(sent.x, uses, settings.channel, settings.chosen_eve_snr_db, link.generator(settings.seed, "eve"))
    receiver = link.decode_reception(models, encoded.native, sent, bob).reading
    attacker = link.eavesdrop(models, encoded, sent, settings, source, known, eve).reading
    return Outcome(uses, _side(receiver, labels), _side(attacker, labels))


@torch.inference_mode()
def _heard(x: Tensor, uses: int, channel: str, snr_db: float, generator: torch.Generator) -> Received:
    return first_symbols(propagate(CHANNELS[channel], x[:, :uses], snr_db, generator), x.shape[1])


def _side(reading: Reading, labels: Tensor) -> Side:
    logits = reading.judged if reading.logits is None else reading.logits
    reads = None if logits is None else logits.argmax(1)
    accuracy = None if reads is None else float((reads == labels).float().mean())
    if reading.native is None:
        return Side(None if reads is None else reads.numpy(), accuracy, None, None)
    return Side(None if reads is None else reads.numpy(), accuracy, pixels(reading.native), float(reading.psnr.mean()))


def pixels(native: Tensor) -> np.ndarray:
    """Pictures (B,C,n,n) in [0,1] for looking at: uint8 (B,m,m,C), m at most :data:`LOOK_SIDE`."""
    if native.shape[-1] > LOOK_SIDE:
        native = F.adaptive_avg_pool2d(native, LOOK_SIDE)
    return (native.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
