"""A variational autoencoder as a semantic codec: the plain neural baseline on objects."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from semcom_core.codecs.base import Codec, Decoded
from semcom_core.codecs.ibal import pack_reals, unpack_reals
from semcom_core.networks.blocks import ResBlock, conv3x3

LATENT = (49, 8, 8)
"""3,136 reals, so that the link has RepObE's 1,568 complex channel uses."""


class VAECodec(Codec):
    r"""Convolutional VAE with a class head, through the channel (D. P. Kingma and M. Welling, "Auto-Encoding
    Variational Bayes", ICLR 2014).

    ::

        I 3×32×32 ─ conv 32 ─ ResBlock 64 /2 ×2 ─ ResBlock 80 /2 ×2 ─ conv ─ μ, log σ² (2·49)×8×8
          training: z = μ + σ ε; sending: z = μ ─ pack, unit power ─ s … channel … ŝ ─ ẑ 49×8×8
        ẑ ─┬─ ResBlock 56 ─ ConvT 40×16×16 ─ ResBlock ─ ConvT 24×32×32 ─ conv ─ sigmoid ─ Î
           └─ ResBlock 72 ─ ResBlock 96 /2 ×2 ─ pool ─ FC ─ logits

    RepObE names a VAE as a baseline on CIFAR-10 but gives no network, latent or loss, and cites a
    paper on point processes (Mehrasa et al., CVPR 2019) for it. Ours: a latent of RepObE's
    bandwidth, its mean sent without random draw, power normalised for each picture.

    Args:
        classes: number of classes.

    Shape: images ``(B, 3, 32, 32) in [0, 1]``, symbols ``(B, 1568)``.
    """

    size = 32
    channel_uses = LATENT[0] * LATENT[1] * LATENT[2] // 2

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            conv3x3(3, 32),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            ResBlock(32, 64, 2),
            ResBlock(64, 64),
            ResBlock(64, 80, 2),
            ResBlock(80, 80),
            nn.Conv2d(80, 2 * LATENT[0], 3, 1, 1),
        )
        self.reconstructor = nn.Sequential(
            ResBlock(LATENT[0], 56),
            nn.ConvTranspose2d(56, 40, 4, 2, 1),
            ResBlock(40, 40),
            nn.ConvTranspose2d(40, 24, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(24, 3, 3, 1, 1),
        )
        self.features = nn.Sequential(ResBlock(LATENT[0], 72), ResBlock(72, 96, 2), ResBlock(96, 96))
        self.fc = nn.Linear(96, classes)

    def posterior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B,3,32,32) to mean and logarithm of the variance of the latent, both (B,49,8,8)."""
        mu, log_variance = self.encoder((image - 0.5) * 4).float().chunk(2, dim=1)
        return mu, log_variance.clamp(-10.0, 4.0)

    @staticmethod
    def symbols(z: Tensor) -> Tensor:
        """A latent (B,49,8,8) to symbols (B,1568), each picture's of unit power."""
        return pack_reals(z.flatten(1))

    def encode(self, image: Tensor) -> Tensor:
        """Images (B,3,32,32) in [0,1] to symbols (B,1568): the posterior's mean."""
        return self.symbols(self.posterior(image)[0])

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Equalised symbols (B,1568) to image (B,3,32,32) and class logits; needs no noise level."""
        side = math.isqrt(2 * symbols.shape[1] // LATENT[0])  # 8, but training starts with smaller pictures
        z = unpack_reals(symbols).reshape(-1, LATENT[0], side, side).contiguous(memory_format=torch.channels_last)
        logits = self.fc(self.features(z).mean((2, 3)))
        return Decoded(torch.sigmoid(self.reconstructor(z)).float(), logits.float())


def kl_standard_normal(mu: Tensor, log_variance: Tensor) -> Tensor:
    r"""KL divergence of ``N(μ, σ²)`` to ``N(0, 1)`` in nats, mean over the entries of a latent, (B,…) -> (B,).

    ``½ (μ² + σ² − 1 − log σ²)``, Kingma and Welling, Appendix B.
    """
    return 0.5 * (mu.square() + log_variance.exp() - 1.0 - log_variance).flatten(1).mean(1)
