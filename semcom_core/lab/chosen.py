"""Chosen features against a fixed permutation, counted beside Jolfaei's bound; and well-chosen pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from torch import Tensor

from semcom_core.attacks.chosen import ChosenPlaintext, choose_images, expected_confusions, recover_by_digits
from semcom_core.channels import Received
from semcom_core.defenses.base import PlugIn
from semcom_core.lab import SNRS_DB
from semcom_core.lab.material import hear, lab_key
from semcom_core.lab.readings import wrong_positions


@dataclass(frozen=True)
class ChosenBreak:
    """One attack with chosen features.

    Attributes:
        result: what it took, and the bound.
        wrong: share of the 784 positions that it gets wrong.
        milliseconds: for everything, sending included.
    """

    result: ChosenPlaintext
    wrong: float
    milliseconds: float


def break_by_digits(
    plug_in: PlugIn, levels: int, snr_db: float, trial: int, soft: bool, max_rounds: int = 200
) -> ChosenBreak:
    """The permutation behind a fixed key, from maps whose planes spell each position's number."""
    key, rounds = lab_key(plug_in, trial), count(trial * 10_000)

    def oracle(symbols: Tensor) -> Received:
        return hear(symbols, plug_in, [key] * len(symbols), snr_db, next(rounds))

    start = time.thread_time()
    result = recover_by_digits(oracle, levels, max_rounds, soft)
    return ChosenBreak(result, wrong_positions(key.permutation(), result.order), 1e3 * (time.thread_time() - start))


@dataclass(frozen=True)
class ChosenPoint:
    """Chosen features at one SNR, means over trials."""

    snr_db: float
    trials: int
    maps: float
    success: float


def chosen_over_snr(
    plug_in: PlugIn, levels: int, soft: bool, trials: int, snrs_db: tuple[float, ...] = SNRS_DB
) -> Iterator[ChosenPoint]:
    """How many maps it takes at each SNR, and how often the permutation is exactly right."""
    for snr_db in snrs_db:
        tries = [break_by_digits(plug_in, levels, snr_db, trial, soft) for trial in range(trials)]
        maps, right = zip(*((one.result.maps_sent, one.wrong == 0.0) for one in tries), strict=True)
        yield ChosenPoint(snr_db, trials, float(np.mean(maps)), float(np.mean(right)))


@dataclass(frozen=True)
class Choice:
    """Which pictures tell positions apart best.

    Attributes:
        chosen: indices of the candidates, most useful first.
        in_doubt: expected pairs of confused positions after each of them (union bound).
        plain: the same for the candidates in their own order.
    """

    chosen: list[int]
    in_doubt: list[float]
    plain: list[float]


def choose(features: np.ndarray, snr_db: float, pictures: int) -> Choice:
    """Who can only choose *pictures* has those sent whose features differ most between positions.

    Args:
        features: the candidates' features (C,4,28,28).
    """
    chosen = choose_images(features, snr_db, pictures)
    counts = range(1, len(chosen) + 1)
    return Choice(
        chosen,
        [expected_confusions(features[chosen[:each]], snr_db) for each in counts],
        [expected_confusions(features[:each], snr_db) for each in counts],
    )
