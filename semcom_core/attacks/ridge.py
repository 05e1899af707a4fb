"""The linear attack: ridge / LMMSE inversion in closed form (:mod:`semcom_core.networks.ridge`)."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel
from semcom_core.attacks.inversion import OWN_OUTPUT, heard
from semcom_core.channels import Received


class Ridge(Eavesdropper):
    """The linear attack: needs no training beyond moments, and shows what is plainly visible.

    Args:
        network: :class:`~semcom_core.networks.ridge.RidgeInversion`.
    """

    name: ClassVar[str] = "ridge"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, training=OWN_OUTPUT)

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        logits, image = self.network(*heard(received, knowledge.chain))
        return Loot(image, logits)
