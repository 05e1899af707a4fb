"""Adaptive inversion: knows encoder and algorithm, lacks only the key."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel, undo
from semcom_core.channels import Received
from semcom_core.codecs.repobe import unpack


class AdaptiveInversion(Eavesdropper):
    """Everything that an attacker without the key can do in one pass, for any key policy.

    Against a keyed permutation it re-indexes (public) and applies a reader that is invariant
    to the key. Without a keyed plug-in "everything but the key" includes the receiver's own
    networks and the public inverse of each plug-in, so it does what the receiver does.

    Args:
        reader: :class:`~semcom_core.networks.attackers.RowSetReader`, trained on ciphertexts
            under fresh keys.
    """

    name: ClassVar[str] = "adaptive"
    threat: ClassVar[ThreatModel] = ThreatModel(
        encoder=True, algorithm=True, training="ciphertexts under fresh keys"
    )

    def __init__(self, reader: nn.Module) -> None:
        self.reader = reader

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        symbols = received.equalise()
        if any(plug_in.keyed for plug_in in knowledge.chain):
            logits, image = self.reader(unpack(symbols))
            return Loot(image, logits)
        no_keys = [[None] * len(symbols)] * len(knowledge.chain)
        decoded = knowledge.codec.decode(undo(symbols, knowledge.chain, no_keys))
        return Loot(decoded.image, decoded.logits)
