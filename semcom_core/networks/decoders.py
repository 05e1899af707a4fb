"""The two semantic decoders of RepObE (Sec. 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semcom_core.networks.blocks import ResBlock

FEATURE_CHANNELS = 4


class ClassificationDecoder(nn.Module):
    r"""Received features to class logits, RepObE Sec. 3.1.

    ::

        ẑ 4×28×28 ─ ResBlock×2 ─ 64×14×14 ─ ResBlock×2 ─ 128×7×7 ─ ResBlock×2 ─ 256×4×4
          ─ global average pool ─ (dropout) ─ FC ─ 10 logits

    Shape: ``(B, 4, h, w) -> (B, classes)``; ``embed`` gives the pooled ``(B, 256)``.
    """

    def __init__(self, classes: int = 10, dropout: float = 0.0) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            ResBlock(FEATURE_CHANNELS, 64, 2),
            ResBlock(64, 64),
            ResBlock(64, 128, 2),
            ResBlock(128, 128),
            ResBlock(128, 256, 2),
            ResBlock(256, 256),
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(256, classes)

    def embed(self, z: Tensor) -> Tensor:
        """The pooled 256-vector before the last layer."""
        return self.stages(z).mean((2, 3))

    def forward(self, z: Tensor) -> Tensor:
        return self.fc(self.dropout(self.embed(z)))


class ReconstructionDecoder(nn.Module):
    r"""Received features to image, RepObE Sec. 3.1.

    ::

        ẑ 4×28×28 ─ ResBlock×2 ─ 64×28×28 ─ ConvT ─ 64×56×56 ─ ResBlock×2 ─ 32×56×56
          ─ ConvT ─ 32×112×112 ─ ResBlock×2 ─ 16×112×112 ─ ConvT ─ C×224×224 ─ sigmoid

    The paper names no output activation; the sigmoid keeps images in [0, 1].

    Shape: ``(B, 4, h, w) -> (B, image_channels, 8h, 8w) in [0, 1]``.
    """

    def __init__(self, image_channels: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            ResBlock(FEATURE_CHANNELS, 64),
            ResBlock(64, 64),
            nn.ConvTranspose2d(64, 64, 4, 2, 1),
            ResBlock(64, 32),
            ResBlock(32, 32),
            nn.ConvTranspose2d(32, 32, 4, 2, 1),
            ResBlock(32, 16),
            ResBlock(16, 16),
            nn.ConvTranspose2d(16, image_channels, 4, 2, 1),
        )

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.stages(z).float())  # in bf16 light greys would lie half a level apart
