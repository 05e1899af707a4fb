"""What travels, for looking at: one message's symbols as maps at four places of the link."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from semcom_core.codecs.repobe import CHANNEL_USES, unpack
from semcom_core.link import Transmission


@dataclass(frozen=True)
class FeatureMaps:
    """The features of one image (4,28,28) at four places of the link.

    Attributes:
        plain: as the encoder made them.
        transmitted: after the sender's plug-ins.
        received: what the receiver's equaliser made of the channel's output.
        recovered: after the receiver undid the plug-ins; what the decoders see.
    """

    plain: Tensor
    transmitted: Tensor
    received: Tensor
    recovered: Tensor


def feature_maps(transmission: Transmission, number: int = 0) -> FeatureMaps:
    """The maps of one image of a transmission, for looking at."""
    reception = transmission.reception
    symbols = (transmission.encoded.symbols, transmission.sent.x, reception.equalised, reception.recovered)
    return FeatureMaps(*(_tiles(one[number]) for one in symbols))


def _tiles(symbols: Tensor) -> Tensor:
    """Symbols (n,) as maps: RepObE's features (4,28,28), else real over imaginary parts in one map."""
    if len(symbols) == CHANNEL_USES:
        return unpack(symbols[None])[0]
    parts = torch.cat([symbols.real, symbols.imag]) * 2**0.5
    width = max(w for w in range(1, math.isqrt(len(parts)) + 1) if len(parts) % w == 0)
    return parts.reshape(1, width, -1)
