"""The shuffling key as a plug-in: it permutes grid positions, two whole symbols each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeyStream
from semcom_core.ciphers.shuffling import ShufflingKey, decrypt, encrypt
from semcom_core.codecs.repobe import GRID
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class ShufflingCipher(PlugIn):
    r"""One random order of all positions (Chen et al., IEEE TIFS 2025).

    ::

        s (B,1568) = (B, 2, 28·28) ── same position permutation on both planes ── x

    Cost for the legitimate link: none, as for any permutation of symbols.
    """

    name: ClassVar[str] = "shuffling"
    keyed: ClassVar[bool] = True

    def key(self, stream: KeyStream) -> ShufflingKey:
        return ShufflingKey.draw(stream, GRID * GRID)

    def protect(self, s: Tensor, keys: Sequence[ShufflingKey], generator: torch.Generator) -> Tensor:
        return _each(encrypt, s, keys)

    def recover(self, s_hat: Tensor, keys: Sequence[ShufflingKey], noise: Tensor | None = None) -> Tensor:
        return _each(decrypt, s_hat, keys)


def _each(cipher: Callable[[Tensor, ShufflingKey], Tensor], symbols: Tensor, keys: Sequence[ShufflingKey]) -> Tensor:
    maps = symbols.reshape(len(symbols), 2, GRID, GRID)
    return torch.stack([cipher(one, key) for one, key in zip(maps, keys, strict=True)]).flatten(1)
