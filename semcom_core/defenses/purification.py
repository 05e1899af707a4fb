r"""Purification: the sender diffuses, the receiver denoises, and what an attacker added is washed out between.

J. Ren, J. Wu, H. Xu, B. Chen, "diffusing at the sender, denoising at the receiver", IEEE
BigDataSecurity 2024, 130–134, and DiffuSeC (Ren, Wu, Xu, Pan, arXiv 2310.19439); only the abstracts
were available. The mechanism is that of :mod:`semcom_core.defenses.diffsem`, its networks too:

::

    s ─ SelfNoise(sigma) ─ x ─(+δ: attack on the air)─ channel ─ ŝ ─ Denoise(steps) ─ tuned classifier

The sender diffuses to the level that, with the channel's noise, is ``1/(1+sigma²)`` at the receiver;
the receiver therefore denoises from further away than the sender diffused ("asymmetric"). DiffuSeC
picks the number of steps by reinforcement learning; here a table over the SNR is measured on
held-out pictures (:mod:`semcom_core.evaluation.purification`). The denoiser is not told a first
guess of the class: under attack that guess is what the attacker wants. Everything is
differentiable, through every step, and an attacker is assumed to make use of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semcom_core.codecs.repobe import RepObECodec
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.diffsem import Denoise, DiffSemReceiver, SelfNoise
from semcom_core.networks.denoiser import DiffSemNetworks


@dataclass(frozen=True)
class Level:
    """How far to diffuse and in how many steps to come back, at one SNR.

    Attributes:
        snr_db: mean SNR that it was chosen for.
        sigma: standard deviation of the noise that the receiver finds, relative to the signal.
        steps: denoiser calls.
    """

    snr_db: float
    sigma: float
    steps: int


def level_at(table: Sequence[Level], snr_db: float) -> Level:
    """The entry of a table whose SNR is nearest.

    Raises:
        ValueError: the table is empty.
    """
    if not table:
        raise ValueError("Without a measured table there is no level to purify at.")
    return min(table, key=lambda level: abs(level.snr_db - snr_db))


def purifier(networks: DiffSemNetworks, codec: RepObECodec, level: Level, snr_db: float) -> tuple[PlugIn, ...]:
    """The chain of plug-ins; its receiver is :func:`receiver`.

    Args:
        snr_db: mean SNR of the link, which the sender makes room for.
    """
    denoise = Denoise(networks, codec.classifier, level.steps, labels=False)
    return denoise, SelfNoise(level.sigma, snr_db)


def receiver(networks: DiffSemNetworks, codec: RepObECodec) -> DiffSemReceiver:
    """The codec with the classifier that was tuned for denoised features."""
    return DiffSemReceiver(codec, networks)
