"""The semantic encoder of RepObE (Sec. 3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from semcom_core.networks.blocks import ResBlock, SqueezeExcite, conv3x3


class SemanticEncoder(nn.Module):
    r"""Image to feature map, RepObE Sec. 3.1, with a ResNet stem.

    ::

        I  C×224×224
        │  stem     conv 7×7 /2 ─ BN ─ max-pool 3×3 /2 ─ ReLU     64×56×56
        │  stage1   ResBlock ×2                                    64×56×56
        │  stage2   ResBlock(SE) /2 ─ ResBlock(SE)                 96×28×28
        │  squeeze  conv 3×3                                        4×28×28
        │  refine   conv 3×3 ─ BN ─ ReLU ─ SE ─ conv 3×3           32 → 4×28×28
        z

    The strides of the stem, the count of SE blocks (two) and the reading of "adjusting the
    channels between 32 and 4" (4 → 32 → 4) are ours; see the README's table of choices.
    Fully convolutional: a 112×112 image gives 4×14×14, which training uses.

    Shape: ``(B, image_channels, H, W) in [0, 1] -> (B, 4, H/8, W/8)``, not yet normalised.
    """

    def __init__(self, image_channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(image_channels, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.MaxPool2d(3, 2, 1),
            nn.ReLU(),  # after the pool: the same values and gradients from a quarter of the work
        )
        self.stage1 = nn.Sequential(ResBlock(64, 64), ResBlock(64, 64))
        self.stage2 = nn.Sequential(ResBlock(64, 96, 2, se=True), ResBlock(96, 96, se=True))
        self.squeeze = nn.Conv2d(96, 4, 3, 1, 1)
        self.refine = nn.Sequential(
            conv3x3(4, 32),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            SqueezeExcite(32, reduction=8),
            nn.Conv2d(32, 4, 3, 1, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        F = self.stage2(self.stage1(self.stem(image)))
        return self.refine(self.squeeze(F))
