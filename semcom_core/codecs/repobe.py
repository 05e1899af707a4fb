"""RepObE's semantic codec (Lin et al., IJCAI 2025, Sec. 3.1): image to symbols and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from semcom_core.codecs.base import Codec, Decoded
from semcom_core.networks.decoders import FEATURE_CHANNELS, ClassificationDecoder, ReconstructionDecoder
from semcom_core.networks.encoder import SemanticEncoder
from semcom_core.networks.power import normalise_power

CODEC_SIZE = 224
GRID = 28
"""Side of the feature map; one grid position carries two complex symbols."""
FEATURE_SHAPE = (FEATURE_CHANNELS, GRID, GRID)
CHANNEL_USES = FEATURE_CHANNELS // 2 * GRID * GRID


def pack(z: Tensor) -> Tensor:
    """Features (B,4,h,w) to symbols (B,2hw): ``x[c,i,j] = (z[c,i,j] + 1j z[c+2,i,j])/√2``.

    One grid position is one group of two symbols, so that permuting positions moves whole
    symbols. Unit power per real feature gives ``E|x|^2 = 1``.
    """
    return torch.complex(z[:, :2], z[:, 2:]).flatten(1) / math.sqrt(2.0)


def unpack(symbols: Tensor, grid: int = GRID) -> Tensor:
    """Symbols (B,2·grid²) to features (B,4,grid,grid); the inverse of :func:`pack`."""
    x = symbols.reshape(len(symbols), 2, grid, grid) * math.sqrt(2.0)
    return torch.cat([x.real, x.imag], dim=1)


class RepObECodec(Codec):
    r"""Encoder and both decoders of RepObE; the key never enters here (ciphers are plug-ins).

    ::

        I ─ SemanticEncoder ─ z ─ eq. (3) ─ pack ─ s   …channel…   ŝ ─ unpack ─┬─ classifier ──── logits
           C×224×224         4×28×28              1568 symbols                 └─ reconstructor ─ Î

    Args:
        image_channels: 1 (digits) or 3.
        classes: number of classes.
    """

    size = CODEC_SIZE
    channel_uses = CHANNEL_USES

    def __init__(self, image_channels: int, classes: int = 10) -> None:
        super().__init__()
        self.encoder = SemanticEncoder(image_channels)
        self.classifier = ClassificationDecoder(classes)
        self.reconstructor = ReconstructionDecoder(image_channels)

    def features(self, image: Tensor) -> Tensor:
        """Power-normalised features (B,4,H/8,W/8) of images (B,C,H,W) in [0,1], float32."""
        return normalise_power(self.encoder(image).float())

    def encode(self, image: Tensor) -> Tensor:
        """Images (B,C,224,224) in [0,1] to complex symbols (B,1568) with ``E|s|^2 = 1``."""
        return pack(self.features(image))

    def classify(self, symbols: Tensor, noise: Tensor | None = None) -> Tensor:
        """Equalised symbols (B,1568) to class logits only."""
        return self.classifier(unpack(symbols).contiguous(memory_format=torch.channels_last)).float()

    def reconstruct(self, symbols: Tensor) -> Tensor:
        """Equalised symbols (B,1568) to the image only."""
        return self.reconstructor(unpack(symbols).contiguous(memory_format=torch.channels_last)).float()

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Equalised symbols (B,1568) to image (B,C,224,224) and class logits; needs no noise level."""
        z = unpack(symbols).contiguous(memory_format=torch.channels_last)
        return Decoded(self.reconstructor(z).float(), self.classifier(z).float())


class OwnReceiver(Codec):
    """RepObE's sender with a receiver of a defense's own, which a subclass is.

    Args:
        codec: the frozen codec; its encoder is used, and what the receiver shares with it.
    """

    def __init__(self, codec: RepObECodec) -> None:
        super().__init__()
        self.codec, self.size, self.channel_uses = codec, codec.size, codec.channel_uses

    def encode(self, image: Tensor) -> Tensor:
        """As the codec does; what a defense adds to it is a plug-in."""
        return self.codec.encode(image)
