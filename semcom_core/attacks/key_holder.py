"""The upper bound: an eavesdropper who has the receiver's key."""

from __future__ import annotations

from typing import ClassVar

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel, undo
from semcom_core.channels import Received


class KeyHolder(Eavesdropper):
    """Does what the receiver does, at its own antenna."""

    name: ClassVar[str] = "key_holder"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, key=True)

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        if knowledge.keys is None:
            raise ValueError("The key holder needs the keys.")
        decoded = knowledge.codec.decode(
            *undo(received.equalise(), knowledge.chain, knowledge.keys, received.effective()[1])
        )
        return Loot(decoded.image, decoded.logits)
