"""Naive inversion: a decoder trained on plain features, whatever the sender does."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel
from semcom_core.channels import Received
from semcom_core.codecs.repobe import unpack


class NaiveInversion(Eavesdropper):
    """Model inversion with a convolutional decoder (He et al., ACSAC 2019; CEM's attack).

    It believes that no defense is in use. What stops it may stop nobody else.

    Args:
        decoder: :class:`~semcom_core.networks.attackers.InversionDecoder`, trained on plain
            features of this codec after random channels.
    """

    name: ClassVar[str] = "naive"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=False, training="plain features")

    def __init__(self, decoder: nn.Module) -> None:
        self.decoder = decoder

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        return Loot(self.decoder(unpack(received.equalise())), None)
