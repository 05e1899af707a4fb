"""A quick look at what inversion gets from a private head: to compare two arms, not to publish.

The published attackers are trained by :mod:`semcom_core.training.inversion`; these two take a
minute, on the same footing: pictures that the head was not trained on, the sender's and the
channel's noise, and everything known but the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.repobe import pack, unpack
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.networks.attackers import picture_head
from semcom_core.networks.blocks import ResBlock
from semcom_core.training.features import FeatureCache
from semcom_core.training.trainer import learning_rate, shuffled

LARGEST = 56
"""Side at which photographs are compared: what is lost beyond it is lost without a defense, too."""


class CheckDecoder(nn.Module):
    r"""Convolutional inversion with a fully connected middle, which reaches every pixel from every value.

    ::

        4×28×28 ─ ResBlock/2 ─ 64×14×14 ─ ResBlock/2 ─ 128×7×7 ─(+ FC 256)─ ConvT ─ ConvT ─ 64×28×28 ─ head
    """

    def __init__(self, image_channels: int, size: int) -> None:
        super().__init__()
        self.down = nn.Sequential(ResBlock(4, 64, 2), ResBlock(64, 128, 2), ResBlock(128, 128))
        self.middle = nn.Sequential(nn.Flatten(), nn.Linear(6272, 256), nn.ReLU(), nn.Linear(256, 6272))
        self.up = nn.Sequential(
            nn.ConvTranspose2d(128, 64, 4, 2, 1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 48, 4, 2, 1),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            picture_head(48, image_channels, size),
        )

    def forward(self, z: Tensor) -> Tensor:
        F_map = self.down(z)
        return self.up(F_map + self.middle(F_map).reshape(F_map.shape))


@dataclass(frozen=True)
class Sender:
    """A head and its noise, heard at AWGN.

    Attributes:
        head: maps features (B,4,28,28) to private ones; ``nn.Identity()`` for none.
    """

    head: nn.Module
    sigma: float
    snr_db: float = 10.0

    @torch.no_grad()
    def private(self, z: Tensor) -> Tensor:
        """Noise-free features as they are sent."""
        return torch.cat([self.head(chunk.contiguous(memory_format=torch.channels_last)) for chunk in z.split(500)])

    @torch.no_grad()
    def heard(self, private: Tensor, generator: torch.Generator) -> Tensor:
        """MMSE estimates of them behind both noises."""
        noise = AdditiveNoise(self.sigma)
        received = propagate(CHANNELS["awgn"], noise.protect(pack(private), (), generator), self.snr_db, generator)
        return unpack(noise.recover(received.equalise(), ()))


def attack_mse(
    sender: Sender, train: FeatureCache, rows: np.ndarray, test: FeatureCache, epochs: int, seed: int = 0
) -> dict[str, float]:
    """Mean squared errors of ridge regression and of :class:`CheckDecoder` on held-out pictures.

    Args:
        rows: of ``train``, plain copies, that the head was not trained on.
        epochs: passes of the decoder; each hears fresh noise.

    Returns:
        ``ridge``, ``decoder`` and, for scale, ``mean`` (the mean picture) on pictures of at most
        :data:`LARGEST` pixels a side.
    """
    generator = torch.Generator().manual_seed(seed)
    known, unseen = sender.private(train.z(rows)), sender.private(test.z(np.arange(test.images)))
    pictures, truth = _targets(train, rows), _targets(test, np.arange(test.images))
    heard = sender.heard(unseen, generator)
    return {
        "ridge": _ridge(sender, known, pictures, heard, truth, generator),
        "decoder": _decoder(sender, known, pictures, heard, truth, epochs, seed),
        "mean": float((truth - pictures.mean(0)).square().mean()),
    }


def _targets(cache: FeatureCache, rows: np.ndarray) -> Tensor:
    parts = [cache.targets(index) for index in np.array_split(rows, -(-len(rows) // 250))]
    size = min(LARGEST, parts[0].shape[-1])
    return torch.cat([F.adaptive_avg_pool2d(part, size) for part in parts])


def _ridge(
    sender: Sender, known: Tensor, pictures: Tensor, heard: Tensor, truth: Tensor, generator: torch.Generator
) -> float:
    """LMMSE from features to pixels: the noise's covariance is known, so it is the ridge penalty."""
    mean, centre = known.flatten(1).mean(0), pictures.flatten(1).mean(0)
    X = known.flatten(1) - mean
    noise = float(AdditiveNoise(sender.sigma).noise_after(torch.tensor(10.0 ** (-sender.snr_db / 10.0))))
    gram = X.T @ X / len(X)
    gram.diagonal().add_(noise)
    W = torch.linalg.solve(gram, X.T @ (pictures.flatten(1) - centre) / len(X))
    guess = (heard.flatten(1) * (1.0 + noise) - mean) @ W + centre  # MMSE estimates are shrunk by 1/(1+noise)
    return float((guess.clamp(0, 1) - truth.flatten(1)).square().mean())


def _decoder(
    sender: Sender, known: Tensor, pictures: Tensor, heard: Tensor, truth: Tensor, epochs: int, seed: int
) -> float:
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # initial weights, the same for each arm
        decoder = CheckDecoder(pictures.shape[1], pictures.shape[-1]).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(decoder.parameters(), lr=2e-3, weight_decay=0.01)
    generator, rng = torch.Generator().manual_seed(seed + 1), np.random.default_rng(seed)
    batches = [index for _ in range(epochs) for index in shuffled(len(known), 64, rng)]
    decoder.train()
    for step, index in enumerate(batches):
        optimiser.param_groups[0]["lr"] = learning_rate(step / len(batches), 2e-3)
        z = sender.heard(known[index], generator).contiguous(memory_format=torch.channels_last)
        loss = F.mse_loss(decoder(z), pictures[index])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    decoder.eval()
    with torch.inference_mode():
        guess = torch.cat([decoder(z.contiguous(memory_format=torch.channels_last)) for z in heard.split(250)])
    return float((guess - truth).square().mean())
