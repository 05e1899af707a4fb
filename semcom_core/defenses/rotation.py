"""The one-time rotation as a plug-in, in its exact and its fast form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeyStream, SeedKey
from semcom_core.ciphers.rotation import FastRotation, HaarRotation
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class RotationPlugIn(PlugIn):
    r"""``x = U s``, one unitary a message; after Bianchi, Bioglio and Magli, ICASSP 2014.

    ::

        s ─ U ─ x ── channel: h x + n ── equalise ── U* ── ŝ, with noise U* n

    Cost for the legitimate link: none under AWGN and block fading, with or without CSI. A
    scalar fade commutes with ``U``, and ``U* n`` has the law of ``n``. With one fade a symbol it
    does not commute: the equaliser's unequal errors are spread over all symbols.

    Assumes a key a message. A fixed rotation is a linear map that known pairs reveal. There is
    no integrity (:mod:`semcom_core.defenses.pilots` detects some tampering).

    Any number of symbols will do, so it can also protect pilots.
    """

    keyed: ClassVar[bool] = True
    rotation: ClassVar[type[HaarRotation] | type[FastRotation]]

    def key(self, stream: KeyStream) -> SeedKey:
        return SeedKey.draw(stream)

    def protect(self, s: Tensor, keys: Sequence[SeedKey], generator: torch.Generator) -> Tensor:
        return self._turn(s, keys, inverse=False)

    def recover(self, s_hat: Tensor, keys: Sequence[SeedKey], noise: Tensor | None = None) -> Tensor:
        return self._turn(s_hat, keys, inverse=True)

    def _turn(self, symbols: Tensor, keys: Sequence[SeedKey], inverse: bool) -> Tensor:
        if len(keys) != len(symbols) or not all(isinstance(key, SeedKey) for key in keys):
            raise ValueError(f"A rotation needs one SeedKey a message: {len(symbols)} of them.")
        before, after = symbols.cpu().numpy(), np.empty(symbols.shape, dtype=np.complex64)
        rows_of: dict[SeedKey, list[int]] = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        for key, rows in rows_of.items():  # messages under one key (fixed, session) share its expansion
            rotation = self.rotation(key, symbols.shape[1])
            after[rows] = rotation.invert(before[rows]) if inverse else rotation.apply(before[rows])
        return torch.from_numpy(after).to(symbols.device)


@dataclass(frozen=True)
class ExactRotation(RotationPlugIn):
    """Haar-distributed: secrecy is proved, given an ideal key (:class:`HaarRotation`)."""

    name: ClassVar[str] = "rotation_exact"
    rotation = HaarRotation


@dataclass(frozen=True)
class QuickRotation(RotationPlugIn):
    """Pseudo-Haar: under a millisecond a message, no proof (:class:`FastRotation`)."""

    name: ClassVar[str] = "rotation_fast"
    rotation = FastRotation
