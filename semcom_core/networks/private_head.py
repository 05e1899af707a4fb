"""Small networks around a frozen codec that trade what its features tell for privacy (CEM, ARL)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semcom_core.networks.blocks import ResBlock
from semcom_core.networks.decoders import FEATURE_CHANNELS, ClassificationDecoder
from semcom_core.networks.power import normalise_power
from semcom_core.networks.tuning import ClassifierTuning

BOTTLENECK = 8
"""Channels at the narrowest place, as CEM's code has them (``noRELU_C8S1``); here on a 7×7 grid."""


class PrivateHead(nn.Module):
    r"""The sender's trained part: features of the codec to private features of the same shape.

    ::

        z 4×28×28 ─ ResBlock/2 ─ 32×14×14 ─ ResBlock/2 ─ 48×7×7 ─ conv, BN ─ sigmoid ─ 8×7×7 in (0,1)
          ─ conv, ReLU ─ 48×7×7 ─ ConvT, ReLU ─ 32×14×14 ─ ConvT ─ 4×28×28 ─ eq. (3) ─ z'

    CEM cuts its classifier at 8×8×8 numbers in (0,1) after ``Conv ─ Sigmoid``; the 392 numbers
    here do the same for a codec that must fill 1568 symbols, and the transposed convolutions
    spread them over all of these. Each of the 392 sees nearly the whole picture, so that the
    head *can* send one class or cluster alike. No batch norm follows the sigmoid: where CEM
    makes features alike it would blow up what is left of their differences.

    Shape: ``(B, 4, 28, 28) -> (B, 4, 28, 28)``, ``‖z'‖² = 3136`` an image.
    """

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(
            ResBlock(FEATURE_CHANNELS, 32, 2),
            ResBlock(32, 48, 2),
            nn.Conv2d(48, BOTTLENECK, 3, 1, 1, bias=False),
            nn.BatchNorm2d(BOTTLENECK),
            nn.Sigmoid(),
        )
        self.spread = nn.Sequential(
            nn.Conv2d(BOTTLENECK, 48, 3, 1, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(48, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, FEATURE_CHANNELS, 4, 2, 1),
        )

    def forward(self, z: Tensor) -> Tensor:
        centred = 4.0 * self.squeeze(z) - 2.0  # about zero mean and unit variance
        return normalise_power(self.spread(centred).float())


class Restorer(nn.Module):
    r"""The receiver's way back for the picture: private features to the codec's own.

    ::

        ẑ' 4×28×28 ─ ResBlock/2 ─ 32×14×14 ─ ResBlock ─ ConvT ─ ReLU ─ 32×28×28 ─ conv ─ ẑ 4×28×28

    Shape: ``(B, 4, 28, 28) -> (B, 4, 28, 28)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ResBlock(FEATURE_CHANNELS, 32, 2),
            ResBlock(32, 32),
            nn.ConvTranspose2d(32, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, FEATURE_CHANNELS, 3, 1, 1),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class PrivateLink(nn.Module):
    """All that one privacy defense trains: head, restorer and a fine-tuned classifier (0.5 MB).

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.head = PrivateHead()
        self.restorer = Restorer()
        self.tuning = ClassifierTuning(classes)

    def classify(self, classifier: ClassificationDecoder, z: Tensor) -> Tensor:
        """Received private features (B,4,28,28) to logits, through the codec's shared blocks."""
        return self.tuning(classifier, z.contiguous(memory_format=torch.channels_last))
