"""One picture over a range of SNRs: how receiver and attacker do over many noise draws."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeySource
from semcom_core.link import Encoded, LinkModels, Reading, eavesdrop, receive, send
from semcom_core.settings import LinkSettings

SNRS_DB = tuple(range(-5, 26, 2))
DRAWS = 20


@dataclass(frozen=True)
class SweepPoint:
    """Means over the noise draws at one SNR.

    Attributes:
        snr_db: SNR at both antennas.
        draws: number of noise draws.
        receiver_accuracy: share of draws in which the receiver reads the class.
        attacker_accuracy: the same for the attacker's own reading; ``None`` if it makes none.
        attacker_picture_accuracy: share in which the judge sees the class in its picture, if it has one.
        receiver_psnr, attacker_psnr: in dB, at native size; ``None`` without a picture.
    """

    snr_db: float
    draws: int
    receiver_accuracy: float
    attacker_accuracy: float | None
    attacker_picture_accuracy: float | None
    receiver_psnr: float | None
    attacker_psnr: float | None


@torch.inference_mode()
def sweep_point(
    models: LinkModels,
    encoded: Encoded,
    settings: LinkSettings,
    source: KeySource,
    known: Encoded | None,
    truth: int,
    snr_db: float,
    draws: int = DRAWS,
) -> SweepPoint:
    """One point: the same message sent ``draws`` times, both antennas at ``snr_db``.

    Every point of a sweep uses the same draws (they come from ``settings.seed``), so a curve
    shows the SNR and not the luck of each point.

    Args:
        encoded: one picture.
        known: see :func:`semcom_core.link.eavesdrop`.
        truth: the class that counts as right.
    """
    settings = replace(settings, snr_db=snr_db, eve_snr_db=None)
    batch = Encoded(
        encoded.native.expand(draws, -1, -1, -1), encoded.symbols.expand(draws, -1), encoded.digests * draws
    )
    sent = send(batch, settings, source, models.parts)
    receiver = receive(models, batch, sent, settings).reading
    attacker = eavesdrop(models, batch, sent, settings, source, known).reading
    return SweepPoint(
        snr_db,
        draws,
        _accuracy(receiver.logits, truth),
        None if attacker.logits is None else _accuracy(attacker.logits, truth),
        None if attacker.judged is None else _accuracy(attacker.judged, truth),
        _mean_psnr(receiver),
        _mean_psnr(attacker),
    )


def _accuracy(logits: Tensor, truth: int) -> float:
    return float((logits.argmax(1) == truth).float().mean())


def _mean_psnr(reading: Reading) -> float | None:
    return None if reading.psnr is None else float(reading.psnr.mean())
