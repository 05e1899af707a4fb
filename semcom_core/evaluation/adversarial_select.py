"""Questions to read adversarial results: which rows make a curve, and which stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from semcom_core.evaluation.adversarial import CURVE_DB, PURIFIED, Row
from semcom_core.manipulation import EPS


@dataclass(frozen=True)
class Kind:
    """What the points of a curve have in common.

    Attributes:
        radius: eps in pixels.
    """

    channel: str = "awgn"
    attack: str = "pgd"
    placement: str = "native"
    radius: float = EPS


def rows(results: dict[str, Any] | None) -> list[Row]:
    """All rows; none where nothing was measured."""
    return list((results or {}).get("rows", ()))


def methods(found: Sequence[Row]) -> list[str]:
    """Methods that have rows, in their order."""
    return list(dict.fromkeys(row["method"] for row in found))


def over_snr(found: Sequence[Row], method: str, kind: Kind) -> list[Row]:
    """One row an SNR, in its order, of RepObE's PGD-5 (or APGD); without purifier, the attacker's draw its own.

    Curves over the SNR are of single-draw planning (``pgd``) or of APGD with all its draws; the purification
    experiment's PGD, which plans with 20, and APGD that plans with one stand elsewhere.
    """
    wanted = {"method": method, "channel": kind.channel, "attack": kind.attack, "placement": kind.placement}
    chosen = [
        row
        for row in found
        if wanted.items() <= row.items()
        and row.get("eps") == kind.radius
        and not row["same_draw"]
        and (row["eot"] == 1) == (kind.attack == "pgd")
    ]
    return sorted(chosen, key=lambda row: row["snr_db"])


def over_eps(found: Sequence[Row], method: str, placement: str) -> list[Row]:
    """One row a radius, in its order: of PGD-5 and longer attacks that plan with one draw, the one that fools most.

    At :data:`CURVE_DB` without fading, the attacker's draw its own.
    """
    chosen = [
        row
        for row in found
        if (row["method"], row["channel"], row["snr_db"], row["placement"]) == (method, "awgn", CURVE_DB, placement)
        and row["eot"] == 1
        and not row["same_draw"]
    ]
    chosen.sort(key=lambda row: (row["eps"], row["adversarial"]))
    return [next(group) for _, group in groupby(chosen, key=lambda row: row["eps"])]


def stronger(found: Sequence[Row]) -> list[Row]:
    """Attacks that know more than RepObE's: APGD with an expectation over the noise, and the noise that is scored."""
    return [row for row in found if row["same_draw"] or (row["attack"] == "apgd" and row["eot"] > 1)]


@dataclass(frozen=True)
class PurifiedRow:
    """The bare link and the purified one under the same attack.

    Attributes:
        bare: no purifier.
        aware: the attacker planned through the purifier.
        unaware: it planned against the link without; ``None`` if that was not measured.
    """

    bare: Row | None
    aware: Row
    unaware: Row | None


def purified(found: Sequence[Row]) -> list[PurifiedRow]:
    """Every adaptive measurement of the purified link, with what stands beside it: on the same pictures only."""
    shared = ("channel", "snr_db", "attack", "placement", "eps", "power_db", "steps", "eot", "images")

    def beside(row: Row, method: str, knowledge: str | None) -> Row | None:
        return next(
            (
                other
                for other in found
                if other["method"] == method
                and other.get("knowledge") == knowledge
                and not other["same_draw"]
                and all(other.get(name) == row.get(name) for name in shared)
            ),
            None,
        )

    return [
        PurifiedRow(beside(row, "base", None), row, beside(row, PURIFIED, "bare"))
        for row in found
        if row["method"] == PURIFIED and row.get("knowledge") == "adaptive"
    ]
