"""Fine-tuning a little of a large classifier, so that every defense can have a receiver of its own."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from semcom_core.networks.decoders import ClassificationDecoder


class ClassifierTuning(nn.Module):
    r"""First blocks and last layer of a classification decoder, fine-tuned; the rest stays shared.

    ::

        ẑ 4×28×28 ─ own ResBlock×2 ─ 64×14×14 ─ shared ResBlocks 128, 256 ─ pool ─ own FC ─ logits

    0.2 MB instead of 5.6 MB of weights a defense.

    Args:
        classes: number of classes.
        blocks: how many of the six blocks are its own.
    """

    def __init__(self, classes: int = 10, blocks: int = 2) -> None:
        super().__init__()
        fresh = ClassificationDecoder(classes)
        self.front, self.fc = fresh.stages[:blocks], fresh.fc

    def start_from(self, classifier: ClassificationDecoder) -> ClassifierTuning:
        """Copy the classifier's own parts, as every fine-tuning starts."""
        self.front, self.fc = copy.deepcopy(classifier.stages[: len(self.front)]), copy.deepcopy(classifier.fc)
        return self.requires_grad_(True)

    def embed(self, classifier: ClassificationDecoder, z: Tensor) -> Tensor:
        """Features (B,4,28,28) to the pooled vector (B,256) before the last layer."""
        return classifier.stages[len(self.front) :](self.front(z)).mean((2, 3))

    def forward(self, classifier: ClassificationDecoder, z: Tensor) -> Tensor:
        """Features (B,4,28,28) to logits (B,classes) through the shared blocks of ``classifier``."""
        return self.fc(self.embed(classifier, z)).float()
