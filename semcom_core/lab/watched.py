"""White-box inversion of one overheard message, step by step, small enough to keep and to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core import link
from semcom_core.attacks.white_box import white_box
from semcom_core.channels import CHANNELS, propagate
from semcom_core.ciphers.keys import KeySource
from semcom_core.link import LinkModels
from semcom_core.metrics import psnr
from semcom_core.settings import LinkSettings


@dataclass(frozen=True)
class Look:
    """The attacker's picture after some steps.

    Attributes:
        step: steps done.
        picture: uint8 (n,n,C).
        mismatch: squared distance between what its picture would send and what was overheard, a symbol.
        psnr: against the picture sent, dB.
        judged: the judge's class probabilities for it (K,).
    """

    step: int
    picture: np.ndarray
    mismatch: float
    psnr: float
    judged: np.ndarray


def watch(models: LinkModels, native: Tensor, settings: LinkSettings, steps: int, stride: int) -> Iterator[Look]:
    """Send one prepared picture (1,C,n,n), overhear it, and search for it.

    Args:
        stride: looks are this many steps apart; between two, the generator works without a word.

    Raises:
        ValueError: the defense has a key, or its encoder gives no gradients.
    """
    source = KeySource.published()
    encoded = link.encode(models, native)
    sent = link.send(encoded, settings, source, models.parts)
    air = link.generator(settings.seed, "eve")
    heard = propagate(CHANNELS[settings.channel], sent.x, settings.chosen_eve_snr_db, air)
    for attempt in white_box(models.codec, models.domain, heard, sent.chain, steps):
        if attempt.step % stride == 0 or attempt.step == steps:
            yield _look(models, native, attempt.step, attempt.picture, float(attempt.distance[0]))


@torch.no_grad()
def _look(models: LinkModels, native: Tensor, step: int, picture: Tensor, mismatch: float) -> Look:
    pixels = (picture[0] * 255).round().byte().permute(1, 2, 0).numpy()
    judged = torch.softmax(models.judge(picture)[0].float(), dim=0).numpy()
    return Look(step, pixels, mismatch, float(psnr(picture, native)[0]), judged)
