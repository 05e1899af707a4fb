"""Certified ratios beside what attacks reached: read from the results, nothing is computed here."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from semcom_core import manifest
from semcom_core.evaluation import grid as grids
from semcom_core.evaluation.grid import Grid

NOTHING_LEARNT = ("rotation", "rotation_fast")
"""Behind these an attacker learns nothing of the picture: its error is that of the mean picture."""


@dataclass(frozen=True)
class Certified:
    """One certificate (:func:`semcom_core.entropy.certificates`) and the measured counterpart.

    Attributes:
        ratio: certified: the error of any attack is at least this share of the floor without a signal.
        nats: upper estimate of the information behind it.
        mse, interval: the smallest error of a measured attack; ``None`` where none was run.
        attack: which attack reached it.
        reached: that error over the error of an attacker that learns nothing, if both were run.
    """

    defense: str
    noise: float
    snr_db: float
    ratio: float
    nats: float
    mse: float | None = None
    interval: tuple[float, float] | None = None
    attack: str | None = None
    reached: float | None = None


def rows(domain: str) -> list[Certified]:
    """All certificates of a domain; empty if none was computed."""
    grid = grids.load(domain)
    return [_beside(one, grid) for one in _certificates(domain)]


def _certificates(domain: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in sorted((manifest.root() / domain).glob("*/results.json")):
        found += json.loads(file.read_text(encoding="utf-8")).get("certificates", [])
    return found


def _beside(one: dict[str, Any], grid: Grid | None) -> Certified:
    plain = Certified(one["defense"], one["noise"], one["snr_db"], one["ratio"], one["nats"])
    best = None if grid is None else _sharpest(grid, one)
    if grid is None or best is None:
        return plain
    ignorant = min((row["mse"] for name in NOTHING_LEARNT if (row := _at(grid, name, one))), default=None)
    return replace(
        plain,
        mse=best["mse"],
        interval=tuple(best["mse_interval"]),
        attack=best["attack"],
        reached=None if ignorant is None else best["mse"] / ignorant,
    )


def _sharpest(grid: Grid, one: dict[str, Any]) -> dict[str, Any] | None:
    if one["defense"] not in grid.defenses:
        return None
    choice = {"noise": one["noise"]} if "noise" in grid.variants(one["defense"])[0] else {}
    return grid.sharpest(one["defense"], one["channel"], one["snr_db"], **choice)


def _at(grid: Grid, defense: str, one: dict[str, Any]) -> dict[str, Any] | None:
    return grid.sharpest(defense, one["channel"], one["snr_db"]) if defense in grid.defenses else None
