"""The one registry of trained modules: what a ``config.json`` may name, and with which numbers.

A new trained module is one line in :data:`MODELS`. A configuration chooses a name and bounded
integers; nothing in it is ever imported, evaluated or called by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from torch import nn

from semcom_core.codecs.escs import ESCSCodec
from semcom_core.codecs.ibal import IBALCodec
from semcom_core.codecs.jpeg2000 import JPEG2000Codec
from semcom_core.codecs.necst import NECSTCodec
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.codecs.small import SmallCodec
from semcom_core.codecs.vae import VAECodec
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.denoiser import DiffSemNetworks
from semcom_core.networks.feature_prior import FeaturePrior
from semcom_core.networks.inversion_reader import DenseInversion, MixerReader
from semcom_core.networks.judge import Judge
from semcom_core.networks.private_head import PrivateLink
from semcom_core.networks.readers import CellSetReader, DenseReader, RowSetReader
from semcom_core.networks.ridge import RidgeInversion
from semcom_core.networks.robust_link import RobustLink
from semcom_core.networks.small import SmallInversion

GREY_OR_COLOUR = (1, 3)
CLASSES = range(2, 1001)
SIZES = (28, 32, 128, 224)


@dataclass(frozen=True)
class ModelSpec:
    """How a registered module is built.

    Attributes:
        factory: called with the integer arguments by keyword.
        allowed: for each argument the integers it may take: a ``range``, or a tuple of choices.
            Every argument must be given, so that a changed default never changes old weights.
    """

    factory: Callable[..., nn.Module]
    allowed: Mapping[str, Collection[int]]


_READER = {"image_channels": GREY_OR_COLOUR, "size": SIZES, "classes": CLASSES}
_SMALL = {"channel_uses": range(2, 129), "classes": CLASSES}

MODELS: dict[str, ModelSpec] = {
    "repobe_codec": ModelSpec(RepObECodec, {"image_channels": GREY_OR_COLOUR, "classes": CLASSES}),
    "judge": ModelSpec(Judge, {"image_channels": GREY_OR_COLOUR, "size": SIZES, "classes": CLASSES}),
    "inversion_decoder": ModelSpec(InversionDecoder, {"image_channels": GREY_OR_COLOUR, "size": SIZES}),
    "row_set_reader": ModelSpec(RowSetReader, _READER),
    "cell_set_reader": ModelSpec(CellSetReader, _READER),
    "dense_reader": ModelSpec(DenseReader, _READER),
    "feature_prior": ModelSpec(FeaturePrior, {}),
    "mixer_reader": ModelSpec(MixerReader, _READER),
    "dense_inversion": ModelSpec(DenseInversion, _READER | {"channel_uses": range(1, 4097), "width": range(8, 1025)}),
    "conv_decoder": ModelSpec(
        InversionDecoder, {"image_channels": GREY_OR_COLOUR, "size": SIZES, "depth": range(1, 9)}
    ),
    "ridge_inversion": ModelSpec(
        RidgeInversion,
        _READER | {"channel_uses": range(1, 4097), "rank": range(1, 513), "small": range(8, 225)},
    ),
    "necst_codec": ModelSpec(NECSTCodec, {"classes": CLASSES}),
    "ibal_codec": ModelSpec(IBALCodec, {"reals": (64, 3136), "classes": CLASSES}),
    "escs_codec": ModelSpec(ESCSCodec, {"classes": CLASSES}),
    "vae_codec": ModelSpec(VAECodec, {"classes": CLASSES}),
    "jpeg2000_codec": ModelSpec(JPEG2000Codec, {"classes": CLASSES}),
    "diffsem": ModelSpec(DiffSemNetworks, {"classes": CLASSES}),
    "private_link": ModelSpec(PrivateLink, {"classes": CLASSES}),
    "robust_link": ModelSpec(RobustLink, {"image_channels": GREY_OR_COLOUR, "classes": CLASSES, "blocks": range(1, 7)}),
    "small_codec": ModelSpec(SmallCodec, _SMALL | {"draws": (0, 1)}),
    "small_inversion": ModelSpec(SmallInversion, _SMALL),
}


def check(network: object, arguments: object) -> None:
    """Check a network's name and its arguments without building anything.

    Raises:
        ValueError: unknown network; a missing or unknown argument; a value that is not an
            integer (booleans and floats are not) or is outside its bounds. One sentence.
    """
    if not isinstance(network, str) or network not in MODELS:
        raise ValueError(f"There is no network {_short(network)} among the {len(MODELS)} that this version knows.")
    allowed = MODELS[network].allowed
    if not isinstance(arguments, dict) or arguments.keys() != allowed.keys():
        raise ValueError(f"The network {network!r} takes exactly the arguments {', '.join(sorted(allowed))}.")
    for name, choices in allowed.items():
        # `type is int`: to isinstance a bool is an int, and 1.0 == 1 would pass the membership test.
        if type(arguments[name]) is not int or arguments[name] not in choices:
            value = _short(arguments[name])
            raise ValueError(f"The argument {name!r} of {network!r} must be {_words(choices)}, not {value}.")


def build(network: str, arguments: dict[str, int]) -> nn.Module:
    """A freshly initialised module from the registry.

    Raises:
        ValueError: see :func:`check`.
    """
    check(network, arguments)
    return MODELS[network].factory(**arguments)


def _words(choices: Collection[int]) -> str:
    if isinstance(choices, range):
        return f"an integer from {choices[0]} to {choices[-1]}"
    return " or ".join(map(str, choices))


def _short(value: object) -> str:
    """A refused value as it may be printed: it comes from a file, so its length is bounded."""
    text = repr(value) if isinstance(value, str | int | float | None) else type(value).__name__
    return text if len(text) <= 40 else text[:37] + "..."
