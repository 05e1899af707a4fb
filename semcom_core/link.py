r"""The signal path: encode → send → receive → eavesdrop, and :func:`transmit`, all four.

::

    native picture ─ enlarge ─ codec.encode ─ s ─ protect ─ x ─┬─ channel ─ equalise ─ recover ─ decode
                                                                └─ Eve's channel ─ eavesdropper
    The judge reads the sent picture and both results.

Each stage is a pure function of its arguments: equal settings, picture and key source give
equal numbers in every session and after a restart. Randomness is one ``torch.Generator`` a
purpose, derived from the seed, so that changing the key never changes the noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from semcom_core import manifest
from semcom_core.attacks import EAVESDROPPERS, default_attacker, fits, needed_against, networks_against
from semcom_core.attacks.base import Knowledge, Loot, undo
from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeySource, message_nonce
from semcom_core.ciphers.keyspace import agreement
from semcom_core.codecs.base import Codec, Decoded, IdealCodec
from semcom_core.defenses import DEFENSES, NO_PARTS, Defense, Parts
from semcom_core.defenses.base import PlugIn
from semcom_core.domains import DOMAINS, Domain
from semcom_core.metrics import psnr, ssim
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.networks.judge import energy
from semcom_core.networks.quick import quicken
from semcom_core.settings import LinkSettings

if TYPE_CHECKING:
    from semcom_core.weights import Located


@dataclass(frozen=True)
class LinkModels:
    """The networks of one domain's link, shared by all sessions and never changed.

    Attributes:
        codec: the codec of the defense in use.
        attacks: networks of the eavesdroppers, by name.
        located: where each came from; empty for networks that were never saved.
        parts: trained networks that the defense's plug-ins need.
    """

    domain: Domain
    codec: Codec
    judge: nn.Module
    attacks: dict[str, nn.Module]
    located: tuple[Located, ...] = ()
    parts: Parts = field(default_factory=dict)


@dataclass(frozen=True)
class Encoded:
    """Stage 1. ``native`` (B,C,n,n); ``symbols`` s (B,1568); one clear-text digest an image."""

    native: Tensor
    symbols: Tensor
    digests: tuple[bytes, ...]


@dataclass(frozen=True)
class Sent:
    """Stage 2. ``x`` (B,1568) on the air; ``keys`` for each plug-in, one an image."""

    x: Tensor
    chain: tuple[PlugIn, ...]
    keys: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Reading:
    """A picture as a party has it, and what is read from it.

    Attributes:
        native: (B,C,n,n) at the domain's native size, or ``None`` if there is no picture.
        logits: the party's own class logits (B,K), or ``None``.
        judged: the judge's logits on the picture (B,K), or ``None``.
        foreign: whether the judge finds the picture unlike all classes (B,), or ``None``.
        psnr, ssim: against the sent picture, at native size, (B,); ``None`` without a picture.
    """

    native: Tensor | None
    logits: Tensor | None
    judged: Tensor | None
    foreign: Tensor | None
    psnr: Tensor | None
    ssim: Tensor | None


@dataclass(frozen=True)
class Reception:
    """Stage 3: what arrived, what the plug-ins made of it, and the receiver's reading."""

    received: Received
    equalised: Tensor
    recovered: Tensor
    reading: Reading


@dataclass(frozen=True)
class Eavesdropping:
    """Stage 4: the attacker by name, what it heard, and its reading.

    ``key_agreement`` is the share of the 28+28 key entries that a key-recovering attacker got
    right (canonical form), else ``None``.
    """

    attacker: str
    received: Received
    reading: Reading
    key_agreement: float | None


@dataclass(frozen=True)
class Transmission:
    """Everything about one transmission of one picture."""

    settings: LinkSettings
    encoded: Encoded
    sent: Sent
    reception: Reception
    eavesdropping: Eavesdropping
    sent_judged: Tensor
    foreign: bool


Load = Callable[[str], tuple[nn.Module, "Located"]]


def load_network(name: str) -> tuple[nn.Module, Located]:
    """One network with its batch norms folded, and where it came from.

    Raises:
        WeightsError: a file is missing, tampered with or cannot be fetched.
    """
    from semcom_core import weights

    loaded = weights.load(name)
    return fold_batch_norm(loaded.module), loaded.located


def load_live(name: str) -> tuple[nn.Module, Located]:
    """The same as the pages run it: picture decoders in bf16 where that pays (:mod:`semcom_core.networks.quick`).

    Raises:
        WeightsError: see :func:`load_network`.
    """
    module, located = load_network(name)
    return quicken(module), located


