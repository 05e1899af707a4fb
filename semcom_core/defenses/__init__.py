"""The registry of defenses: a codec (which weights) plus a chain of plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.defenses.rotation import ExactRotation, QuickRotation
from semcom_core.defenses.shuffling import ShufflingCipher


@dataclass(frozen=True)
class Defense:
    """What a visitor picks.

    Attributes:
        name: registry key and URL value.
        chain: plug-ins in sending order, from the visitor's noise level.
        codec: name of the codec's weights within the domain.
    """

    name: str
    chain: Callable[[float], tuple[PlugIn, ...]]
    codec: str = "base"
    uses_noise: bool = False

    @property
    def keyed(self) -> bool:
        """Whether a key stands between the eavesdropper and the features."""
        return any(plug_in.keyed for plug_in in self.chain(0.0))


DEFENSES: dict[str, Defense] = {
    defense.name: defense
    for defense in (
        Defense("none", lambda sigma: ()),
        Defense("repobe", lambda sigma: (ConfusionCipher(),)),
        Defense("shuffling", lambda sigma: (ShufflingCipher(),)),
        Defense("rotation", lambda sigma: (ExactRotation(),)),
        Defense("rotation_fast", lambda sigma: (QuickRotation(),)),
        Defense("noise", lambda sigma: (AdditiveNoise(sigma),), uses_noise=True),
    )
}
