"""Non-local inversion: class and picture from what was heard, whatever the sender did to it."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.networks.attackers import GRID, picture_head

SIDE = 7
"""Tokens, and cells of the picture's seed, a side."""
SMALL_PICTURE = 112
"""Largest side that is predicted; photographs are enlarged from it."""
MAP = 24
"""Channels of the 28×28 map that a picture is made of."""


class InversionReader(nn.Module):
    r"""An attacker with a non-local first stage, a class reader and a picture decoder in one.

    ::

        ŝ, v ─ unit power, real values (B,2n) ─ read (subclass) ─┬─ summary ─ FC ─ class logits
                                                                  └─ map 28×28 ─ conv ─ picture head

    Its input is what an eavesdropper has after equalising: linear MMSE estimates and the noise's
    relative variance v. Every value can reach every pixel, because a convolutional decoder alone
    gives false security against anything that moves or mixes symbols.

    Shape: ``(B, n) complex, (B,) -> logits (B, classes), picture (B, image_channels, size, size)``.
    """

    def __init__(self, width: int, summary: int, channels: int, image_channels: int, size: int, classes: int) -> None:
        super().__init__()
        self.level = nn.Linear(2, width)
        self.size, self.small = size, min(size, SMALL_PICTURE)
        self.fc = nn.Sequential(nn.LayerNorm(summary), nn.Dropout(0.1), nn.Linear(summary, classes))
        self.paint = nn.Sequential(nn.Conv2d(channels, 48, 3, 1, 1), nn.GELU())
        self.head = picture_head(48, image_channels, self.small)

    @abstractmethod
    def read(self, values: Tensor, noise: Tensor) -> Tensor:
        """Real values (B,2n) of unit power and noise (B,) to what both heads start from."""

    @abstractmethod
    def summary(self, state: Tensor) -> Tensor:
        """What the class is read from, (B,summary)."""

    @abstractmethod
    def map(self, state: Tensor, values: Tensor) -> Tensor:
        """What the picture is made of, (B,channels,28,28)."""

    def small_picture(self, state: Tensor, values: Tensor) -> Tensor:
        """The picture at the side ``small``."""
        return self.head(self.paint(self.map(state, values)))

    def embedded_level(self, noise: Tensor) -> Tensor:
        """Amplitudes of signal and noise at unit power, embedded, (B,) -> (B,width)."""
        return self.level(torch.stack([1.0 / (1.0 + noise), noise / (1.0 + noise)], 1).sqrt())

    def forward(self, symbols: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        values = unit_values(symbols, noise)
        state = self.read(values, noise)
        picture = self.small_picture(state, values)
        if self.small != self.size:
            picture = F.interpolate(picture, (self.size, self.size), mode="bilinear", align_corners=False)
        return self.fc(self.summary(state)), picture


def real_values(symbols: Tensor) -> Tensor:
    """Complex (B,n) to real (B,2n): all real parts, then all imaginary ones; unit power a value.

    For RepObE's symbols these are the 4·28·28 features with planes 0,1 before 2,3, as
    :func:`semcom_core.codecs.repobe.unpack` has them.
    """
    return torch.cat([symbols.real, symbols.imag], 1) * math.sqrt(2.0)


def unit_values(symbols: Tensor, noise: Tensor) -> Tensor:
    """MMSE estimates (B,n) and their noise (B,) to real values (B,2n) of unit power, noise included."""
    return real_values(symbols) * (1.0 + noise).sqrt()[:, None]


class Mixer(nn.Module):
    """One MLP-Mixer block (Tolstikhin et al., NeurIPS 2021): over the tokens, then over the channels."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.before_tokens, self.before_channels = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens))
        self.channels = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * width, width)
        )

    def forward(self, T: Tensor) -> Tensor:
        T = T + self.tokens(self.before_tokens(T).mT).mT
        return T + self.channels(self.before_channels(T))


class MixerReader(InversionReader):
    r"""For codes that lie on a 28×28 grid, or may as well: 49 patches, mixed by MLPs.

    ::

        4×28×28 ─ 7×7 patches of 64 values ─ FC ─ + place ─ Mixer ×4 ─┬─ pool (mean, max) ─ summary
                                        4×28×28 itself ──────────────┴─ patches of the map

    Takes 1,568 symbols.
    """

    def __init__(self, image_channels: int, size: int, classes: int = 10, width: int = 128, blocks: int = 4) -> None:
        planes = 4
        super().__init__(width, 2 * width, MAP + planes, image_channels, size, classes)
        self.cells, self.planes = GRID // SIDE, planes
        self.embed = nn.Linear(planes * self.cells**2, width)
        self.place = nn.Parameter(0.02 * torch.randn(SIDE**2, width))
        self.mix = nn.Sequential(*(Mixer(SIDE**2, width) for _ in range(blocks)), nn.LayerNorm(width))
        self.to_map = nn.Linear(width, MAP * self.cells**2)

    def read(self, values: Tensor, noise: Tensor) -> Tensor:
        grid = values.reshape(-1, self.planes, SIDE, self.cells, SIDE, self.cells)
        patches = grid.permute(0, 2, 4, 1, 3, 5).reshape(len(values), SIDE**2, -1)
        return self.mix(self.embed(patches) + self.place + self.embedded_level(noise)[:, None])

    def summary(self, state: Tensor) -> Tensor:
        return torch.cat([state.mean(1), state.amax(1)], 1)

    def map(self, state: Tensor, values: Tensor) -> Tensor:
        patches = self.to_map(state).reshape(-1, SIDE, SIDE, MAP, self.cells, self.cells)
        drawn = patches.permute(0, 3, 1, 4, 2, 5).reshape(-1, MAP, GRID, GRID)
        return torch.cat([drawn, values.reshape(-1, self.planes, GRID, GRID)], 1)


class DenseInversion(InversionReader):
    r"""For codes without a grid, of any length: every value meets every other in the first layer.

    ::

        2n values ─ FC ─ norm ─ GELU ─ residual MLP ─┬─ summary
                                                     └─ FC ─ 7×7 ─ ConvT ×2 ─ 28×28 map

    Args:
        channel_uses: symbols a picture, n.
        width: of the hidden layers.
    """

    def __init__(self, channel_uses: int, image_channels: int, size: int, classes: int, width: int) -> None:
        super().__init__(width, width, MAP, image_channels, size, classes)
        self.first = nn.Sequential(nn.Linear(2 * channel_uses, width), nn.LayerNorm(width), nn.GELU(), nn.Dropout(0.1))
        self.second = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(0.1), nn.Linear(width, width))
        self.seed = nn.Linear(width, MAP * SIDE**2)
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(MAP, MAP, 4, 2, 1), nn.GELU(), nn.ConvTranspose2d(MAP, MAP, 4, 2, 1), nn.GELU()
        )

    def read(self, values: Tensor, noise: Tensor) -> Tensor:
        hidden = self.first(values) + self.embedded_level(noise)
        return hidden + self.second(hidden)

    def summary(self, state: Tensor) -> Tensor:
        return state

    def map(self, state: Tensor, values: Tensor) -> Tensor:
        return self.grow(self.seed(state).reshape(-1, MAP, SIDE, SIDE))
