r"""What a receiver with a wrong key gets: the message is sent once, and decrypted with other keys.

::

    picture ─ encode ─ encrypt(K) ─ channel ─┬─ decrypt(K)  ─ decode ─ picture, class
                                             └─ decrypt(K') ─ decode ─ picture, class    K' ≠ K

Both use the same received samples, so every difference is the key's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from torch import Tensor

from semcom_core import link
from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyPolicy, KeySource, KeyStream
from semcom_core.ciphers.keyspace import cells_right, shift_c, shift_r, wrong_key
from semcom_core.link import Encoded, LinkModels, Reading, Sent
from semcom_core.metrics import Interval, bootstrap, wilson
from semcom_core.samples import samples
from semcom_core.settings import LinkSettings


class Part(StrEnum):
    """Which part of the key is wrong."""

    ROWS = "rows"
    COLUMNS = "columns"
    BOTH = "both"
    R = "r"
    C = "c"

    @property
    def shifts(self) -> bool:
        """Whether an offset is shifted, instead of entries changing places."""
        return self in (Part.R, Part.C)


SWEPT = {True: (0, 1, 2, 3, 4, 6, 8, 10, 12, 14), False: (0, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28)}
"""Amounts of a sweep: of shifts, and of wrong entries. One wrong entry alone is impossible."""


@dataclass(frozen=True)
class Message:
    """Pictures as they were sent and received, with their right keys, one an image."""

    encoded: Encoded
    sent: Sent
    received: Received

    @property
    def keys(self) -> tuple[ConfusionKey, ...]:
        return self.sent.keys[0]


@dataclass(frozen=True)
class WrongKeyPoint:
    """One amount of wrongness.

    Attributes:
        amount: wrong entries in each changed permutation, or the shift.
        pictures: how many were decrypted, each with a key of its own.
        right: how many the receiver's classifier read rightly.
        accuracy_interval: Wilson's 95 % interval of ``right/pictures``.
        psnr: mean over the pictures in dB, at native size.
        psnr_interval: bootstrap over the pictures, 95 %.
        cells: mean share of the 784 positions that came back to their place.
    """

    amount: int
    pictures: int
    right: int
    accuracy_interval: Interval
    psnr: float
    psnr_interval: Interval
    cells: float

    @property
    def accuracy(self) -> float:
        return self.right / self.pictures


def gallery(domain: str, count: int = 10) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Sample pictures with a true class, as many different classes as possible first: keys, labels."""
    known = [one for one in samples(domain) if one.label is not None]
    seen: dict[int, int] = {}
    ranked = []
    for number, one in enumerate(known):
        ranked.append((seen.get(one.label, 0), number, one))
        seen[one.label] = seen.get(one.label, 0) + 1
    chosen = [one for _, _, one in sorted(ranked, key=lambda entry: entry[:2])[:count]]
    return tuple(one.key for one in chosen), tuple(one.label for one in chosen)


def send(models: LinkModels, native: Tensor, settings: LinkSettings, source: KeySource) -> Message:
    """Encode, encrypt with the right keys and pass the receiver's channel.

    Args:
        native: pictures (B,C,n,n).
        settings: its defense must be the confusion-offset cipher alone.

    Raises:
        ValueError: another defense.
    """
    if settings.defense != "repobe":
        raise ValueError("The wrong-key experiment is about the confusion-offset cipher (defense 'repobe').")
    encoded = link.encode(models, native)
    sent = link.send(encoded, settings, source)
    noise = link.generator(settings.seed, "bob")
    return Message(encoded, sent, propagate(CHANNELS[settings.channel], sent.x, settings.snr_db, noise))


def read_with(models: LinkModels, message: Message, keys: Sequence[ConfusionKey]) -> Reading:
    """What a receiver reads who decrypts with these keys, one an image."""
    sent = replace(message.sent, keys=(tuple(keys),))
    return link.decode_reception(models, message.encoded.native, sent, message.received).reading


def wrong(key: ConfusionKey, part: Part, amount: int, stream: Callable[[], KeyStream]) -> ConfusionKey:
    """The key with one part wrong by an amount.

    Args:
        stream: gives the same stream at each call: the entries that are wrong for one amount are
            then among those that are wrong for a larger one.
    """
    match part:
        case Part.R:
            return shift_r(key, amount)
        case Part.C:
            return shift_c(key, amount)
    rows = amount if part in (Part.ROWS, Part.BOTH) else 0
    columns = amount if part in (Part.COLUMNS, Part.BOTH) else 0
    return wrong_key(key, stream(), rows=rows, columns=columns)


def wrong_keys(message: Message, part: Part, amount: int, source: KeySource) -> tuple[ConfusionKey, ...]:
    """A wrong key for each picture of a message; which entries are wrong depends on the picture."""

    def stream(nonce: bytes) -> Callable[[], KeyStream]:
        return lambda: source.stream("wrong-key", KeyPolicy.MESSAGE, seed=0, session=0, nonce=nonce)

    digests = message.encoded.digests
    return tuple(wrong(key, part, amount, stream(nonce)) for key, nonce in zip(message.keys, digests, strict=True))


@dataclass(frozen=True)
class Trial:
    """One picture decrypted with one wrong key: was the class right, PSNR in dB, share of cells in place."""

    right: bool
    psnr: float
    cells: float


def trial(models: LinkModels, message: Message, label: int, part: Part, amount: int, source: KeySource) -> Trial:
    """Decrypt a message of one picture with a key that is wrong by an amount."""
    (key,) = wrong_keys(message, part, amount, source)
    reading = read_with(models, message, [key])
    right = int(reading.logits.argmax(1)) == label
    return Trial(right, float(reading.psnr), cells_right(message.keys[0], key))


def point_of(amount: int, trials: Sequence[Trial]) -> WrongKeyPoint:
    """Counts, means and intervals over the pictures."""
    right = sum(one.right for one in trials)
    psnr = np.array([one.psnr for one in trials])
    return WrongKeyPoint(
        amount,
        len(trials),
        right,
        wilson(right, len(trials)),
        float(psnr.mean()),
        bootstrap(psnr),
        float(np.mean([one.cells for one in trials])),
    )


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: pieces of work done, of all, and the point that this one completed, if any."""

    done: int
    all: int
    point: WrongKeyPoint | None = None


def sweep(
    models: LinkModels,
    pictures: Sequence[Callable[[], Tensor]],
    labels: Sequence[int],
    part: Part,
    settings: LinkSettings,
    source: KeySource,
    amounts: Sequence[int] | None = None,
) -> Iterator[Progress]:
    """All amounts over all pictures, in pieces of one picture each, so that it can stop between any two.

    Args:
        pictures: each gives one native picture (C,n,n) when it is called: drawing a sample may
            take seconds.
        labels: true classes, one a picture.
        amounts: default :data:`SWEPT`.
    """
    amounts = SWEPT[part.shifts] if amounts is None else amounts
    done, total = 0, len(pictures) * (1 + len(amounts))
    messages = []
    for number, picture in enumerate(pictures):
        # Each picture has channel noise of its own, and keeps it for all amounts.
        own = replace(settings, seed=settings.seed + number)
        messages.append(send(models, picture()[None], own, source))
        yield Progress(done := done + 1, total)
    for amount in amounts:
        trials = []
        for message, label in zip(messages, labels, strict=True):
            trials.append(trial(models, message, label, part, amount, source))
            point = point_of(amount, trials) if len(trials) == len(messages) else None
            yield Progress(done := done + 1, total, point)
