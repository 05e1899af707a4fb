"""One known picture, a fixed key, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.assignment import match_shuffling, position_scores, recover_key
from semcom_core.attacks.shadow import recover_key_aligned
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.shuffling import ShufflingKey
from semcom_core.codecs.base import Decoded
from semcom_core.codecs.repobe import GRID, pack, unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.shuffling import ShufflingCipher
from semcom_core.domains import DOMAINS
from semcom_core.lab import SNRS_DB
from semcom_core.lab.material import Messages, hear_features, lab_key
from semcom_core.lab.readings import class_accuracy, leftover, restore, wrong_positions
from semcom_core.link import Encoded, LinkModels, Reading, read

CIPHERS: dict[str, PlugIn] = {"repobe": ConfusionCipher(), "shuffling": ShufflingCipher()}
"""The permutation ciphers by the names that defenses have."""

Key = ConfusionKey | ShufflingKey
Recover = Callable[[np.ndarray, np.ndarray], Key]
"""Own features of the known pictures (P,c,28,28) and what was heard for them (P,4,28,28) to a key."""


def recover(plug_in: PlugIn) -> Recover:
    """The known-plaintext attack on a permutation cipher."""
    if isinstance(plug_in, ConfusionCipher):
        return recover_key
    return lambda plain, heard: match_shuffling(position_scores(plain, heard)).key


def recover_with_shadow(plain: np.ndarray, heard: np.ndarray) -> Key:
    """The same with features of an encoder of the attacker's own, for RepObE's cipher."""
    return recover_key_aligned(plain, heard).key


@torch.inference_mode()
def shadow_features(shadow: LinkModels, natives: Tensor) -> Tensor:
    """Features (B,4,28,28) of pictures of another domain: grey becomes three equal channels, colour its mean."""
    wanted, given = shadow.domain.channels, natives.shape[1]
    if given != wanted:
        natives = natives.mean(1, keepdim=True) if wanted == 1 else natives.expand(-1, wanted, -1, -1)
    image = DOMAINS["digits"].enlarge(natives)  # the same enlargement for all domains
    return shadow.codec.features(image.contiguous(memory_format=torch.channels_last))


_AS_HEARD = np.arange(GRID * GRID)


@dataclass(frozen=True)
class KeyBreak:
    """What the attacker has after one attack.

    Attributes:
        key, found: the true key, and the attacker's.
        entries: for RepObE's cipher, which entries of K_r and K_c are right in canonical form,
            bool (2,28), else ``None``.
        wrong: share of the 784 positions that it gets wrong.
        milliseconds: for finding the key, encoding not counted.
        attacker: its reading of the *next* message, decrypted with the key it found.
        holder: the reading with the true key at the same antenna.
        scrambled: the reading without decrypting.
    """

    key: Key
    found: Key
    entries: np.ndarray | None
    wrong: float
    milliseconds: float
    attacker: Reading
    holder: Reading
    scrambled: Reading


@torch.inference_mode()
def break_once(
    models: LinkModels,
    plug_in: PlugIn,
    known: Tensor,
    upcoming: Encoded,
    snr_db: float,
    trial: int,
    how: Recover | None = None,
    own: Tensor | None = None,
) -> KeyBreak:
    """Find the key from known pictures, then read the next message under it.

    Args:
        known: the known pictures' features (P,4,28,28), as the sender's encoder makes them.
        upcoming: the next message (one picture), which the attacker does not know.
        how: the attack; by default with the sender's encoder.
        own: the features that the attacker computed itself, if its encoder is another one.
    """
    key = lab_key(plug_in, trial)
    heard = hear_features(known, plug_in, [key] * len(known), snr_db, trial)
    start = time.thread_time()
    found = (how or recover(plug_in))((known if own is None else own).numpy(), heard)
    milliseconds = 1e3 * (time.thread_time() - start)

    message = torch.from_numpy(hear_features(unpack(upcoming.symbols), plug_in, [key], snr_db, trial + 2**20))
    true, guessed = key.permutation(), found.permutation()
    readings = [
        read(models, upcoming.native, _decode(models, z))
        for z in (restore(message, guessed), restore(message, true), message)
    ]
    return KeyBreak(key, found, right_entries(key, found), wrong_positions(true, guessed), milliseconds, *readings)


def right_entries(key: Key, found: Key) -> np.ndarray | None:
    """Which entries of K_r and K_c agree in canonical form, bool (2,28)."""
    if not (isinstance(key, ConfusionKey) and isinstance(found, ConfusionKey)):
        return None
    true, guess = key.canonical(), found.canonical()
    return np.stack([true.K_r == guess.K_r, true.K_c == guess.K_c])


@dataclass(frozen=True)
class SuccessPoint:
    """Many attacks at one SNR.

    Attributes:
        exact: share of trials in which every position is right.
        positions: mean share of right positions.
        leftover: mean error of decrypting other messages (:func:`~semcom_core.lab.readings.leftover`).
        accuracy, holder_accuracy: class answers on other messages with the key found, and with the true one.
        no_key_accuracy: the same without decrypting: a control, since networks bear some disorder.
        milliseconds: mean time of one attack.
    """

    snr_db: float
    trials: int
    exact: float
    positions: float
    leftover: float
    accuracy: float
    holder_accuracy: float
    no_key_accuracy: float
    milliseconds: float


def success_over_snr(
    models: LinkModels,
    plug_in: PlugIn,
    known: Tensor,
    others: Messages,
    pictures: int,
    trials: int,
    snrs_db: tuple[float, ...] = SNRS_DB,
    how: Recover | None = None,
    own: Tensor | None = None,
) -> Iterator[SuccessPoint]:
    """One point an SNR: each trial a fresh fixed key, other known pictures and other noise.

    Args:
        known: features to choose the known pictures from (K,4,28,28).
        others: messages that the attacker does not know.
        pictures: how many known pictures a trial has.
        own: see :func:`break_once`, in the order of ``known``.
    """
    attack = how or recover(plug_in)
    for snr_db in snrs_db:
        rows = []
        for trial in range(trials):
            rng = np.random.default_rng((trial, 77))
            which = rng.choice(len(known), size=min(pictures, len(known)), replace=False)
            key = lab_key(plug_in, trial)
            heard = hear_features(known[which], plug_in, [key] * len(which), snr_db, trial)
            start = time.thread_time()
            found = attack((known if own is None else own)[which].numpy(), heard)
            took = 1e3 * (time.thread_time() - start)
            true, guess = key.permutation(), found.permutation()
            other = trial % len(others)
            message = others.part(other, other + 1)
            noisy = torch.from_numpy(hear_features(message.z, plug_in, [key], snr_db, trial + 2**20))
            accuracy = class_accuracy(models, noisy, (guess, true, _AS_HEARD), message.labels)
            wrong = wrong_positions(true, guess)
            rows.append((wrong == 0.0, 1.0 - wrong, leftover(message.z, true, guess), *accuracy, took))
        yield SuccessPoint(snr_db, trials, *(float(value) for value in np.mean(rows, axis=0)))


def _decode(models: LinkModels, z: Tensor) -> Decoded:
    return models.codec.decode(pack(z))
