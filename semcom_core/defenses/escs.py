"""ESCS's neural encryption as a plug-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeyStream
from semcom_core.codecs.escs import KEY_BITS, KeyedNetwork
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True, repr=False)
class BitKey:
    """A key of 64 bits for a keyed network.

    Raises:
        ValueError: not 8 bytes.
    """

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BITS // 8:
            raise ValueError(f"A bit key must have {KEY_BITS // 8} bytes, not {len(self.secret)}.")

    def signs(self) -> Tensor:
        """The bits as ±1, float32 (64,)."""
        bits = np.unpackbits(np.frombuffer(self.secret, dtype=np.uint8))
        return torch.from_numpy(2.0 * bits.astype(np.float32) - 1.0)

    def __repr__(self) -> str:  # a traceback or a log line must not hold the secret
        return "BitKey()"


@dataclass(frozen=True)
class NeuralEncryption(PlugIn):
    r"""``x = E(s, k)``, ``ŝ = D(x̂, k)`` with two trained networks and a key of 64 bits.

    After X. Luo, Z. Chen, M. Tao and F. Yang, IEEE Commun. Lett. 27(6), 2023 (arXiv 2209.09008);
    the paper's body was not available, so the networks are in the style of Abadi and Andersen
    (2016): see :class:`semcom_core.codecs.escs.ESCSCodec`.

    ::

        s ─ E(·,k) ─ x ── channel ── equalise ─ D(·,k) ─ ŝ

    There is **no computational-security argument**. "Secure" means that the one attacker in the
    training did not learn to read the code; another one may, 64 bits can be searched, and under
    one key for several messages known pictures reveal a smooth map.

    Cost for the legitimate link: ``D`` is no exact inverse and amplifies some of the noise.
    ``noise_after`` leaves the noise level as it is, which the codec does not use.

    Attributes:
        encryptor, decryptor: ``E`` and ``D``, trained together with the codec.
    """

    encryptor: KeyedNetwork
    decryptor: KeyedNetwork
    name: ClassVar[str] = "neural_encryption"
    keyed: ClassVar[bool] = True

    def key(self, stream: KeyStream) -> BitKey:
        return BitKey(stream.take(KEY_BITS // 8))

    def protect(self, s: Tensor, keys: Sequence[BitKey], generator: torch.Generator) -> Tensor:
        return self.encryptor(s, _stack(keys, s))

    def recover(self, s_hat: Tensor, keys: Sequence[BitKey], noise: Tensor | None = None) -> Tensor:
        return self.decryptor(s_hat, _stack(keys, s_hat))


def _stack(keys: Sequence[BitKey], symbols: Tensor) -> Tensor:
    if len(keys) != len(symbols):
        raise ValueError(f"Neural encryption needs one key a message: {len(symbols)} of them, not {len(keys)}.")
    return torch.stack([key.signs() for key in keys]).to(symbols.device)
