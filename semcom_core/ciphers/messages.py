r"""Message keys of one link: a nonce a message, and what happens when a nonce comes back.

::

    root ─ HKDF(info = purpose, nonce) ─ ChaCha20 key stream ─ Fisher–Yates ─ ConfusionKey

The nonce is a counter and travels in the clear. Equal nonces give equal keys: whoever knows what
one of the two messages held, reads the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyPolicy, KeySource

NONCE_BYTES = 12


@dataclass(frozen=True)
class Letter:
    """A message's number and the nonce that it was sent under."""

    number: int
    nonce: bytes


def next_letter(letters: Sequence[Letter], *, repeat: bool = False) -> Letter:
    """The next message of a link: under the next counter, or under the last nonce once more.

    Args:
        repeat: make the mistake; ignored for the first message.
    """
    if repeat and letters:
        return Letter(len(letters), letters[-1].nonce)
    fresh = 1 + max((int.from_bytes(one.nonce, "big") for one in letters), default=-1)
    return Letter(len(letters), fresh.to_bytes(NONCE_BYTES, "big"))


def repeated(letters: Sequence[Letter]) -> dict[bytes, tuple[int, ...]]:
    """Nonces that more than one message was sent under, and which."""
    numbers: dict[bytes, list[int]] = {}
    for one in letters:
        numbers.setdefault(one.nonce, []).append(one.number)
    return {nonce: tuple(found) for nonce, found in numbers.items() if len(found) > 1}


def letter_key(source: KeySource, letter: Letter, height: int, width: int) -> ConfusionKey:
    """The confusion-offset key of a message, as each holder of the root derives it."""
    stream = source.stream("lab/keys", KeyPolicy.MESSAGE, seed=0, session=0, nonce=letter.nonce)
    return ConfusionKey.draw(stream, height, width)


def read_with_known(known_plain: Tensor, known_sent: Tensor, other_sent: Tensor) -> Tensor:
    """The plain map of a message that was sent under the nonce of a known one; no key is needed.

    Args:
        known_plain, known_sent: a map (H,W) with no two equal values, and its scrambled copy.
        other_sent: another map (H,W), scrambled with the same key.

    Raises:
        ValueError: two values of the known map are equal, or the copy holds other values.
    """
    plain_order, sent_order = known_plain.flatten().argsort(), known_sent.flatten().argsort()
    values = known_plain.flatten()[plain_order]
    if (values[1:] == values[:-1]).any() or not torch.equal(values, known_sent.flatten()[sent_order]):
        raise ValueError("The known map must hold different values, and its copy the same ones.")
    read = torch.empty_like(other_sent.flatten())
    read[plain_order] = other_sent.flatten()[sent_order]
    return read.reshape(other_sent.shape)
