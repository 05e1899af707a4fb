"""The registry of defenses: a codec (which weights) plus a chain of plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from torch import nn

from semcom_core.codecs.base import Codec
from semcom_core.codecs.robust import assemble
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.cem import PrivateFeatures, PrivateReceiver
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.diffsem import Denoise, DiffSemReceiver, SelfNoise
from semcom_core.defenses.escs import NeuralEncryption
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.defenses.randomised_response import RandomisedResponse
from semcom_core.defenses.rotation import ExactRotation, QuickRotation
from semcom_core.defenses.shuffling import ShufflingCipher


class Choices(Protocol):
    """What a chain may depend on; :class:`semcom_core.settings.LinkSettings` is one."""

    @property
    def noise(self) -> float: ...
    @property
    def snr_db(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def labels(self) -> bool: ...


ROBUST = "adv_repobe"
"""RepObE's adversarially trained link (:mod:`semcom_core.training.adversarial`)."""
Parts = Mapping[str, nn.Module]
"""Trained networks of a defense by weights name; ``"codec"`` is the codec in use."""
NO_PARTS: Parts = MappingProxyType({})


@dataclass(frozen=True)
class Defense:
    """What a visitor picks.

    Attributes:
        name: registry key and URL value.
        chain: plug-ins in sending order, from the visitor's choices and the trained parts.
        codec: name of the codec's weights within the domain.
        own_encoder: which of ``networks`` brings an encoder of its own; the codec's is used if empty.
        networks: names of the weights within the domain that the chain needs.
        keyed: whether a key stands between the eavesdropper and the features.
        domains: where it was trained; everywhere if empty.
        uses_noise, uses_steps: which choices it heeds.
        heeds_snr: whether the sender's plug-ins depend on the receiver's mean SNR.
        receiver: from codec and parts the codec with a receiver of the defense's own, if it has one.
    """

    name: str
    chain: Callable[[Choices, Parts], tuple[PlugIn, ...]]
    codec: str = "base"
    networks: tuple[str, ...] = ()
    keyed: bool = False
    domains: tuple[str, ...] = ()
    uses_noise: bool = False
    uses_steps: bool = False
    heeds_snr: bool = False
    receiver: Callable[[Codec, Parts], Codec] | None = None
    own_encoder: str = ""

    @property
    def encoder(self) -> str:
        """Name of the weights that decide a picture's symbols before the chain."""
        return self.own_encoder or self.codec

    @property
    def ciphers_base(self) -> bool:
        """Whether it only puts a key between sender and receiver of the base codec.

        A permutation or rotation of the symbols leaves the law of the noise as it is, and the
        receiver undoes it exactly: it has the figures of the bare link.
        """
        return self.keyed and self.codec == "base" and not self.networks

    def available(self, domain: str) -> bool:
        """Whether there is such a link for this domain."""
        return not self.domains or domain in self.domains


def _private(name: str, domains: tuple[str, ...] = ()) -> Defense:
    """One arm of CEM's comparison: private features, then noise; the weights have the arm's name."""
    return Defense(
        name,
        lambda choices, parts: (PrivateFeatures(parts[name].head), AdditiveNoise(choices.noise)),
        networks=(name,),
        domains=domains,
        uses_noise=True,
        receiver=lambda codec, parts: PrivateReceiver(codec, parts[name]),
    )


def _own_codec(name: str, *chain: PlugIn, domain: str = "digits") -> Defense:
    """A baseline for one domain with a codec of its own; the weights have the defense's name."""
    return Defense(name, lambda choices, parts: chain, codec=name, domains=(domain,))


DEFENSES: dict[str, Defense] = {
    defense.name: defense
    for defense in (
        Defense("none", lambda choices, parts: ()),
        Defense("repobe", lambda choices, parts: (ConfusionCipher(),), keyed=True),
        Defense(
            "repobe_complete",
            lambda choices, parts: (ConfusionCipher(),),
            networks=(ROBUST,),
            keyed=True,
            domains=("digits", "objects"),
            receiver=lambda codec, parts: assemble(codec, parts[ROBUST]),
            own_encoder=ROBUST,
        ),
        Defense(
            "shuffling", lambda choices, parts: (ShufflingCipher(),), keyed=True, domains=("digits", "photographs")
        ),
        Defense("rotation", lambda choices, parts: (ExactRotation(),), keyed=True),
        Defense("rotation_fast", lambda choices, parts: (QuickRotation(),), keyed=True),
        Defense("noise", lambda choices, parts: (AdditiveNoise(choices.noise),), uses_noise=True),
        _own_codec("necst"),
        _own_codec("necst_dp_005", RandomisedResponse(0.05)),
        _own_codec("necst_dp_09", RandomisedResponse(0.9)),
        _own_codec("ibal"),
        _own_codec("ibal_wide"),
        Defense(
            "escs",
            lambda choices, parts: (NeuralEncryption(parts["codec"].encryptor, parts["codec"].decryptor),),
            codec="escs",
            keyed=True,
            domains=("digits",),
        ),
        Defense(
            "diffsem",
            lambda choices, parts: (
                Denoise(parts["diffsem"], parts["codec"].classifier, choices.steps, choices.labels),
                SelfNoise(choices.noise, choices.snr_db),
            ),
            networks=("diffsem",),
            domains=("digits", "objects"),
            uses_noise=True,
            uses_steps=True,
            heeds_snr=True,
            receiver=lambda codec, parts: DiffSemReceiver(codec, parts["diffsem"]),
        ),
        _own_codec("vae", domain="objects"),
        _own_codec("jpeg2000", domain="objects"),
        _private("cem"),
        _private("cem_off"),
        _private("arl", domains=("objects",)),
        _private("arl_cem", domains=("objects",)),
        Defense(
            "workbench",
            lambda choices, parts: (AdditiveNoise(choices.noise),),
            codec="workbench",
            domains=("digits",),
            uses_noise=True,
        ),
    )
}
