"""What an eavesdropper knows, and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from semcom_core.channels import Received
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.codecs.base import Codec
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker is assumed to have; pages print it in words.

    Attributes:
        encoder: it can run the sender's encoder (and has the public receiver networks).
        algorithm: it knows which defense is used and how it works, but not the key.
        key: it has the receiver's key.
        known_plaintexts: how many earlier messages it knows the picture of.
        training: what its own networks were trained on, or ``"nothing"``.
    """

    encoder: bool
    algorithm: bool
    key: bool = False
    known_plaintexts: int = 0
    training: str = "nothing"


@dataclass(frozen=True)
class Knowledge:
    """What an attack receives at run time. Keys are here only for the key holder.

    Attributes:
        codec: the public encoder and receiver networks.
        chain: the plug-ins in sending order (the algorithm).
        keys: for each plug-in, one key an image; ``None`` unless the threat model says so.
        known: earlier messages with known pictures, as (plain symbols, what Eve received).
    """

    codec: Codec
    chain: Sequence[PlugIn]
    keys: Sequence[Sequence[Any]] | None = None
    known: Sequence[tuple[Tensor, Received]] = ()


@dataclass(frozen=True)
class Loot:
    """What the eavesdropper ends up with.

    Attributes:
        image: (B,C,s,s) in [0,1] at any size, or ``None``.
        logits: its own direct guess of the class (B,K), or ``None`` if it makes none.
        keys: for each image the confusion key that it found, right or wrong, if it looked for one.
    """

    image: Tensor | None
    logits: Tensor | None
    keys: tuple[ConfusionKey, ...] | None = None


class Eavesdropper(ABC):
    """An attack on what one antenna heard. Stateless: networks are given, never mutated."""

    name: ClassVar[str]
    threat: ClassVar[ThreatModel]

    @abstractmethod
    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        """Make the most of one batch of intercepted messages."""


def undo(
    symbols: Tensor, chain: Sequence[PlugIn], keys: Sequence[Sequence[Any]], noise: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The receiver's side of a chain: undo the plug-ins in reverse order.

    Args:
        noise: (B,), relative noise variance of the symbols (:meth:`Received.effective`).

    Returns:
        The recovered symbols and their relative noise variance.
    """
    for plug_in, plug_in_keys in zip(reversed(chain), reversed(keys), strict=True):
        symbols = plug_in.recover(symbols, plug_in_keys, noise)
        noise = None if noise is None else plug_in.noise_after(noise)
    return symbols, noise
