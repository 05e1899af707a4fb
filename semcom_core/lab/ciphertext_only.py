"""A fixed key from nothing but ciphertexts: success against the number of messages heard."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from semcom_core.attacks.assignment import Match, match_confusion, match_shuffling
from semcom_core.attacks.ciphertext_only import Matcher, PositionStatistics, recover_from_statistics
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.lab.known_plaintext import Key, right_entries
from semcom_core.lab.material import Messages, hear_features, lab_key
from semcom_core.lab.readings import class_accuracy, leftover, wrong_positions
from semcom_core.link import LinkModels

COUNTS = (2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class CiphertextPoint:
    """Keys found from ``messages`` ciphertexts at one SNR, means over trials.

    Attributes:
        entries: right entries of K_r and K_c (28+28); for shuffling, right positions.
        leftover: error of decrypting other messages, 0 is as good as the key.
        accuracy, holder_accuracy: class answers on other messages with the key found, and with the true one.
        milliseconds: mean time of one search.
    """

    messages: int
    snr_db: float
    trials: int
    entries: float
    leftover: float
    accuracy: float
    holder_accuracy: float
    milliseconds: float


def matcher(plug_in: PlugIn, starts: int = 4) -> Matcher:
    """Scores to key, for RepObE's cipher from several starts: alternating search stops at the nearest hill."""
    if not isinstance(plug_in, ConfusionCipher):
        return match_shuffling

    def match(scores: np.ndarray) -> Match:
        rng = np.random.default_rng(0)
        size = round(len(scores) ** 0.5)
        return match_confusion(scores, [rng.permutation(size) for _ in range(starts)])

    return match


def ciphertext_points(
    models: LinkModels,
    plug_in: PlugIn,
    heard: Messages,
    own: Messages,
    others: Messages,
    trials: int,
    counts: Sequence[int] = COUNTS,
    snrs_db: Sequence[float] = (11.0,),
) -> Iterator[CiphertextPoint]:
    """One point for each SNR and number of messages.

    Args:
        heard: what the sender sent while the attacker listened.
        own: the attacker's own pictures' messages, for the statistics it expects.
        others: messages that the attacker then wants to read.
    """
    expected, search = PositionStatistics.of(own.z.numpy()), matcher(plug_in)
    for snr_db in snrs_db:
        for messages in counts:
            rows = []
            for trial in range(trials):
                key = lab_key(plug_in, trial)
                start_at = (trial * messages) % max(len(heard) - messages + 1, 1)
                z = heard.z[start_at : start_at + messages]
                ciphertexts = hear_features(z, plug_in, [key] * len(z), snr_db, trial)
                start = time.thread_time()
                found = recover_from_statistics(PositionStatistics.of(ciphertexts), expected, search).key
                took = 1e3 * (time.thread_time() - start)
                rows.append((_right(key, found), *_use(models, plug_in, key, found, others, snr_db, trial), took))
            yield CiphertextPoint(messages, snr_db, trials, *(float(value) for value in np.mean(rows, axis=0)))


def _right(key: Key, found: Key) -> float:
    entries = right_entries(key, found)
    if entries is not None:
        return float(entries.mean())
    return 1.0 - wrong_positions(key.permutation(), found.permutation())


def _use(
    models: LinkModels, plug_in: PlugIn, key: Key, found: Key, others: Messages, snr_db: float, trial: int
) -> tuple[float, float, float]:
    true, guess = key.permutation(), found.permutation()
    noisy = torch.from_numpy(hear_features(others.z, plug_in, [key] * len(others), snr_db, trial + 2**20))
    return leftover(others.z, true, guess), *class_accuracy(models, noisy, (guess, true), others.labels)
