"""A complete RepObE codec from an adversarially trained link and the base codec's shared blocks."""

from __future__ import annotations

import torch
from torch import nn

from semcom_core.codecs.repobe import RepObECodec
from semcom_core.networks.robust_link import RobustLink


def assemble(base: RepObECodec, own: RobustLink) -> RepObECodec:
    """The codec that adversarial training made, in evaluation mode; both arguments are shared, not copied.

    Args:
        base: the codec that training started from; its later classifier blocks are used.
        own: what was trained.
    """
    with torch.device("meta"):  # every part of it is replaced
        codec = RepObECodec(image_channels=1)
    codec.encoder, codec.reconstructor = own.encoder, own.reconstructor
    front = own.tuning.front
    codec.classifier.stages = nn.Sequential(*front, *base.classifier.stages[len(front) :])
    codec.classifier.fc = own.tuning.fc
    return codec.eval()
