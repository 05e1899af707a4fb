"""Adversarial accuracy of a domain's links: the results, read; and the cells that are measured.

::

    weights/<domain>/adversarial/results.json
      data, command      where the numbers come from
      table              purification levels tried over SNR on held-out pictures, and which were chosen;
                         table_images, table_weights; null if not measured
      rows               one a method, channel, SNR and attack
        method channel snr_db attack placement eps|power_db steps eot same_draw knowledge sigma
        denoising_steps images draws seed natural natural_interval adversarial adversarial_interval
        decided weights
      not_run            methods whose weights are missing

``natural`` and ``adversarial`` are accuracies over the same pictures: means over pictures of the mean
over ``draws`` scored channel draws, with 95 % bootstrap intervals over pictures; ``decided`` is the
adversarial accuracy if the receiver could average its class probabilities over those draws.
Written by :mod:`semcom_core.evaluation.adversarial_run`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from semcom_core.defenses.purification import Level
from semcom_core.manifest import root
from semcom_core.manipulation import EPS, Placement
from semcom_core.manipulation.receivers import ABLATION, BASE, METHODS, RECEIVERS
from semcom_core.manipulation.victims import POWER_DB

Row = dict[str, Any]
Knowledge = Literal["adaptive", "bare"]
"""What a link's attacker plans against: the link itself, or the same link without its purifier."""

VERSION = 1
"""Part of every cell's key: raise it when what a cell measures, or how, is changed."""
PURIFIED, DENOISER = "purified", "diffsem"
"""The base link behind a purifier, as one more method, and the weights of its denoiser."""

