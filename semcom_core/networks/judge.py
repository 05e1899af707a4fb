"""The judge: a classifier of clean pictures that reads what each party ends up seeing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.networks.blocks import ResBlock


class Judge(nn.Module):
    r"""Class logits of a picture; trained on clean pictures, never on a link's output.

    ::

        picture ─ (resize to ``size``) ─ stem ─ ResBlock×2 64 ─ ResBlock×2 128 /2 ─ ResBlock×2 256 /2 ─ pool ─ FC

    The stem keeps 28-pixel digits at full size and reduces larger pictures four times.

    Args:
        image_channels: 1 or 3.
        size: side at which it reads; larger pictures are reduced with anti-aliasing.
        classes: number of classes.

    Shape: ``(B, image_channels, H, W) in [0, 1] -> (B, classes)``.

    ``energy_threshold`` is set from held-out training pictures: 95 % of them score below it.
    """

    energy_threshold: Tensor

    def __init__(self, image_channels: int, size: int, classes: int = 10) -> None:
        super().__init__()
        self.size = size
        if size > 64:
            stem: list[nn.Module] = [
                nn.Conv2d(image_channels, 64, 7, 2, 3, bias=False),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.MaxPool2d(3, 2, 1),
            ]
        else:
            stem = [nn.Conv2d(image_channels, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        self.stages = nn.Sequential(
            *stem,
            ResBlock(64, 64),
            ResBlock(64, 64),
            ResBlock(64, 128, 2),
            ResBlock(128, 128),
            ResBlock(128, 256, 2, se=True),
            ResBlock(256, 256, se=True),
        )
        self.fc = nn.Linear(256, classes)
        self.register_buffer("energy_threshold", torch.tensor(0.0))

    def forward(self, picture: Tensor) -> Tensor:
        if picture.shape[-1] != self.size:
            picture = F.interpolate(picture, size=(self.size, self.size), mode="bilinear", antialias=True)
        return self.fc(self.stages((picture - 0.5) * 4).mean((2, 3)))


def energy(logits: Tensor) -> Tensor:
    """Free energy ``−logsumexp(logits)`` (Liu et al., NeurIPS 2020), (B,K) -> (B,).

    High for pictures unlike any of the classes.
    """
    return -torch.logsumexp(logits, dim=1)
