"""Key agreement, derivation and key streams: X25519 → HKDF-SHA256 → ChaCha20.

::

    X25519 secret, or the published demo constant
      │ HKDF-SHA256 (info = purpose, policy, context)
      ▼
    32-byte message key ── ChaCha20 key stream ── unbiased integers ── Fisher–Yates

No torch or numpy generator ever makes key material. The X25519 exchange here is
unauthenticated: whoever sits in the middle can agree on a key with each side.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DEMO_CONSTANT = b"SemCom Lab demo key: published in the source, protects nothing"


class KeyPolicy(StrEnum):
    """How long a key lives. It decides which attacks work."""

    FIXED = "fixed"
    """One key for all messages: RepObE's Algorithm 1 read literally."""
    SESSION = "session"
    """A new key for each session."""
    MESSAGE = "message"
    """A new key for each message."""


def hkdf(secret: bytes, info: bytes, length: int = 32) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


class KeyStream:
    """Bytes, unbiased integers and permutations from a ChaCha20 key stream (RFC 8439).

    Args:
        key: 32 bytes, used for one stream only (the nonce is therefore constant zero).
    """

    def __init__(self, key: bytes) -> None:
        self._encryptor = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes of the stream."""
        return self._encryptor.update(bytes(count))

    def below(self, bound: int) -> int:
        """A uniform integer in [0, bound), by rejection: no modulo bias."""
        if not 1 <= bound <= 2**32:
            raise ValueError(f"bound must be between 1 and 2^32, not {bound}")
        limit = 2**32 - 2**32 % bound
        while True:
            value = int.from_bytes(self.take(4), "little")
            if value < limit:
                return value % bound

    def permutation(self, size: int) -> np.ndarray:
        """A uniform permutation of ``size`` by Fisher–Yates, int64 (size,)."""
        order = np.arange(size)
        for i in range(size - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order


@dataclass(frozen=True, repr=False)
class KeySource:
    """The secret that both ends share, and how message keys come out of it.

    Attributes:
        root: 32 bytes; never printed, logged, put into a URL or a download.
        demo: whether ``root`` is the published constant. A demo key hides nothing from anyone
            who reads the source; it makes results reproducible. No attack receives it.
    """

    root: bytes
    demo: bool

    @staticmethod
    def published() -> KeySource:
        """The demo key: equal in every session and after every restart."""
        return KeySource(hkdf(DEMO_CONSTANT, b"root"), demo=True)

    @staticmethod
    def agreed() -> KeySource:
        """A secret key from a fresh X25519 exchange with operating-system randomness."""
        sender, receiver = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        return KeySource(hkdf(sender.exchange(receiver.public_key()), b"root"), demo=False)

    def stream(self, purpose: str, policy: KeyPolicy, *, seed: int, session: int, nonce: bytes) -> KeyStream:
        """The key stream of one message under a policy.

        Args:
            purpose: the plug-in that uses it, so that two plug-ins never share a stream.
            seed: enters session and message keys, as a link's setting.
            session: counter of sessions; a visitor's "new key" under the session policy.
            nonce: unique to the message; travels in the clear.
        """
        context = {
            KeyPolicy.FIXED: b"",
            KeyPolicy.SESSION: f"{seed}/{session}".encode(),
            KeyPolicy.MESSAGE: f"{seed}/{session}/".encode() + nonce,
        }[policy]
        return KeyStream(hkdf(self.root, f"semcom/{purpose}/{policy}/".encode() + context))

    def __repr__(self) -> str:  # a traceback or a log line must not hold the secret
        return f"KeySource(demo={self.demo})"


def message_nonce(picture: bytes, message: int) -> bytes:
    """A nonce that two different pictures never share: SHA-256 of counter and picture.

    A sender would count messages; a visitor who changes the picture, goes back and forth and
    shares links would reuse the counter, and with it the key. The nonce travels in the clear
    and tells an eavesdropper only whether two messages are the same one.
    """
    return hashlib.sha256(message.to_bytes(8, "little") + picture).digest()[:16]