CHANNELS = ("awgn", "rayleigh")
ENDS_DB = (7.0, 23.0)
MIDDLE_DB = (11.0, 15.0, 19.0)
PURIFIED_DB = (7.0, 15.0, 23.0)
CURVE_EPS, CURVE_DB = (0.004, 0.008, 0.032, 0.064, 0.128), 23.0
"""Further radii of the same PGD-5, for curves of accuracy over eps."""
CURVE_STEPS = 20
"""Of APGD with one draw a gradient at the radii of these curves: at large ones five steps are far too few."""
AIR_STEPS = {POWER_DB: 10, -14.0: 40}
"""Steps of attacks on the air, by their power relative to the signal: twice the amplitude takes longer to use up."""
PGD_DRAWS, APGD_DRAWS = 3, 20
MIDDLE_SHARE, MIDDLE_LEAST = 10, 100
"""Between the ends a tenth of the pictures, but not fewer than so many (if there are so many at all)."""
STRONG_SHARE, STRONG_MOST, PURIFIED_MOST = 8, 260, 70
"""APGD with 20 draws costs twenty times PGD-5: an eighth of the pictures, at most so many (equally many a class)."""


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        radius: eps in pixels, or power in dB relative to the signal on the air.
        steps, eot: of the attack.
        images: pictures of the fixed class-balanced list.
        draws: scored channel draws a picture.
        same_draw: the attacker knows the noise that is scored (one draw).
        knowledge, level: of a purified link.
        weights: hashes of all networks that decide the result, by name within the domain.
    """

    method: str
    channel: str
    snr_db: float
    attack: str
    placement: Placement
    radius: float
    steps: int
    eot: int
    images: int
    draws: int
    same_draw: bool = False
    knowledge: Knowledge = "adaptive"
    level: Level | None = None
    seed: int = 0
    weights: Mapping[str, str] = field(default_factory=dict)

    def identity(self) -> Row:
        """What the cell is, as the first fields of its row; what does not apply is absent."""
        row: Row = {"method": self.method, "channel": self.channel, "snr_db": self.snr_db, "attack": self.attack}
        row |= {"placement": self.placement, "power_db" if self.placement == "symbols" else "eps": self.radius}
        row |= {"steps": self.steps, "eot": self.eot, "same_draw": self.same_draw}
        if self.level is not None:
            row |= {"knowledge": self.knowledge, "sigma": self.level.sigma, "denoising_steps": self.level.steps}
        return row | {"images": self.images, "draws": self.draws, "seed": self.seed}

    def key(self, domain: str, data: str) -> str:
        """Digest of everything that the result depends on.

        Args:
            data: digest of the pictures.
        """
        whole = {"version": VERSION, "domain": domain, "data": data, **asdict(self)}
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]


def cells(images: int, weights: Mapping[str, Mapping[str, str]], table: tuple[Level, ...] = ()) -> list[Cell]:
    """All cells of a domain, the cheapest and most asked for first.

    Args:
        images: pictures of a PGD cell at the ends of the SNR range; other sizes follow from it.
        weights: for each trained method (:data:`METHODS`, :data:`PURIFIED`) its networks' hashes.
        table: purification levels; no purified cell without.
    """
    methods = [name for name in METHODS if name in weights]
    found = [
        _pgd(name, weights[name], channel, snr_db, placement, images)
        for placement, channel, snrs in product(("native", "enlarged"), CHANNELS, (ENDS_DB, MIDDLE_DB))
        for snr_db, name in product(snrs, methods)
        if name not in ABLATION or (placement, channel) == ("enlarged", "awgn")
    ]
    found += [
        _pgd(name, weights[name], "awgn", snr_db, "native", images, same_draw=True)
        for snr_db, name in product(ENDS_DB, (BASE, "repobe"))
        if name in weights
    ]
    found += [
        _pgd(name, weights[name], "awgn", CURVE_DB, placement, _fewer(images), eps=eps)
        for placement, eps, name in product(("native", "enlarged"), CURVE_EPS, RECEIVERS)
        if name in weights
    ]
    curve = (CURVE_STEPS, 1, _fewer(images), PGD_DRAWS)
    found += [
        Cell(name, "awgn", CURVE_DB, "apgd", placement, eps, *curve, weights=weights[name])
        for placement, eps, name in product(("enlarged", "native"), (EPS, *CURVE_EPS), RECEIVERS)
        if name in weights
    ]
    strong = min(max(images // STRONG_SHARE, 1), STRONG_MOST)
    found += [
        Cell(name, "awgn", snr_db, "apgd", "native", EPS, 20, 20, strong, APGD_DRAWS, weights=weights[name])
        for snr_db, name in product(ENDS_DB, methods)
        if name not in ABLATION
    ]
    return found + list(_purification(min(strong, PURIFIED_MOST), weights, table))


def _pgd(
    name: str,
    weights: Mapping[str, str],
    channel: str,
    snr_db: float,
    placement: Placement,
    images: int,
    same_draw: bool = False,
    eps: float = EPS,
) -> Cell:
    images = _fewer(images) if snr_db in MIDDLE_DB else images
    draws = 1 if same_draw else PGD_DRAWS
    return Cell(name, channel, snr_db, "pgd", placement, eps, 5, 1, images, draws, same_draw, weights=weights)


def _fewer(images: int) -> int:
    return min(images, max(images // MIDDLE_SHARE, MIDDLE_LEAST))


def _purification(images: int, weights: Mapping[str, Mapping[str, str]], table: tuple[Level, ...]) -> list[Cell]:
    """Bare link and purified link under both attacks, adaptive and not, over SNR; and APGD through the purifier."""
    found = []
    if PURIFIED not in weights or not table:
        return found
    levels = {level.snr_db: level for level in table}
    kinds: list[tuple[Placement, float, int]] = [("native", EPS, 10)]
    kinds += [("symbols", power_db, steps) for power_db, steps in AIR_STEPS.items()]
    for (placement, radius, steps), snr_db in product(kinds, PURIFIED_DB):
        common = ("awgn", snr_db, "pgd", placement, radius, steps, 20, images, APGD_DRAWS)
        found.append(Cell(BASE, *common, weights=weights[BASE]))
        for knowledge in ("adaptive", "bare"):
            found.append(Cell(PURIFIED, *common, knowledge=knowledge, level=levels[snr_db], weights=weights[PURIFIED]))
    found += [
        Cell(
            PURIFIED, "awgn", snr_db, "apgd", "native", EPS, 20, 20, images, APGD_DRAWS, level=levels[snr_db],
            weights=weights[PURIFIED],
        )
        for snr_db in ENDS_DB
    ]  # fmt: skip
    return found


def path(domain: str) -> Path:
    """Where a domain's results lie."""
    return root() / domain / "adversarial" / "results.json"


def read(domain: str) -> dict[str, Any] | None:
    """A domain's results; ``None`` if nothing was measured."""
    file = path(domain)
    return json.loads(file.read_bytes()) if file.is_file() else None


def table_of(results: dict[str, Any] | None) -> tuple[Level, ...]:
    """The purification table of read results; empty if it was not measured."""
    return tuple(
        Level(row["snr_db"], row["sigma"], row["steps"])
        for row in ((results or {}).get("table") or ())
        if row["chosen"]
    )
