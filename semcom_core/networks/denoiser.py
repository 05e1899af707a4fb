"""The networks of a diffusion receiver: a small U-Net that estimates the noise, and two tuned classifiers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.networks.decoders import FEATURE_CHANNELS
from semcom_core.networks.tuning import ClassifierTuning

PATCH = 2
FREQUENCIES = 16
WIDTHS = (64, 96)
CONDITION = 96


class FeatureDenoiser(nn.Module):
    r"""Noise estimate of 4×28×28 features at any level, given the class probabilities or not.

    ::

        x 4×28×28 ─ patches of 2×2 ─ 64×14×14 ─ Block ──────────── concat ─ Block ─ v 4×28×28
                                                 └ 96×7×7 ─ Block ─ attention ─ Block ┘
        abar, class probabilities ─ 96 ─ every Block

    The network's last layer gives ``v``; with ``eps = √(1−abar)·x + √abar·v`` the estimate is
    right at both ends by itself: pure noise is all noise, and clean features have a small ``v``
    (v-prediction, Salimans and Ho, ICLR 2022). It is trained on the error of ``eps``.

    The papers' U-Nets have tens of millions of parameters; this one has half a million and no
    convolution at 28×28, so that four steps of it fit into a live page.

    Shape: ``x (B,4,28,28), abar (B,), label (B,classes) or None -> eps (B,4,28,28)``.

    Args:
        classes: number of classes of the label.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        wide, deep = WIDTHS
        self.level = nn.Sequential(nn.Linear(2 * FREQUENCIES, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.label = nn.Linear(classes, CONDITION, bias=False)  # no label is the zero vector
        self.enter = nn.Conv2d(FEATURE_CHANNELS * PATCH**2, wide, 3, 1, 1)
        self.before = Block(wide, wide)
        self.down, self.deep1 = nn.Conv2d(wide, deep, 3, 2, 1), Block(deep, deep)
        self.attention, self.deep2 = Attention(deep), Block(deep, deep)
        self.up, self.after = nn.Conv2d(deep, wide, 1), Block(2 * wide, wide)
        self.norm, self.leave = nn.GroupNorm(8, wide), nn.Conv2d(wide, FEATURE_CHANNELS * PATCH**2, 3, 1, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, abar: Tensor, label: Tensor | None = None) -> Tensor:
        c = self.level(_waves(abar))
        if label is not None:
            c = c + self.label(label)
        c = F.silu(c)
        fine = self.before(self.enter(F.pixel_unshuffle(x, PATCH)), c)
        coarse = self.deep2(self.attention(self.deep1(self.down(fine), c)), c)
        coarse = F.interpolate(self.up(coarse), scale_factor=2, mode="nearest")
        fine = self.after(torch.cat([fine, coarse], 1), c)
        v = F.pixel_shuffle(self.leave(F.silu(self.norm(fine))), PATCH)
        signal, noise = (power.sqrt()[:, None, None, None] for power in (abar, 1.0 - abar))
        return noise * x + signal * v.float()


class DiffSemNetworks(nn.Module):
    """What the receiver has besides the frozen codec.

    Attributes:
        denoiser: estimates the noise in received features.
        denoised: the classifier fine-tuned on what the denoiser gives.
        noisy: the same classifier fine-tuned on the noisy features themselves; it also makes the
            first guess of the class that the denoiser may be told.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.denoiser = FeatureDenoiser(classes)
        self.denoised, self.noisy = ClassifierTuning(classes), ClassifierTuning(classes)


class Block(nn.Module):
    r"""Residual block whose second half is scaled and shifted by the condition (FiLM).

    ::

        h ─┬─ GN ─ SiLU ─ conv3x3 ─ GN·(1+scale)+shift ─ SiLU ─ conv3x3 ─(+)─
           └──────────────── identity or conv1x1 ────────────────────────┘
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, in_channels), nn.Conv2d(in_channels, out_channels, 3, 1, 1)
        self.norm2, self.conv2 = (
            nn.GroupNorm(8, out_channels, affine=False),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1),
        )
        self.film = nn.Linear(CONDITION, 2 * out_channels)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        scale, shift = self.film(c)[:, :, None, None].chunk(2, 1)
        out = self.conv1(F.silu(self.norm1(h)))
        out = self.conv2(F.silu(torch.addcmul(shift, self.norm2(out), 1.0 + scale)))
        return self.shortcut(h) + out


class Attention(nn.Module):
    """One head of self-attention over the positions of a small map, added to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, h: Tensor) -> Tensor:
        cells = self.norm(h).flatten(2).transpose(1, 2)
        mixed = self.out(F.scaled_dot_product_attention(*self.qkv(cells).chunk(3, 2)))
        return h + mixed.transpose(1, 2).reshape(h.shape)


def _waves(abar: Tensor) -> Tensor:
    """Sines and cosines of the level's log-SNR, (B,) -> (B,32)."""
    log_snr = torch.logit(abar.double(), 1e-7).to(abar.dtype)  # finite at both ends
    rates = torch.logspace(-1.0, 0.7, FREQUENCIES, device=abar.device) * (math.pi / 4.0)
    angles = log_snr[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
