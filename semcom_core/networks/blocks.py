"""Building blocks shared by the encoder and the decoders (RepObE, Sec. 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """3x3 convolution with padding 1; no bias, since a batch norm follows."""
    return nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)


class SqueezeExcite(nn.Module):
    r"""Channel attention (RepObE eq. 2): ``w = sigmoid(W2 ReLU(W1 GAP(F)))``, ``F' = w F``.

    The paper gives no reduction ratio; 16 is the usual one, 8 for narrow maps.

    Shape: ``(B, channels, H, W) -> (B, channels, H, W)``.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.w1 = nn.Conv2d(channels, hidden, 1)
        self.w2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, F: Tensor) -> Tensor:
        w = torch.sigmoid(self.w2(torch.relu(self.w1(F.mean((2, 3), keepdim=True)))))
        return w * F


class ResBlock(nn.Module):
    r"""Residual block (RepObE eq. 1): ``F' = ReLU(Rn(F) + F)``, ``Rn`` = two 3x3 convolutions.

    ::

        F ─┬─ conv3x3(stride) ─ BN ─ ReLU ─ conv3x3 ─ BN ─ [SE] ─(+)─ ReLU ─ F'
           └───────────── identity, or conv1x1(stride) ─ BN ──────┘

    Batch norm is our addition (the paper does not mention any); the 1x1 projection
    appears only where the shape changes.

    Shape: ``(B, in_channels, H, W) -> (B, out_channels, ceil(H/stride), ceil(W/stride))``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, se: bool = False) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.se = SqueezeExcite(out_channels) if se else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, F: Tensor) -> Tensor:
        out = torch.relu(self.bn1(self.conv1(F)))
        out = self.se(self.bn2(self.conv2(out)))
        return torch.relu(out + self.shortcut(F))
