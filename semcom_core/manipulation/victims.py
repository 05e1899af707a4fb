r"""Links as victims: where the perturbation enters, and everything behind it.

::

    native ─(+)─ enlarge ─(+)─ codec.encode ─ protect ─(+)─ channel ─ equalise ─ recover ─ classify
        "native"      "enlarged"                  "symbols"

A purifier or a cipher is a plug-in of the chain, so gradients pass through it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from semcom_core.attacks.base import undo
from semcom_core.attacks.white_box import code_of
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.base import Codec
from semcom_core.defenses.base import PlugIn
from semcom_core.domains import Domain
from semcom_core.manipulation.base import Linf, Region, Victim, power_region, probe

Placement = Literal["native", "enlarged", "symbols"]
PLACEMENTS: tuple[Placement, ...] = ("native", "enlarged", "symbols")
EPS = 0.016
"""RepObE's radius, pixels in [0,1] (about 4/255)."""
POWER_DB = -20.0
"""Usual power of a perturbation on the air relative to the signal."""


@dataclass(frozen=True, eq=False)
class LinkVictim(Victim):
    """One link: networks, plug-ins and channel.

    Attributes:
        codec: with the networks of the receiver; evaluation mode, no gradients to its weights.
        chain: plug-ins in sending order. Where an attacker on the air lacks the key, it plans
            against a chain without the keyed plug-ins.
        keys: for each plug-in one key an image; ``None`` where none is keyed.
        channel, snr_db: registry name, and mean SNR.
    """

    domain: Domain
    codec: Codec
    origin: Tensor
    region: Region
    channel: str
    snr_db: float
    chain: Sequence[PlugIn] = ()
    keys: Sequence[Sequence[Any]] | None = None

    def take(self, index: Tensor) -> LinkVictim:
        chosen = index.tolist()
        keys = None if self.keys is None else [[each[i] for i in chosen] for each in self.keys]
        return replace(self, origin=self.origin[index], keys=keys)

    def _keys(self, batch: int) -> Sequence[Sequence[Any]]:
        return self.keys if self.keys is not None else [[None] * batch] * len(self.chain)

    def _encode(self, image: Tensor) -> Tensor:
        return code_of(self.codec, image.contiguous(memory_format=torch.channels_last))

    def _protect(self, s: Tensor, generator: torch.Generator) -> Tensor:
        for plug_in, keys in zip(self.chain, self._keys(len(s)), strict=True):
            s = plug_in.protect(s, keys, generator)
        return s

    def _read(self, x: Tensor, generator: torch.Generator) -> Tensor:
        received = propagate(CHANNELS[self.channel], x, self.snr_db, generator)
        symbols, noise = undo(received.equalise(), self.chain, self._keys(len(x)), received.effective()[1])
        return self.codec.classify(symbols, noise)

    @abstractmethod
    def native(self, x: Tensor) -> Tensor:
        """The picture (B,C,n,n) that a point stands for."""


@dataclass(frozen=True, eq=False)
class NativeVictim(LinkVictim):
    """The perturbation is on the native picture (B,C,n,n), before it is enlarged."""

    def send(self, x: Tensor) -> Tensor:
        return self._encode(self.domain.enlarge(x, self.codec.size))

    def receive(self, sent: Tensor, generator: torch.Generator) -> Tensor:
        return self._read(self._protect(sent, generator), generator)

    def native(self, x: Tensor) -> Tensor:
        return x


@dataclass(frozen=True, eq=False)
class EnlargedVictim(NativeVictim):
    """The perturbation is on the picture as the codec takes it (B,C,224,224): 64 times as many unknowns."""

    def send(self, x: Tensor) -> Tensor:
        return self._encode(x)

    def native(self, x: Tensor) -> Tensor:
        return self.domain.to_native(x).clamp(0.0, 1.0)


@dataclass(frozen=True, eq=False)
class AirVictim(LinkVictim):
    """The perturbation ``δ`` is added on the air: real and imaginary parts (B,n,2), clean point 0.

    Attributes:
        symbols: what the codec sends (B,n).
        pictures: the pictures behind them (B,C,n,n).
    """

    symbols: Tensor = field(default_factory=lambda: torch.empty(0))
    pictures: Tensor = field(default_factory=lambda: torch.empty(0))

    def send(self, x: Tensor) -> Tensor:
        return torch.view_as_complex(x.contiguous())

    def receive(self, sent: Tensor, generator: torch.Generator) -> Tensor:
        return self._read(self._protect(self.symbols, generator) + sent, generator)

    def take(self, index: Tensor) -> AirVictim:
        return replace(super().take(index), symbols=self.symbols[index], pictures=self.pictures[index])

    def native(self, x: Tensor) -> Tensor:
        return self.pictures


def link_victim(
    placement: Placement,
    domain: Domain,
    codec: Codec,
    native: Tensor,
    channel: str,
    snr_db: float,
    chain: Sequence[PlugIn] = (),
    keys: Sequence[Sequence[Any]] | None = None,
    eps: float = EPS,
    power_db: float = POWER_DB,
) -> LinkVictim:
    """A link under attack.

    Args:
        native: clean pictures (B,C,n,n) in [0,1].
        eps: radius in pixels, for perturbed pictures.
        power_db: power of the perturbation relative to the signal, on the air.

    Raises:
        ValueError: no such placement.
    """
    with torch.inference_mode(False), torch.no_grad():
        native = native.clone()  # a page may have made it in inference mode, which gradients refuse
        common = {"channel": channel, "snr_db": snr_db, "chain": chain, "keys": keys}
        if placement == "native":
            return NativeVictim(domain, codec, native, Linf(eps), **common)
        enlarged = domain.enlarge(native, codec.size)
        if placement == "enlarged":
            return EnlargedVictim(domain, codec, enlarged, Linf(eps), **common)
        if placement != "symbols":
            raise ValueError(f"There is no placement {placement!r}; there are {', '.join(PLACEMENTS)}.")
        symbols = code_of(codec, enlarged.contiguous(memory_format=torch.channels_last))
        region = power_region(power_db, symbols.shape[1])
        origin = torch.zeros(*symbols.shape, 2)
        return AirVictim(domain, codec, origin, region, symbols=symbols, pictures=native, **common)


@dataclass(frozen=True)
class Score:
    """What the receiver makes of points, over independent channel draws.

    Attributes:
        right: share of the draws in which each is read right (B,): a receiver has one draw.
        decided: whether the mean of the class probabilities over the draws is right (B,).
    """

    right: Tensor
    decided: Tensor


def score(victim: Victim, x: Tensor, labels: Tensor, generator: torch.Generator, draws: int = 1) -> Score:
    """Read points under ``draws`` channel draws."""
    logits = probe(victim, x, lambda: generator, draws)
    right = (logits.argmax(2) == labels).float().mean(0)
    return Score(right, logits.softmax(2).mean(0).argmax(1) == labels)