def load_models(domain: str, defense: str = "none", load: Load = load_network) -> LinkModels:
    """All networks of a domain's link under one defense, from the weights folder or the Hub.

    Args:
        load: how to load one network; a server passes one that shares them between defenses.

    Raises:
        WeightsError: see :func:`load_network`.
    """
    chosen, trained = DEFENSES[defense], set(manifest.names())
    codec, judge = f"{domain}/{chosen.codec}", f"{domain}/judge"
    attacks = {
        role: f"{domain}/{name}" for role, name in networks_against(chosen).items() if f"{domain}/{name}" in trained
    }
    parts = {name: f"{domain}/{name}" for name in chosen.networks}
    loaded = {name: load(name) for name in dict.fromkeys((codec, judge, *attacks.values(), *parts.values()))}
    chain_parts = {"codec": loaded[codec][0]} | {role: loaded[name][0] for role, name in parts.items()}
    return LinkModels(
        DOMAINS[domain],
        chosen.receiver(loaded[codec][0], chain_parts) if chosen.receiver else loaded[codec][0],
        loaded[judge][0],
        {role: loaded[name][0] for role, name in attacks.items()},
        tuple(located for _, located in loaded.values()),
        chain_parts,
    )


def trained_defenses(domain: str) -> list[str]:
    """Names of the defenses that a domain's weights are there for."""
    trained = set(manifest.names())

    def needed(one: Defense) -> set[str]:
        return {f"{domain}/{part}" for part in (one.codec, *one.networks, *needed_against(one))}

    return [name for name, one in DEFENSES.items() if one.available(domain) and needed(one) <= trained]


def trained_attackers(domain: str, defense: str) -> list[str]:
    """Names of the eavesdroppers that can be sent against a defense."""
    chosen, trained = DEFENSES[defense], set(manifest.names())
    roles = {role for role, name in networks_against(chosen).items() if f"{domain}/{name}" in trained}
    return [name for name in EAVESDROPPERS if fits(name, chosen, roles)]


