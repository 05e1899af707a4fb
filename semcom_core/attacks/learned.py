"""Learned attack on one fixed key: no use of the algorithm, only of examples."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel
from semcom_core.channels import Received
from semcom_core.codecs.repobe import unpack


class LearnedInversion(Eavesdropper):
    """Reads ciphertexts of the one key whose ciphertexts it was trained on.

    Args:
        reader: :class:`~semcom_core.networks.readers.DenseReader`, whose first layer sees every
            position; trained on pairs (ciphertext under the fixed demo key, picture).
    """

    name: ClassVar[str] = "learned"
    threat: ClassVar[ThreatModel] = ThreatModel(
        encoder=False, algorithm=False, training="many known pictures under this very key"
    )

    def __init__(self, reader: nn.Module) -> None:
        self.reader = reader

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        logits, image = self.reader(unpack(received.equalise()))
        return Loot(image, logits)
