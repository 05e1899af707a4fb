"""Questions of the pages to a measured grid: points of the privacy–utility plane, and CEM's gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from semcom_core.evaluation.grid import FEW_PICTURES, Grid, Row, Strongest

STRONGEST = "strongest"
CEM_PAIRS = (("cem_off", "cem"), ("arl", "arl_cem"))
"""A defense, and the one with conditional entropy maximisation plugged in: trained alike, but for CEM's term."""


@dataclass(frozen=True)
class Point:
    """One defense, under one choice of its strength, on the privacy–utility plane.

    Attributes:
        choice: noise, steps, labels, where they apply.
        receiver: the receiver's row of the grid.
        attacker: the attack that got the most classes right, and how.
    """

    defense: str
    choice: dict[str, Any]
    receiver: Row
    attacker: Strongest

    @property
    def gap(self) -> float:
        """DiffSem's objective: receiver's accuracy minus attacker's; 0 on the diagonal."""
        return self.receiver["accuracy"] - self.attacker.accuracy


def points(grid: Grid, channel: str, snr_db: float, attack: str = STRONGEST) -> list[Point]:
    """One point a defense and choice that was measured here, receiver and attack both.

    Args:
        attack: a name, or :data:`STRONGEST`: whichever attack and reading got the most right. Keys
            that are used again do not count (:meth:`Grid.strongest`).
    """
    found = []
    for defense in grid.defenses:
        for choice in grid.variants(defense):
            only = choice if attack == STRONGEST else choice | {"attack": attack}
            best = grid.strongest(defense, channel, snr_db, **only)
            row = grid.receiver(defense, channel, snr_db, **choice)
            if best and row:
                found.append(Point(defense, choice, row, best))
    return found


def attacks(grid: Grid) -> list[str]:
    """Names of the attacks that were measured under fresh keys."""
    return list(dict.fromkeys(row["attack"] for row in grid.attack_rows if row.get("policy") != "fixed"))


@dataclass(frozen=True)
class Gain:
    """What plugging in conditional entropy maximisation changed, for one attack in one place.

    Attributes:
        without, with_cem: names of the two defenses.
        mse: the attack's error on values in [0,1], without and with.
        accuracy: of the receiver, without and with.
    """

    without: str
    with_cem: str
    attack: str
    channel: str
    snr_db: float
    noise: float | None
    mse: tuple[float, float]
    accuracy: tuple[float, float]

    @property
    def gain(self) -> float:
        """Relative increase of the attack's error; 0.129 is CEM's "12.9 %"."""
        return self.mse[1] / self.mse[0] - 1.0

    @property
    def accuracy_change(self) -> float:
        """Of the receiver; 0.01 is one point."""
        return self.accuracy[1] - self.accuracy[0]


def strongest_gain(found: Sequence[Gain]) -> Gain:
    """Of one pair at one place: from the smallest error of any attack without CEM to the smallest of any with it.

    Unlike :meth:`Grid.sharpest` it counts only attacks that were run on both: a missing one would pass for a gain.
    """
    counted = [one for one in found if one.attack not in FEW_PICTURES] or found
    mse = min(one.mse[0] for one in counted), min(one.mse[1] for one in counted)
    return replace(counted[0], attack="", mse=mse)


def gains(grid: Grid, pairs: Sequence[tuple[str, str]] = CEM_PAIRS) -> list[Gain]:
    """Every attack that was run on both defenses of a pair, at equal noise, channel and SNR."""
    found = []
    for without, with_cem in pairs:
        for choice in grid.variants(without):
            for before in grid.attacks(without, **choice):
                place = {"channel": before["channel"], "snr_db": before["snr_db"], **choice}
                after = next(iter(grid.attacks(with_cem, attack=before["attack"], **place)), None)
                ours = grid.receiver(without, **place), grid.receiver(with_cem, **place)
                if "mse" not in before or after is None or "mse" not in after or None in ours:
                    continue
                found.append(
                    Gain(
                        without,
                        with_cem,
                        before["attack"],
                        before["channel"],
                        before["snr_db"],
                        choice.get("noise"),
                        (before["mse"], after["mse"]),
                        (ours[0]["accuracy"], ours[1]["accuracy"]),
                    )
                )
    return found
