r"""Chosen plaintext against a fixed permutation: digits of the position, or telling pictures.

::

    write each position's number in base L ─ one digit a plane ─ cipher ─ read the digits back

Any permutation-only cipher, of whatever structure, falls to ``⌈log_L(H·W)⌉`` chosen planes with
L levels, in O(n·H·W) operations (Jolfaei, Wu and Muthukkumarasamy, IEEE TIFS 11, 2016; count
and bound also in Li and Lo, Signal Process. 91, 2011). Here one feature map carries four planes
under one permutation, levels meet channel noise, and the attacker repeats until the digits that
it reads form a permutation; so what it takes is counted and printed beside the bound.

Choosing *features* is the strongest form: it needs access to the sender's symbols. Who can only
choose *pictures* sends those whose features tell positions apart best (:func:`choose_images`)
and goes on as with known plaintext.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.assignment import match_shuffling, position_scores
from semcom_core.attacks.base import ThreatModel
from semcom_core.channels import Received
from semcom_core.codecs.repobe import FEATURE_SHAPE, GRID, normalise_power, pack, unpack

PLANES, POSITIONS = FEATURE_SHAPE[0], GRID * GRID
Oracle = Callable[[Tensor], Received]
"""The sender as the attacker uses it: symbols (Q,1568) in, what the attacker's antenna hears out."""


THREAT = ThreatModel(encoder=False, algorithm=True, training="nothing; it chooses what is sent")


@dataclass(frozen=True)
class ChosenPlaintext:
    """What an attack with chosen features took and found.

    Attributes:
        order: the permutation found, ``F_en.flat[p] = F_s.flat[order[p]]``, (784,).
        complete: whether the attacker could stop: it saw that it had the permutation.
        bound: planes that suffice without noise, ``⌈log_L(784)⌉``.
        maps_without_noise: feature maps that carry those planes, four each.
        maps_sent: feature maps that were sent, repetitions included.
    """

    order: np.ndarray
    complete: bool
    bound: int
    maps_without_noise: int
    maps_sent: int


def jolfaei_bound(positions: int, levels: int) -> int:
    """``⌈log_levels(positions)⌉`` in exact integers: chosen planes that suffice."""
    if levels < 2:
        raise ValueError(f"A plane needs at least 2 levels, not {levels}.")
    planes, reach = 0, 1
    while reach < positions:
        planes, reach = planes + 1, reach * levels
    return planes


