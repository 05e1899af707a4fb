"""Model inversion by convolutions: features back to a picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.networks.blocks import ResBlock
from semcom_core.networks.decoders import FEATURE_CHANNELS

GRID = 28


class PictureHead(nn.Sequential):
    """From a 28×28 map to a picture of any side, values in [0,1].

    A multiple of 28 comes out of a pixel shuffle; for another side (objects: 32) the map is
    enlarged bilinearly before the convolution.

    Shape: ``(B, in_channels, 28, 28) -> (B, image_channels, size, size) in [0, 1]``.
    """

    def __init__(self, in_channels: int, image_channels: int, size: int) -> None:
        self.enlarge_to = 0 if size % GRID == 0 else size
        factor = 1 if self.enlarge_to else size // GRID
        super().__init__(
            nn.Conv2d(in_channels, image_channels * factor**2, 3, 1, 1), nn.PixelShuffle(factor), nn.Sigmoid()
        )

    def forward(self, F_map: Tensor) -> Tensor:
        if self.enlarge_to:
            F_map = F.interpolate(F_map, (self.enlarge_to, self.enlarge_to), mode="bilinear", align_corners=False)
        return super().forward(F_map)


def picture_head(in_channels: int, image_channels: int, size: int) -> PictureHead:
    """The last layers of a network that gives pictures; see :class:`PictureHead`."""
    return PictureHead(in_channels, image_channels, size)


class InversionDecoder(nn.Module):
    r"""Convolutional model inversion: features to the native-size picture.

    ::

        ẑ 4×28×28 ─ ResBlock 64 ─ ResBlock 64 ×(depth−1) ─ conv ─ pixel shuffle ─ sigmoid

    A shorter ``res_normN8C64`` (He et al.; CEM's code); convolutions only, so it can use
    nothing of a map whose positions are permuted: a *naive* attacker by construction.

    Shape: ``(B, 4, 28, 28) -> (B, image_channels, size, size) in [0, 1]``.
    """

    def __init__(self, image_channels: int, size: int, depth: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(ResBlock(FEATURE_CHANNELS, 64), *(ResBlock(64, 64) for _ in range(depth - 1)))
        self.head = picture_head(64, image_channels, size)

    def forward(self, z: Tensor) -> Tensor:
        return self.head(self.body(z))
