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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DEMO_CONSTANT = b"SemCom Lab demo key: published in the source, protects nothing"

_AT_ONCE = 2**16
"""Samples made at once: what is between stays in the processor's cache."""

_ZEROS = bytes(2**18)
"""What becomes the key stream by encryption; a piece that the processor's cache holds."""


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

    def words(self, count: int) -> np.ndarray:
        """The next ``4·count`` bytes as little-endian 32-bit words, uint32 (count,)."""
        stream = np.empty(4 * count, dtype=np.uint8)
        view = memoryview(stream)
        for start in range(0, len(view), len(_ZEROS)):
            self._encryptor.update_into(_ZEROS[: len(view) - start], view[start:])
        return stream.view("<u4")

    def permutation_by_sorting(self, size: int) -> np.ndarray:
        """A uniform permutation of ``size``, int64 (size,): the order of that many 64-bit words.

        Some twenty times faster than :meth:`permutation`. Distinct words are in every order
        equally often; a draw with a tie (size 1,568: once in 10¹³ draws) is thrown away.
        """
        while True:
            draw = np.frombuffer(self.take(8 * size), dtype="<u8")
            order = np.argsort(draw, kind="stable")
            ranked = draw[order]
            if (ranked[1:] != ranked[:-1]).all():
                return order

    def complex_normal(self, count: int) -> np.ndarray:
        r"""Samples of ``CN(0, 1)``, complex128 (count,), by Box–Muller: ``√(−ln u₁)·exp(2πi u₂)``.

        Two words a sample: ``u₁`` in (0,1] and ``u₂`` in [0,1) on a grid of 2⁻³², so the phase
        is uniform and independent of the modulus, and only what lies beyond ``|g| = 4.71``
        (probability 2⁻³² a sample) is missing.
        """
        words = self.words(2 * count).reshape(2, count)
        sample = np.empty(count, dtype=np.complex128)

        def fill(start: int) -> None:
            part = slice(start, start + _AT_ONCE)
            modulus = words[0, part] + 1.0
            modulus *= 2.0**-32
            np.log(modulus, out=modulus)
            np.negative(modulus, out=modulus)
            np.sqrt(modulus, out=modulus)
            np.multiply(_unit(words[1, part]), modulus, out=sample[part])

        with ThreadPoolExecutor(2) as pool:  # numpy lets other threads run meanwhile
            list(pool.map(fill, range(0, count, _AT_ONCE)))
        return sample

    def phases(self, count: int) -> np.ndarray:
        """Uniform points on the unit circle, complex128 (count,), on a grid of 2⁻³² turns."""
        return _unit(self.words(count))


@cache
def _halves() -> tuple[np.ndarray, np.ndarray]:
    """Points on the unit circle at all turns of a word's upper and of its lower 16 bits."""
    half = np.arange(2**16)
    return np.exp(2j * np.pi / 2**16 * half), np.exp(2j * np.pi / 2**32 * half)


def _unit(turns: np.ndarray) -> np.ndarray:
    """``exp(2πi·turns/2³²)`` of 32-bit words, by two tables: a third of the time of cosines and sines."""
    upper, lower = _halves()
    point = upper[turns >> 16]
    point *= lower[turns & 0xFFFF]
    return point


@dataclass(frozen=True, repr=False)
class SeedKey:
    """A short key for ciphers whose whole key is long: 32 bytes that seed a key stream.

    A rotation of 1,568 symbols takes 20 MB of random numbers; what the two ends keep for a
    message is only this seed, and each expands it when it needs to.

    Raises:
        ValueError: the seed is not 32 bytes long.
    """

    seed: bytes

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise ValueError(f"A seed key must have 32 bytes, not {len(self.seed)}.")

    @staticmethod
    def draw(stream: KeyStream) -> SeedKey:
        """The next 32 bytes of a message's key stream."""
        return SeedKey(stream.take(32))

    def stream(self) -> KeyStream:
        """The same key stream, from its beginning, at every call."""
        return KeyStream(self.seed)

    def __repr__(self) -> str:  # a traceback or a log line must not hold the secret
        return "SeedKey()"


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