def digit_maps(levels: int) -> tuple[Tensor, np.ndarray]:
    """Feature maps whose planes spell each position's number.

    As many digits as the bound says, in the smallest base that needs no more (784 with up to 16
    levels: three digits in base 10), because wider steps stand more noise. Planes left over
    repeat digits.

    Returns:
        Features (Q,4,28,28) with RepObE's power per map, and the digit in each plane (Q,4).
    """
    digits = jolfaei_bound(POSITIONS, levels)
    base = _base_of(digits)
    maps = -(-digits // PLANES)
    carried = np.arange(maps * PLANES).reshape(maps, PLANES) % digits
    values = np.arange(POSITIONS)[None] // base ** np.arange(digits)[:, None] % base
    centred = values - values.mean(1, keepdims=True)
    planes = torch.from_numpy((centred / centred.std(1, keepdims=True))[carried]).float()
    return normalise_power(planes.reshape(maps, *FEATURE_SHAPE)), carried


def recover_by_digits(
    oracle: Oracle,
    levels: int,
    max_rounds: int = 200,
    soft: bool = False,
    on_round: Callable[[int], None] = lambda rounds: None,
) -> ChosenPlaintext:
    """The permutation of any fixed permutation cipher, by chosen feature maps.

    Args:
        oracle: every call must be under the same key.
        levels: L, the most levels that a plane may have.
        max_rounds: repetitions after which the likeliest permutation must do.
        soft: ``False`` reads each digit by itself, as in the paper, and stops when the digits
            form a permutation. ``True`` looks for the likeliest permutation as a whole
            (Hungarian algorithm) and stops when two rounds agree: fewer maps in noise.
        on_round: called after each round, with the rounds so far.
    """
    sent, carried = digit_maps(levels)
    symbols, digits = pack(sent), jolfaei_bound(POSITIONS, levels)
    wanted = _digit_planes(sent, carried, digits)
    matched, gain = torch.zeros_like(symbols), torch.zeros(symbols.shape)
    order, complete, rounds = np.zeros(0, dtype=int), False, 0
    while rounds < max_rounds and not complete:
        received = oracle(symbols)
        h = received.h if received.csi else torch.ones_like(received.h)
        matched += h.conj() * received.y  # maximum-ratio combining over the rounds
        gain += h.abs().square().expand_as(gain)
        rounds += 1
        heard = _digit_planes(unpack(matched / gain.clamp_min(1e-9)), carried, digits)
        before, order = order, _likeliest(wanted, heard) if soft else _read(wanted, heard)
        complete = np.array_equal(before if soft else np.arange(POSITIONS), order if soft else np.sort(order))
        on_round(rounds)
    if not complete:
        order = _likeliest(wanted, heard)
    return ChosenPlaintext(order, complete, digits, len(sent), rounds * len(sent))


def _digit_planes(features: Tensor, carried: np.ndarray, digits: int) -> np.ndarray:
    """Each digit's plane (digits, 784), averaged over the planes that carry it."""
    planes = features.numpy().reshape(-1, POSITIONS)
    return np.stack([planes[carried.ravel() == digit].mean(0) for digit in range(digits)])


def _read(wanted: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Positions whose digits are nearest, digit by digit; not always a permutation."""
    base = _base_of(len(wanted))
    order = np.zeros(POSITIONS, dtype=int)
    for digit, (plane, got) in enumerate(zip(wanted, heard, strict=True)):
        amplitudes, first = np.unique(plane, return_index=True)
        values = first // base**digit % base
        order += values[np.abs(got[:, None] - amplitudes).argmin(1)] * base**digit
    return order


def _likeliest(wanted: np.ndarray, heard: np.ndarray) -> np.ndarray:
    return match_shuffling(position_scores(wanted[:, None], heard[:, None])).key.permutation()


def choose_images(features: np.ndarray, snr_db: float, count: int) -> list[int]:
    """The pictures to have sent: greedily those whose positions are hardest to mistake.

    Args:
        features: the candidates' features (C,4,H,W), from the public encoder.
        snr_db: the attacker's SNR.
        count: how many to choose.

    Returns:
        Indices of the candidates, most useful first.
    """
    chosen: list[int] = []
    distance = 0.0
    for _ in range(min(count, len(features))):
        left = [index for index in range(len(features)) if index not in chosen]
        best = min(left, key=lambda index: _confusions(distance + _distances(features[index]), snr_db))
        chosen.append(best)
        distance = distance + _distances(features[best])
    return chosen


def expected_confusions(features: np.ndarray, snr_db: float) -> float:
    """How many pairs of positions known pictures (P,4,H,W) leave in doubt (union bound)."""
    return _confusions(sum(_distances(one) for one in features), snr_db)


def _distances(features: np.ndarray) -> np.ndarray:
    """Squared distances of all pairs of position vectors of one map (4,H,W)."""
    vectors = features.reshape(len(features), -1).T
    square = (vectors**2).sum(1)
    return np.maximum(square[:, None] + square[None] - 2.0 * vectors @ vectors.T, 0.0)


def _confusions(distance: np.ndarray, snr_db: float) -> float:
    """Bhattacharyya bound on exchanging two positions, summed over pairs.

    Features have unit power and noise of variance 1/SNR; exchanging positions at squared
    distance D moves the difference vector by 2D, hence ``½·exp(−D·SNR/4)``.
    """
    each = 0.5 * np.exp(-distance * 10 ** (snr_db / 10) / 4.0)
    return float((each.sum() - np.trace(each)) / 2.0)


def _base_of(digits: int) -> int:
    """The smallest base in which all positions have at most so many digits."""
    return next(base for base in range(2, POSITIONS + 1) if base**digits >= POSITIONS)
