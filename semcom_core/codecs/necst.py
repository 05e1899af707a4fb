"""NECST: a codec that sends bits and is trained through the bit errors of the channel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from semcom_core.codecs.base import Codec, Decoded
from semcom_core.networks.blocks import ResBlock, conv3x3

PLANES, GRID = 16, 14
BITS = PLANES * GRID * GRID
"""3,136 bits a picture: as many as RepObE's 1,568 complex uses carry with QPSK."""
SUMMARY = 16
"""Numbers that describe a whole picture and reach every bit."""


def bit_error_rate(noise: Tensor) -> Tensor:
    """Error rate of a QPSK bit, ``Q(√(|h|²·SNR))``, from the relative noise variance ``σ²/|h|²``, any shape."""
    return 0.5 * torch.special.erfc((0.5 / noise.clamp_min(1e-12)).sqrt())


def modulate(bits: Tensor) -> Tensor:
    """Bits (B,2n) to QPSK symbols (B,n), ``E|s|² = 1``: the first half on I, the second on Q; a 1 is negative."""
    real, imag = ((1.0 - 2.0 * bits.float()) / math.sqrt(2.0)).chunk(2, dim=1)
    return torch.complex(real, imag)


def demodulate(symbols: Tensor) -> Tensor:
    """Hard decisions on I and Q: symbols (B,n) to bits (B,2n), float32 in {0,1}."""
    return (torch.cat([symbols.real, symbols.imag], dim=1) < 0).float()


class BitEncoder(nn.Module):
    r"""Logits of the bits: a local map plus a summary of the whole picture.

    ::

        picture ─ conv/2 ─ ResBlock ─┬─ conv1×1 16 ──────────────────────── 16×14×14 ─(+)─ logits
                                     └─ conv/2 ─ FC 16 ─ ReLU ─ FC 3136 ───────────────┘

    Through heavy noise only what the whole code repeats survives; the summary makes that possible.

    Shape: ``(B,1,28,28) -> (B,3136)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv3x3(1, 32, 2), nn.BatchNorm2d(32), nn.ReLU(), ResBlock(32, 32))
        self.local = nn.Conv2d(32, PLANES, 1)
        self.reduce = nn.Sequential(conv3x3(32, 32, 2), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())
        self.summary = nn.Sequential(nn.Linear(32 * 49, SUMMARY, bias=False), nn.BatchNorm1d(SUMMARY), nn.ReLU())
        self.spread = nn.Linear(SUMMARY, BITS, bias=False)
        with torch.no_grad():  # a bit that is undecided at first is noise to the decoder, and stays noise
            self.local.weight.mul_(8.0)

    def forward(self, image: Tensor) -> Tensor:
        F = self.stem(image)
        return self.local(F).flatten(1) + self.spread(self.summary(self.reduce(F)))


class BitDecoder(nn.Module):
    r"""Received bits to a picture and class logits; again a local and a global way.

    Shape: ``(B,3136) in [−1,1] -> (B,1,28,28), (B,classes)``.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.gather = nn.Sequential(nn.Linear(BITS, SUMMARY, bias=False), nn.BatchNorm1d(SUMMARY), nn.ReLU())
        self.read = nn.Sequential(conv3x3(PLANES, 32), nn.BatchNorm2d(32), nn.ReLU(), ResBlock(32, 64, 2))
        self.classify = nn.Linear(64 + SUMMARY, classes)
        self.sketch = nn.Linear(SUMMARY, 4 * GRID * GRID)
        self.paint = nn.Sequential(
            conv3x3(PLANES + 4, 32), nn.BatchNorm2d(32), nn.ReLU(),
            conv3x3(32, 32), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 4, 3, 1, 1), nn.PixelShuffle(2),
        )  # fmt: skip

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        summary = self.gather(y)
        planes = y.reshape(-1, PLANES, GRID, GRID).contiguous(memory_format=torch.channels_last)
        logits = self.classify(torch.cat([self.read(planes).mean((2, 3)), summary], dim=1))
        sketch = self.sketch(summary).reshape(-1, 4, GRID, GRID)
        return self.paint(torch.cat([planes, sketch], dim=1)).sigmoid(), logits


class NECSTCodec(Codec):
    r"""NECST with a head for the class, at RepObE's bandwidth.

    K. Choi, K. Tatwawadi, A. Grover, T. Weissman and S. Ermon, "Neural joint source-channel
    coding", ICML 2019 (arXiv 1811.07557).

    ::

        I ─ encoder ─ logits f ─ b = [σ(f) > ½] ─ QPSK ─ s … channel … ŝ ─ sign of I, Q ─ (1−2ε)(1−2b̂) ─┬─ Î
          1×28×28      3136 bits                 1568                                                  └─ logits

    In training the bits are Bernoulli(σ(f)); an error rate ε turns them into Bernoulli(s − 2sε + ε),
    s = σ(f), the law of the received bits (:mod:`semcom_core.training.necst`). The link sends
    the likelier value of each bit: on held-out digits as good as a sampled one for the class, and 0.1 dB
    better for the picture.

    Ours, for neither the paper nor RepObE says: ε from the SNR with one fade a picture and QPSK;
    small convolutional networks in place of dense ones, so that 3,136 bits fit into 0.5 MB; the
    class head beside the reconstruction; and the decoder hears how far to trust the bits, (1−2ε).

    Args:
        classes: number of classes.
    """

    size = 28
    channel_uses = BITS // 2

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.encoder, self.decoder = BitEncoder(), BitDecoder(classes)

    def encode(self, image: Tensor) -> Tensor:
        """Images (B,1,28,28) in [0,1] to QPSK symbols (B,1568)."""
        return modulate(self.encoder(image) > 0)

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Symbols (B,1568) to image (B,1,28,28) and class logits; without ``noise`` the bits are trusted fully."""
        y = 1.0 - 2.0 * demodulate(symbols)
        if noise is not None:
            y = y * trust(noise)
        image, logits = self.decoder(y)
        return Decoded(image.float(), logits.float())


def trust(noise: Tensor) -> Tensor:
    """What a received bit says on average, ``1 − 2ε``, (B,) -> (B,1)."""
    return (1.0 - 2.0 * bit_error_rate(noise))[:, None]
