"""The registry of eavesdroppers, and the default one for each key policy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from torch import nn

from semcom_core.attacks.adaptive import PRIOR, READERS, AdaptiveInversion
from semcom_core.attacks.base import Eavesdropper
from semcom_core.attacks.diffusion_prior import DiffusionPrior
from semcom_core.attacks.inversion import ConvolutionalInversion, DefenseInversion
from semcom_core.attacks.key_holder import KeyHolder
from semcom_core.attacks.known_plaintext import KnownPlaintext
from semcom_core.attacks.learned import LearnedInversion
from semcom_core.attacks.naive import NaiveInversion
from semcom_core.attacks.ridge import Ridge
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import Defense

EAVESDROPPERS: dict[str, Callable[[Mapping[str, nn.Module]], Eavesdropper]] = {
    AdaptiveInversion.name: AdaptiveInversion,
    KnownPlaintext.name: lambda networks: KnownPlaintext(),
    LearnedInversion.name: lambda networks: LearnedInversion(networks["learned"]),
    NaiveInversion.name: lambda networks: NaiveInversion(networks["naive"]),
    KeyHolder.name: lambda networks: KeyHolder(),
    Ridge.name: lambda networks: Ridge(networks[Ridge.name]),
    DefenseInversion.name: lambda networks: DefenseInversion(networks[DefenseInversion.name]),
    ConvolutionalInversion.name: lambda networks: ConvolutionalInversion(networks[ConvolutionalInversion.name]),
    DiffusionPrior.name: lambda networks: DiffusionPrior(networks[DiffusionPrior.name]),
}
"""By name, from the attack networks of a domain (weights ``<domain>/naive`` and so on)."""

NETWORKS = (NaiveInversion.name, LearnedInversion.name, PRIOR, *dict.fromkeys(READERS.values()))
"""Names of the trained networks that attacks on the base codec use, where they were trained."""
RIDGE, INVERSION, CONV = Ridge.name, DefenseInversion.name, ConvolutionalInversion.name
SMALL = "workbench"
"""The codec that may have no picture decoder for an attacker to use; its own attacker comes with it."""
DENOISER = "diffsem"
"""The weights that hold the denoiser of plain features."""


def networks_against(defense: Defense) -> dict[str, str]:
    """The attackers' networks that face one defense: role -> weights name within a domain.

    Every defense has attackers trained on its own output. Where a key mixes the features of the
    base codec, the non-local decoder and class reader is the one that knows the cipher. An encoder
    of a defense's own has all of its attackers trained on that encoder's features.
    """
    own = {RIDGE: f"{RIDGE}_{defense.name}", INVERSION: f"{INVERSION}_{defense.name}"}
    if defense.codec != "base":
        return own
    base = {name: f"{name}_{defense.name}" if defense.own_encoder else name for name in NETWORKS}
    own[CONV] = f"{CONV}_{defense.name}" if defense.name != "none" else NaiveInversion.name
    if not defense.keyed and (not defense.networks or DENOISER in defense.networks):
        own[DiffusionPrior.name] = DENOISER
    readers = {
        "repobe": "confusion",
        "repobe_complete": "confusion",
        "shuffling": "shuffling",
        "rotation": "rotation_exact",
        "rotation_fast": "rotation_fast",
    }
    if defense.name in readers:
        own[INVERSION] = base[READERS[readers[defense.name]]]
    return base | own


def needed_against(defense: Defense) -> tuple[str, ...]:
    """Weights of attackers without which a defense is not offered.

    Where it brings an encoder of its own, the usual attackers would be weak ones, and it would look good. Where
    it brings a codec with a key, the reader that was trained on its output is all that can be sent against it.
    """
    roles = networks_against(defense)
    if defense.own_encoder:
        return roles[PRIOR], roles[INVERSION]
    return (roles[INVERSION],) if defense.keyed and defense.codec != "base" else ()


THREATS = {
    attack.name: attack.threat
    for attack in (
        AdaptiveInversion, KnownPlaintext, LearnedInversion, NaiveInversion, KeyHolder, Ridge, DefenseInversion,
        ConvolutionalInversion, DiffusionPrior,
    )
}  # fmt: skip


def fits(attacker: str, defense: Defense, networks: Collection[str]) -> bool:
    """Whether an eavesdropper can be sent against a defense.

    Args:
        networks: roles of the trained networks that face it (:func:`networks_against`).
    """
    if attacker in (AdaptiveInversion.name, KeyHolder.name):
        return True
    if attacker == KnownPlaintext.name:
        return defense.codec == "base" and (defense.keyed or not defense.networks)
    return attacker in networks


def default_attacker(defense: Defense, policy: KeyPolicy) -> str:
    """The strongest attacker without the key: it follows the key policy."""
    if defense.codec == SMALL:
        return DefenseInversion.name
    if defense.keyed and defense.codec == "base" and policy is not KeyPolicy.MESSAGE:
        return KnownPlaintext.name
    return AdaptiveInversion.name
