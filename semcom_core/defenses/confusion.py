"""RepObE's cipher as a plug-in: it permutes grid positions, two whole symbols each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyStream
from semcom_core.codecs.repobe import GRID
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class ConfusionCipher(PlugIn):
    r"""Confusion-offset cipher (Lin et al., RepObE, Sec. 3.2).

    ::

        s (B,1568) = (B, 2, 28·28) ── same position permutation on both planes ── x

    Cost for the legitimate link: none. A permutation keeps every symbol's power and commutes
    with AWGN and block fading in law; with one fade a symbol it acts as an interleaver.
    """

    name: ClassVar[str] = "confusion"
    keyed: ClassVar[bool] = True

    def key(self, stream: KeyStream) -> ConfusionKey:
        return ConfusionKey.draw(stream, GRID, GRID)

    def protect(self, s: Tensor, keys: Sequence[ConfusionKey], generator: torch.Generator) -> Tensor:
        return _permute(s, np.stack([key.permutation() for key in keys]))

    def recover(self, s_hat: Tensor, keys: Sequence[ConfusionKey], noise: Tensor | None = None) -> Tensor:
        return _permute(s_hat, np.stack([np.argsort(key.permutation()) for key in keys]))


def _permute(symbols: Tensor, orders: np.ndarray) -> Tensor:
    """Positions of both symbol planes in a new order; ``orders`` is (B, 784)."""
    batch = len(symbols)
    planes = symbols.reshape(batch, 2, -1)
    index = torch.from_numpy(orders).to(symbols.device)[:, None].expand(batch, 2, -1)
    return planes.gather(2, index).reshape(batch, -1)
