"""The channels that everything is trained through: every SNR, with and without fading."""

from __future__ import annotations

import torch
from torch import Tensor

from semcom_core.channels import CHANNELS, Received, propagate

SNR_RANGE_DB = (0.0, 25.0)


def random_snr(batch: int, generator: torch.Generator) -> Tensor:
    """One SNR in dB for each image, (B,1), uniform over :data:`SNR_RANGE_DB`."""
    return torch.empty(batch, 1, device=generator.device).uniform_(*SNR_RANGE_DB, generator=generator)


def random_reception(x: Tensor, generator: torch.Generator, snr_db: Tensor | None = None) -> Received:
    """Symbols (B,n) through a random channel, as every receiver and attacker is trained.

    Half of the batch sees AWGN, half block Rayleigh fading.

    Args:
        snr_db: (B,1); drawn by :func:`random_snr` if omitted.
    """
    if snr_db is None:
        snr_db = random_snr(len(x), generator)
    received = propagate(CHANNELS["rayleigh"], x, snr_db, generator)
    awgn = torch.arange(len(x), device=x.device)[:, None] % 2 == 0
    h = torch.where(awgn, torch.ones_like(received.h), received.h)
    return Received(received.y + (h - received.h) * x, h, received.sigma2)
