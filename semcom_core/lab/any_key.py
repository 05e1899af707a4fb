"""What an attacker makes of single messages under ever new keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from semcom_core.attacks import EAVESDROPPERS
from semcom_core.attacks.adaptive import READERS, AdaptiveInversion
from semcom_core.attacks.base import Knowledge
from semcom_core.channels import CHANNELS, propagate
from semcom_core.defenses.base import PlugIn
from semcom_core.lab.material import lab_key
from semcom_core.link import Encoded, LinkModels, Reading, generator, read


def keyless_attacks() -> list[str]:
    """Attacks that were made for ciphers under a key per message: no key, no known pictures."""
    return [AdaptiveInversion.name]


def readable(models: LinkModels, plug_in: PlugIn) -> bool:
    """Whether an attacker trained for this plug-in's ciphertexts is among the domain's networks."""
    return READERS.get(plug_in.name) in models.attacks


@torch.inference_mode()
def read_without_key(
    models: LinkModels, attack: str, plug_in: PlugIn | None, encoded: Encoded, snr_db: float, keys: int, first: int = 0
) -> Reading:
    """One picture sent ``keys`` times, each under a fresh key and with fresh noise; the attacker's readings (keys,…).

    Args:
        attack: a name in :data:`~semcom_core.attacks.EAVESDROPPERS`.
        encoded: one picture.
        first: number of the first message, so that two calls share no key.
    """
    s = encoded.symbols.expand(keys, -1)
    x: Tensor = s
    if plug_in is not None:
        x = plug_in.protect(s, [lab_key(plug_in, 0, first + k) for k in range(keys)], generator(first, "lab/sender"))
    received = propagate(CHANNELS["awgn"], x, snr_db, generator(first, "lab/any_key"))
    chain = () if plug_in is None else (plug_in,)
    loot = EAVESDROPPERS[attack](models.attacks).intercept(received, Knowledge(models.codec, chain))
    return read(models, encoded.native.expand(keys, -1, -1, -1), loot)


@dataclass(frozen=True)
class AnyKeyRow:
    """One picture under ``keys`` fresh keys.

    Attributes:
        number: which picture.
        label: its class.
        answers: how often each class was answered (K,), ``None`` if the attacker names no class.
        seen: the same for the judge on the attacker's picture, ``None`` without a picture.
        psnr_db: mean of its pictures, ``None`` without.
    """

    number: int
    label: int
    answers: list[int] | None
    seen: list[int] | None
    psnr_db: float | None


def over_pictures(
    models: LinkModels,
    attack: str,
    plug_in: PlugIn | None,
    pictures: Encoded,
    labels: list[int],
    snr_db: float,
    keys: int,
) -> Iterator[AnyKeyRow]:
    """One row a picture."""
    for number, label in enumerate(labels):
        one = Encoded(
            pictures.native[number : number + 1], pictures.symbols[number : number + 1], pictures.digests[number:][:1]
        )
        reading = read_without_key(models, attack, plug_in, one, snr_db, keys, first=1000 * (number + 1))
        psnr = None if reading.psnr is None else float(reading.psnr.mean())
        yield AnyKeyRow(number, label, _votes(reading.logits), _votes(reading.judged), psnr)


def _votes(logits: Tensor | None) -> list[int] | None:
    if logits is None:
        return None
    return torch.bincount(logits.argmax(1), minlength=logits.shape[1]).tolist()
