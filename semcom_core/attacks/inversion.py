"""Attackers trained on each defense's own output: non-local, and the naive convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel
from semcom_core.channels import Received
from semcom_core.codecs.repobe import unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.networks.readers import Reader

OWN_OUTPUT = "20,000 other pictures, as this defense sends them"


def sealed(chain: Sequence[PlugIn]) -> Sequence[PlugIn]:
    """The leading plug-ins that not everybody can undo: up to the last with a key or a trained network."""
    for count in range(len(chain), 0, -1):
        plug_in = chain[count - 1]
        if plug_in.keyed or any(isinstance(part, nn.Module) for part in vars(plug_in).values()):
            return chain[:count]
    return chain[:0]


def heard(received: Received, chain: Sequence[PlugIn]) -> tuple[Tensor, Tensor]:
    """What a trained attacker starts from: equalised, and opened as far as anybody can.

    Going back through the chain, plug-ins are undone until one is :func:`sealed`.

    Returns:
        Linear MMSE estimates (B,n), ``(x + e)/(1 + noise)``, of what the sealed part sent (or the
        codec), and the relative noise variance (B,).
    """
    symbols, noise = received.equalise(), received.effective()[1]
    for plug_in in reversed(chain[len(sealed(chain)) :]):
        symbols = plug_in.recover(symbols, [None] * len(symbols), noise)
        noise = plug_in.noise_after(noise)
    return symbols, noise


class DefenseInversion(Eavesdropper):
    """Non-local decoder and direct class reader, trained on the very output of the defense in use.

    Where a key mixes positions the network is the reader that is invariant to it
    (:func:`semcom_core.attacks.networks_against`).

    Args:
        network: an :class:`~semcom_core.networks.inversion_reader.InversionReader`, or a
            :class:`~semcom_core.networks.readers.Reader`.
    """

    name: ClassVar[str] = "inversion"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, training=OWN_OUTPUT)

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        symbols, noise = heard(received, knowledge.chain)
        if isinstance(self.network, Reader):
            logits, image = self.network(unpack(symbols))
        else:
            logits, image = self.network(symbols, noise)
        return Loot(image.float(), logits.float())


class ConvolutionalInversion(Eavesdropper):
    """Convolutions only, but trained on the defense's own output (He et al., ACSAC 2019; CEM's attack).

    The attack that most papers report. It looks only at neighbours, so that whatever moves
    symbols stops it; :class:`DefenseInversion` shows whether that is security.

    Args:
        decoder: :class:`~semcom_core.networks.attackers.InversionDecoder`; takes 1,568 symbols.
    """

    name: ClassVar[str] = "conv"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, training=OWN_OUTPUT)

    def __init__(self, decoder: nn.Module) -> None:
        self.decoder = decoder

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        return Loot(self.decoder(unpack(heard(received, knowledge.chain)[0])).float(), None)
