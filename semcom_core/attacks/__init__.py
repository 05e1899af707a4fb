"""The registry of eavesdroppers, and the default one for each key policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from semcom_core.attacks.adaptive import PRIOR, READERS, AdaptiveInversion
from semcom_core.attacks.base import Eavesdropper
from semcom_core.attacks.key_holder import KeyHolder
from semcom_core.attacks.known_plaintext import KnownPlaintext
from semcom_core.attacks.learned import LearnedInversion
from semcom_core.attacks.naive import NaiveInversion
from semcom_core.ciphers.keys import KeyPolicy

EAVESDROPPERS: dict[str, Callable[[Mapping[str, nn.Module]], Eavesdropper]] = {
    AdaptiveInversion.name: AdaptiveInversion,
    KnownPlaintext.name: lambda networks: KnownPlaintext(),
    LearnedInversion.name: lambda networks: LearnedInversion(networks["learned"]),
    NaiveInversion.name: lambda networks: NaiveInversion(networks["naive"]),
    KeyHolder.name: lambda networks: KeyHolder(),
}
"""By name, from the attack networks of a domain (weights ``<domain>/naive`` and so on)."""

NETWORKS = (NaiveInversion.name, LearnedInversion.name, PRIOR, *dict.fromkeys(READERS.values()))
"""Names of the trained networks that attacks need, in every domain."""

THREATS = {
    attack.name: attack.threat
    for attack in (AdaptiveInversion, KnownPlaintext, LearnedInversion, NaiveInversion, KeyHolder)
}


def default_attacker(keyed: bool, policy: KeyPolicy) -> str:
    """The strongest attacker without the key: it follows the key policy."""
    if keyed and policy is not KeyPolicy.MESSAGE:
        return KnownPlaintext.name
    return AdaptiveInversion.name
