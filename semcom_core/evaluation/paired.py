"""What DiffSem's denoiser adds, pair by pair: read from the results of :mod:`semcom_core.evaluation.diffsem`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from semcom_core import manifest
from semcom_core.evaluation.diffsem import USUAL_STEPS, WITH, WITHOUT

Interval = tuple[float, float]
STEPS = USUAL_STEPS
"""Denoising steps of the receiver that is compared."""


@dataclass(frozen=True)
class Difference:
    """A mean over pictures and its 95 % bootstrap interval."""

    value: float
    interval: Interval

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.interval[0] <= 0.0 <= self.interval[1]

    @property
    def points(self) -> str:
        """In percentage points, with the interval."""
        value, low, high = (f"{100 * one:+.2f}" for one in (self.value, *self.interval))
        return f"{value} [{low}, {high}]"


@dataclass(frozen=True)
class Paired:
    """One noise level, all links together; every difference is between readings of the same receptions.

    Attributes:
        noise: the sender's privacy noise σ.
        without, with_: the receiver's accuracy without the denoiser (tuned on the same noise) and with it.
        gain, attacker_gain: what the denoiser adds to the receiver, and to an attacker with the same networks.
        label: what it adds that the denoiser is told the receiver's first guess.
        lead: receiver minus attacker, both with the denoiser.
    """

    noise: float
    links: int
    images: int
    without: float
    with_: float
    gain: Difference
    attacker_gain: Difference
    label: Difference
    lead: Difference


def read(domain: str) -> tuple[Paired, ...]:
    """A domain's noise levels, rising; empty if they were not measured for these weights."""
    file = manifest.root() / domain / "diffsem" / "results.json"
    if not file.is_file():
        return ()
    content, entries = json.loads(file.read_bytes()), manifest.read()
    for name, sha256 in content.get("weights", {}).items():
        entry = entries.get(manifest.files_of(f"{domain}/{name}")[0])
        if entry is None or entry.sha256 != sha256:
            return ()
    return tuple(_paired(row) for row in content.get("noises", ()))


def _paired(row: dict[str, Any]) -> Paired:
    receiver = row["receiver"]
    return Paired(
        row["noise"],
        row["links"],
        row["images"],
        receiver[WITHOUT]["accuracy"],
        receiver[WITH]["accuracy"],
        _difference(row["gain"][WITH]),
        _difference(row["attacker_gain"][WITH]),
        _difference(row["labels_gain"]),
        _difference(row["lead"][WITH]),
    )


def _difference(cell: dict[str, Any]) -> Difference:
    low, high = cell["interval"]
    return Difference(cell["difference"], (low, high))


def greatest(rows: Sequence[Paired]) -> Paired:
    """Where the denoiser adds most to the receiver."""
    return max(rows, key=lambda row: row.gain.value)