def generator(seed: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose (Bob's channel, Eve's channel, …)."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def digest(native: Tensor) -> bytes:
    """SHA-256 of one prepared picture (C,n,n): the cache key, and part of the nonce."""
    return hashlib.sha256(native.contiguous().numpy().tobytes()).digest()


@torch.inference_mode()
def encode(models: LinkModels, native: Tensor) -> Encoded:
    """Stage 1: prepared pictures (B,C,n,n) in [0,1] to symbols."""
    image = models.domain.enlarge(native, models.codec.size).contiguous(memory_format=torch.channels_last)
    return Encoded(native, models.codec.encode(image), tuple(digest(one) for one in native))


@torch.inference_mode()
def send(encoded: Encoded, settings: LinkSettings, source: KeySource, parts: Parts = NO_PARTS) -> Sent:
    """Stage 2: protect the symbols. Keys come from the key source, noise from the seed.

    Args:
        parts: ``models.parts``, for defenses with trained plug-ins.
    """
    chain = settings.chosen_defense.chain(settings, parts)
    keys = tuple(
        tuple(_message_key(plug_in, settings, source, one, settings.message) for one in encoded.digests)
        for plug_in in chain
    )
    x = encoded.symbols
    for number, (plug_in, plug_in_keys) in enumerate(zip(chain, keys, strict=True)):
        x = plug_in.protect(x, plug_in_keys, generator(settings.seed, f"sender/{number}"))
    return Sent(x, chain, keys)


@torch.inference_mode()
def receive(models: LinkModels, encoded: Encoded, sent: Sent, settings: LinkSettings) -> Reception:
    """Stage 3: the legitimate receiver, who has the keys."""
    received = propagate(CHANNELS[settings.channel], sent.x, settings.snr_db, generator(settings.seed, "bob"))
    return decode_reception(models, encoded.native, sent, received)


@torch.inference_mode()
def decode_reception(models: LinkModels, native: Tensor, sent: Sent, received: Received) -> Reception:
    """What the receiver makes of given samples (split from :func:`receive` for tests)."""
    equalised = received.equalise()
    recovered, noise = undo(equalised, sent.chain, sent.keys, received.effective()[1])
    if isinstance(models.codec, IdealCodec):
        decoded = _deliver(models.codec, native, received, float(-10.0 * torch.log10(received.sigma2.reshape(-1)[0])))
    else:
        decoded = models.codec.decode(recovered, noise)
    return Reception(received, equalised, recovered, read(models, native, decoded))


@torch.inference_mode()
def eavesdrop(
    models: LinkModels,
    encoded: Encoded,
    sent: Sent,
    settings: LinkSettings,
    source: KeySource,
    known: Encoded | None = None,
    received: Received | None = None,
) -> Eavesdropping:
    """Stage 4: the eavesdropper, at its own antenna with its own SNR.

    Args:
        received: what it heard, if that was not the whole message (:mod:`semcom_core.knobs`).
        known: an earlier message (one image) whose picture the attacker knows; it was sent
            under the same settings with message number ``settings.message + 2³⁰``. Needed by
            attacks whose threat model has known plaintexts.
    """
    name = settings.chosen_attacker
    attack = EAVESDROPPERS[name](models.attacks)
    channel, snr_db = CHANNELS[settings.channel], settings.chosen_eve_snr_db
    if received is None:
        received = propagate(channel, sent.x, snr_db, generator(settings.seed, "eve"))

    earlier: list[tuple[Tensor, Received]] = []
    if attack.threat.known_plaintexts:
        if known is None:
            raise ValueError(f"The attacker {name!r} needs an earlier message with a known picture.")
        earlier_sent = send(known, _earlier(settings), source, models.parts)
        heard = propagate(channel, earlier_sent.x, snr_db, generator(settings.seed, "eve/earlier"))
        earlier.append((known.symbols, heard))

    knowledge = Knowledge(models.codec, sent.chain, sent.keys if attack.threat.key else None, earlier)
    if isinstance(models.codec, IdealCodec) and name in (
        default_attacker(settings.chosen_defense, settings.policy),
        "key_holder",
    ):
        loot = Loot(
            *_deliver(models.codec, encoded.native, received, settings.snr_db)
        )  # nothing stands in its way but its channel
    else:
        loot = attack.intercept(received, knowledge)
    share = None if loot.keys is None else _agreement(loot.keys, sent)
    return Eavesdropping(name, received, read(models, encoded.native, loot), share)


def _deliver(codec: IdealCodec, native: Tensor, received: Received, snr_db: float) -> Decoded:
    """What Shannon's limit lets an antenna have; it knows its channel, or it could not be at the limit."""
    power = received.h.abs().square()
    capacity = torch.log2(1.0 + power / received.sigma2).mean(1)  # over the symbols, where each has its own fade
    return codec.deliver(native, snr_db, 1.0 / (2.0**capacity - 1.0).clamp_min(1e-9), bool((received.h != 1).any()))


@torch.inference_mode()
def read(models: LinkModels, native: Tensor, result: Decoded | Loot) -> Reading:
    """Judge and measure a party's picture against the sent one, at native size."""
    if result.image is None:
        return Reading(None, result.logits, None, None, None, None)
    picture = models.domain.to_native(result.image).clamp(0.0, 1.0)
    judged = models.judge(picture)
    foreign = energy(judged) > models.judge.energy_threshold
    return Reading(picture, result.logits, judged, foreign, psnr(picture, native), ssim(picture, native))


def transmit(
    models: LinkModels,
    native: Tensor,
    settings: LinkSettings,
    source: KeySource | None = None,
    known: Encoded | None = None,
) -> Transmission:
    """All four stages for one prepared picture (1,C,n,n).

    Args:
        source: the key source; the published demo key if omitted.
        known: see :func:`eavesdrop`.
    """
    source = source or KeySource.published()
    encoded = encode(models, native)
    sent = send(encoded, settings, source, models.parts)
    reception = receive(models, encoded, sent, settings)
    eavesdropping = eavesdrop(models, encoded, sent, settings, source, known)
    return compose(models, settings, encoded, sent, reception, eavesdropping)


@torch.inference_mode()
def judge_sent(models: LinkModels, encoded: Encoded) -> Tensor:
    """The judge's logits on the pictures as sent (B,K)."""
    return models.judge(encoded.native)


@torch.inference_mode()
def compose(
    models: LinkModels,
    settings: LinkSettings,
    encoded: Encoded,
    sent: Sent,
    reception: Reception,
    eavesdropping: Eavesdropping,
    sent_judged: Tensor | None = None,
) -> Transmission:
    """Put the (separately cacheable) stages together.

    Args:
        sent_judged: from :func:`judge_sent`, if it is known already.
    """
    if sent_judged is None:
        sent_judged = judge_sent(models, encoded)
    foreign = bool(energy(sent_judged)[0] > models.judge.energy_threshold)
    return Transmission(settings, encoded, sent, reception, eavesdropping, sent_judged, foreign)


def confusion_key(sent: Sent, number: int = 0) -> ConfusionKey | None:
    """The key of the confusion-offset cipher for one image, if that cipher is in the chain."""
    return next((keys[number] for keys in sent.keys if isinstance(keys[number], ConfusionKey)), None)


def _message_key(plug_in: PlugIn, settings: LinkSettings, source: KeySource, one: bytes, message: int) -> Any:
    stream = source.stream(
        plug_in.name,
        settings.policy,
        seed=settings.seed,
        session=settings.session,
        nonce=message_nonce(one, message),
    )
    return plug_in.key(stream)


def _agreement(found: Sequence[ConfusionKey], sent: Sent) -> float:
    """Share of the 28+28 entries that are right in canonical form, over all images."""
    return float(np.mean([agreement(one, confusion_key(sent, number)) for number, one in enumerate(found)]))


def _earlier(settings: LinkSettings) -> LinkSettings:
    """The settings of an earlier message of the same sender."""
    return replace(settings, message=(settings.message + 2**30) % 2**31)
