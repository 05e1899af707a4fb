"""What adversarial training changes of a link; the classifier's large last blocks stay shared."""

from __future__ import annotations

import copy

from torch import nn

from semcom_core.networks.decoders import ReconstructionDecoder
from semcom_core.networks.encoder import SemanticEncoder
from semcom_core.networks.tuning import ClassifierTuning


class RobustLink(nn.Module):
    r"""Encoder, classifier front and reconstructor of an adversarially trained link.

    ::

        I ─ own encoder ─ z … ẑ ─┬─ own ResBlocks ─ shared ResBlocks (base) ─ pool ─ own FC ─ logits
                                 └─ own reconstructor ─ Î

    RepObE trains the whole network. Here the classifier's later blocks are those of the base link,
    unchanged: 2 to 3 MB a training method instead of 6.9, the same restriction for every method.

    Args:
        image_channels: 1 (digits) or 3.
        classes: number of classes.
        blocks: how many of the classifier's six blocks are its own.
    """

    def __init__(self, image_channels: int, classes: int = 10, blocks: int = 4) -> None:
        super().__init__()
        self.encoder = SemanticEncoder(image_channels)
        self.tuning = ClassifierTuning(classes, blocks)
        self.reconstructor = ReconstructionDecoder(image_channels)

    def start_from(self, codec: nn.Module) -> RobustLink:
        """Copy the base codec's parts, as every method starts."""
        self.encoder, self.reconstructor = copy.deepcopy(codec.encoder), copy.deepcopy(codec.reconstructor)
        self.tuning.start_from(codec.classifier)
        return self.requires_grad_(True)
