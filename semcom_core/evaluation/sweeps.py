"""Sweeps over one hyper-parameter of the large links, read from a measured grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from semcom_core.evaluation.grid import Grid, Row, Strongest

SNR, NOISE, STEPS, LABELS, BUDGET, SYMBOLS, CEM, POLICY = KNOBS = (
    "snr", "noise", "steps", "labels", "budget", "symbols", "cem", "policy"
)  # fmt: skip
FAMILIES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    BUDGET: {"necst": (("0.05", "necst_dp_005"), ("0.9", "necst_dp_09"), ("∞", "necst"))},
    SYMBOLS: {"ibal": (("32", "ibal"), ("1,568", "ibal_wide"))},
    CEM: {"cem": (("no", "cem_off"), ("yes", "cem")), "arl_cem": (("no", "arl"), ("yes", "arl_cem"))},
}
"""Hyper-parameters whose positions are trainings of their own: position in words, and defense."""


@dataclass(frozen=True)
class Position:
    """One position of a hyper-parameter.

    Attributes:
        words: the position, for a person.
        receiver: the receiver's row, or ``None`` if it was not run.
        attacker: the strongest attack there, or ``None``.
    """

    words: str
    receiver: Row | None
    attacker: Strongest | None


@dataclass(frozen=True)
class Sweep:
    """One line: a defense (or a family of them) through the positions of one hyper-parameter."""

    defense: str
    positions: tuple[Position, ...]


def sweeps(grid: Grid, knob: str, channel: str, snr_db: float) -> list[Sweep]:
    """All sweeps over one hyper-parameter with at least two measured positions, in the registry's order.

    Args:
        knob: one of :data:`KNOBS`.
        snr_db: where the others stand; without meaning for ``"snr"``.
    """
    if knob in FAMILIES:
        found = [
            Sweep(name, tuple(_position(grid, words, defense, channel, snr_db) for words, defense in members))
            for name, members in FAMILIES[knob].items()
        ]
    else:
        found = [Sweep(name, tuple(_own(grid, knob, name, channel, snr_db))) for name in grid.defenses]
    return [one for one in found if sum(bool(place.receiver or place.attacker) for place in one.positions) > 1]


def available(grid: Grid) -> list[str]:
    """Hyper-parameters that were measured in more than one position, at any place."""
    places = sorted({(row["channel"], row["snr_db"]) for row in grid.receiver_rows + grid.attack_rows})
    return [knob for knob in KNOBS if any(sweeps(grid, knob, *place) for place in places)]


def _own(grid: Grid, knob: str, defense: str, channel: str, snr_db: float) -> list[Position]:
    """Positions within the rows of one defense."""
    if knob == SNR:
        at = sorted({row["snr_db"] for row in grid.receivers(defense, channel)})
        return [_position(grid, f"{one:g}", defense, channel, one) for one in at]
    if knob == POLICY:
        policies = {row["policy"] for row in grid.attack_rows if row["defense"] == defense and "policy" in row}
        return [_position(grid, one, defense, channel, snr_db, policy=one) for one in sorted(policies, reverse=True)]
    variants = grid.variants(defense)
    main = variants[0]
    if knob not in main:
        return []
    alike = [one for one in variants if _others(one, knob) == _others(main, knob)]
    words = {True: "yes", False: "no"}
    return [
        _position(grid, words[one[knob]] if knob == LABELS else f"{one[knob]:g}", defense, channel, snr_db, **one)
        for one in sorted(alike, key=lambda one: one[knob])
    ]


def _others(choice: dict[str, Any], knob: str) -> dict[str, Any]:
    return {name: value for name, value in choice.items() if name != knob}


def _position(grid: Grid, words: str, defense: str, channel: str, snr_db: float, **choices: Any) -> Position:
    receiver = grid.receiver(defense, channel, snr_db, **{k: v for k, v in choices.items() if k != "policy"})
    return Position(words, receiver, grid.strongest(defense, channel, snr_db, **choices))


def rows(found: Sequence[Sweep]) -> list[Row]:
    """Every row of the grid that sweeps rest on."""
    places = [place for one in found for place in one.positions]
    behind = [place.receiver for place in places] + [place.attacker.row for place in places if place.attacker]
    return [row for row in behind if row is not None]
