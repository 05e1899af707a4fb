"""Wireless channels in complex baseband, and the receiver's equaliser.

Convention, everywhere in this project: symbols ``x`` have ``E|x|^2 = 1`` per complex symbol;
the received signal is ``y = h x + n`` with ``E|h|^2 = 1`` and ``n ~ CN(0, sigma2)``,
``sigma2 = 1/SNR``, i.e. variance ``sigma2/2`` on each of I and Q. SNR in dB is
``10 log10(E|x|^2 / E|n|^2)``: the *mean* SNR of a fading channel. (IBAL's code puts the whole
``sigma2`` on a label 3 dB lower; its "7 dB" is 10 dB here.)

Randomness comes from the ``torch.Generator`` that the caller passes, never from torch's
process-wide generator, so that sessions in one server cannot disturb each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Fading = Callable[[int, int, torch.Generator], Tensor]


def complex_normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Circularly symmetric ``CN(0, 1)`` samples, complex64, on the generator's device."""
    device = generator.device
    real = torch.randn(shape, generator=generator, device=device)
    imag = torch.randn(shape, generator=generator, device=device)
    return torch.complex(real, imag) / math.sqrt(2.0)


def noise_variance(snr_db: float | Tensor) -> Tensor:
    """``sigma2 = E|n|^2 = 1/SNR`` per complex symbol, as float32."""
    return 10.0 ** (-torch.as_tensor(snr_db, dtype=torch.float32) / 10.0)


@dataclass(frozen=True)
class Channel:
    """A fading law and what the receiver knows of it.

    Attributes:
        name: registry key.
        fading: ``(batch, n, generator) -> h``, complex ``(batch, 1)`` for one coefficient an
            image (block fading) or ``(batch, n)`` for one a symbol.
        csi: whether the receiver knows ``h`` (perfect channel state information).
        trained: whether the codecs were trained on this channel; pages say so where not.
    """

    name: str
    fading: Fading
    csi: bool = True
    trained: bool = True


@dataclass(frozen=True)
class Received:
    """What one antenna has: samples ``y`` (B,n), its own ``h`` (B,1 or B,n), noise power.

    Attributes:
        sigma2: noise power per complex symbol, scalar or (B,1).
        csi: whether ``h`` is known to this receiver; ``equalise`` ignores ``h`` if not.
    """

    y: Tensor
    h: Tensor
    sigma2: Tensor
    csi: bool = True

    def equalise(self) -> Tensor:
        r"""Linear MMSE estimate of the symbols, ``ŝ = h* y / (|h|² + σ²)``, (B,n) complex.

        The same rule on every channel: with AWGN ``h = 1``, so ŝ is ``y`` shrunk by
        ``1/(1+σ²)``, and a block-fading link at gain ``|h|²`` looks exactly like an AWGN link
        at ``SNR·|h|²``. Without CSI the receiver can only act as if ``h = 1``.
        """
        if not self.csi:
            return self.y / (1.0 + self.sigma2)
        return self.h.conj() * self.y / (self.h.abs().square() + self.sigma2)

    def effective(self) -> tuple[Tensor, Tensor]:
        r"""What :meth:`equalise` did to the signal: ``ŝ ≈ gain · (s + noise)``.

        Returns:
            gain (B,), the mean of ``|h|²/(|h|²+σ²)`` over an image's symbols, and the variance of
            the noise (B,) relative to unit signal power; for block fading ``σ²/|h|²``, exactly.
        """
        power = torch.ones_like(self.h.real) if not self.csi else self.h.abs().square()
        gain = (power / (power + self.sigma2)).mean(1)
        error = (self.sigma2 / (power + self.sigma2)).mean(1)
        return gain, error / gain


def _no_fading(batch: int, n: int, generator: torch.Generator) -> Tensor:
    return torch.ones(batch, 1, dtype=torch.complex64, device=generator.device)


def _block_rayleigh(batch: int, n: int, generator: torch.Generator) -> Tensor:
    return complex_normal((batch, 1), generator)


def _symbol_rayleigh(batch: int, n: int, generator: torch.Generator) -> Tensor:
    return complex_normal((batch, n), generator)


RICIAN_K = 4.0
"""Rician factor: power of the line-of-sight path over the scattered power (6 dB)."""


def _block_rician(batch: int, n: int, generator: torch.Generator) -> Tensor:
    line_of_sight = math.sqrt(RICIAN_K / (RICIAN_K + 1.0))
    return line_of_sight + complex_normal((batch, 1), generator) / math.sqrt(RICIAN_K + 1.0)


CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel("awgn", _no_fading),
        Channel("rayleigh", _block_rayleigh),
        Channel("rician", _block_rician),
        Channel("rayleigh_per_symbol", _symbol_rayleigh, trained=False),
        Channel("rayleigh_no_csi", _block_rayleigh, csi=False, trained=False),
    )
}


def propagate(channel: Channel, x: Tensor, snr_db: float | Tensor, generator: torch.Generator) -> Received:
    """Send symbols through a channel: ``y = h x + n``.

    Args:
        x: complex symbols (B,n), ``E|x|^2 = 1``.
        snr_db: mean SNR in dB, a number or a tensor (B,1) with one value an image.
        generator: source of ``h`` and ``n``; drawn in that order.
    """
    batch, n = x.shape
    sigma2 = noise_variance(snr_db).to(x.device)
    h = channel.fading(batch, n, generator)
    noise = complex_normal((batch, n), generator) * sigma2.sqrt()
    return Received(h * x + noise, h, sigma2, channel.csi)
