"""The measured grid of a domain, defenses × attacks × channels × SNR: read it and ask it.

::

    weights/<domain>/grid/results.json
      data, command          where the numbers come from
      receivers              one row a defense, choice, channel and SNR
        defense noise steps labels policy channel snr_db channel_uses images seeds accuracy interval
        pictures psnr ssim weights same_as
      attacks                one row a defense, choice, attack, channel and SNR
        defense noise steps labels policy attack channel snr_db channel_uses images seeds train_images
        class_accuracy class_interval judge_accuracy judge_interval (…_chance_p, …_chance_p_holm)
        mse mse_interval psnr ssim key_agreement weights
      not_run                defenses and attacks whose weights were missing

Fields that do not apply are absent. ``steps`` and ``labels`` belong to denoising receivers,
``noise`` to defenses that add noise, ``policy`` to keyed ones. ``same_as`` marks a receiver whose
figures are another defense's by construction. Accuracies are means over images of the mean over
seeds, with 95 % bootstrap intervals over images; both antennas have the row's SNR. Written by
:mod:`semcom_core.evaluation.grid_run`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from semcom_core.manifest import root

Row = dict[str, Any]
PLANE_SNR_DB = 10.0
"""Where every attack was measured."""
FEW_PICTURES = ("white_box",)
"""Attacks on so few pictures that their accuracy does not compare with that of others."""
LEADING = (
    "kind", "defense", "noise", "steps", "labels", "policy", "attack", "channel", "snr_db", "channel_uses", "images",
    "seeds", "train_images", "accuracy", "interval", "class_accuracy", "class_interval", "judge_accuracy",
    "judge_interval", "mse", "mse_interval", "psnr", "ssim",
)  # fmt: skip
"""First columns of the CSV; others follow in alphabetical order."""


@dataclass(frozen=True)
class Strongest:
    """The best that any measured attack did against one defense at one place.

    Attributes:
        accuracy, interval: of its class.
        attack: which attack.
        reading: "class" if it named the class itself, "judge" if the judge did on its picture.
        row: the whole row.
    """

    accuracy: float
    interval: tuple[float, float]
    attack: str
    reading: str
    row: Row


@dataclass(frozen=True)
class Gap:
    """DiffSem's figure: the receiver's accuracy minus that of the strongest attacker."""

    receiver: float
    attacker: Strongest

    @property
    def value(self) -> float:
        return self.receiver - self.attacker.accuracy


@dataclass(frozen=True)
class Grid:
    """All rows of one domain."""

    domain: str
    data: str
    command: str
    receiver_rows: tuple[Row, ...]
    attack_rows: tuple[Row, ...]
    not_run: tuple[Row, ...] = ()

    @property
    def defenses(self) -> tuple[str, ...]:
        """Measured defenses, in the registry's order."""
        return tuple(dict.fromkeys(row["defense"] for row in self.receiver_rows + self.attack_rows))

    def receivers(self, defense: str | None = None, channel: str | None = None, **choices: Any) -> list[Row]:
        """Receiver rows over SNR.

        Args:
            choices: any further fields, for instance ``noise=0.5``; without them a defense's main choice.
        """
        wanted = {"defense": defense, "channel": channel}
        rows = self._select(self.receiver_rows, wanted, choices)
        if "policy" not in choices:  # a receiver has the same figures under every policy
            rows = [row for row in rows if row.get("policy") != "fixed"]
        return sorted(rows, key=lambda row: row["snr_db"])

    def receiver(self, defense: str, channel: str = "awgn", snr_db: float = PLANE_SNR_DB, **choices: Any) -> Row | None:
        """One receiver row; ``None`` if it was not run."""
        return next(iter(self.receivers(defense, channel, snr_db=snr_db, **choices)), None)

    def attacks(self, defense: str | None = None, channel: str | None = None, **choices: Any) -> list[Row]:
        """Attack rows; ``choices`` as for :meth:`receivers`, and ``attack``, ``snr_db``, ``policy``."""
        return self._select(self.attack_rows, {"defense": defense, "channel": channel}, choices)

    def variants(self, defense: str) -> list[dict[str, Any]]:
        """The choices (noise, steps, labels) under which a defense was measured, main choice first."""
        rows = [row for row in self.receiver_rows + self.attack_rows if row["defense"] == defense]
        found: list[dict[str, Any]] = []
        for row in rows:
            if (choice := _choice(row)) not in found:
                found.append(choice)
        return found

    def strongest(
        self, defense: str, channel: str = "awgn", snr_db: float = PLANE_SNR_DB, **choices: Any
    ) -> Strongest | None:
        """The attack with the highest accuracy, own or judged; ``None`` if none was run.

        Attacks on a key that is used again (policy "fixed") count only if ``policy`` asks for them,
        those of :data:`FEW_PICTURES` only if ``attack`` does.
        """
        rows = self.attacks(defense, channel, snr_db=snr_db, **choices)
        if "policy" not in choices:
            rows = [row for row in rows if row.get("policy") != "fixed"]
        if "attack" not in choices:
            rows = [row for row in rows if row["attack"] not in FEW_PICTURES]
        candidates = [
            Strongest(row[f"{who}_accuracy"], tuple(row[f"{who}_interval"]), row["attack"], who, row)
            for row in rows
            for who in ("class", "judge")
            if f"{who}_accuracy" in row
        ]
        return max(candidates, key=lambda one: one.accuracy, default=None)

    def sharpest(self, defense: str, channel: str = "awgn", snr_db: float = PLANE_SNR_DB, **choices: Any) -> Row | None:
        """The attack row with the smallest error of the picture, for keys that are not used again."""
        rows = [row for row in self.attacks(defense, channel, snr_db=snr_db, **choices) if "mse" in row]
        if "attack" not in choices:
            rows = [row for row in rows if row["attack"] not in FEW_PICTURES]
        if "policy" not in choices:
            rows = [row for row in rows if row.get("policy") != "fixed"]
        return min(rows, key=lambda row: row["mse"], default=None)

    def gap(self, defense: str, channel: str = "awgn", snr_db: float = PLANE_SNR_DB, **choices: Any) -> Gap | None:
        """DiffSem's gap at one place; ``None`` unless receiver and attacks were both run there."""
        ours = self.receiver(defense, channel, snr_db, **{k: v for k, v in choices.items() if k != "policy"})
        theirs = self.strongest(defense, channel, snr_db, **choices)
        return Gap(ours["accuracy"], theirs) if ours and theirs else None

    def csv_rows(self) -> list[Row]:
        """Every row flat: lists and hashes as text, ``kind`` in front."""
        both = (("receiver", self.receiver_rows), ("attack", self.attack_rows))
        return [
            {"kind": kind} | {key: _flat(value) for key, value in row.items()} for kind, rows in both for row in rows
        ]

    def csv(self, rows: Sequence[Row] | None = None) -> str:
        """The given flat rows, or all, as CSV with one header line."""
        rows = self.csv_rows() if rows is None else rows
        others = sorted({key for row in rows for key in row} - set(LEADING))
        out = io.StringIO()
        writer = csv.DictWriter(out, [*LEADING, *others], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def _select(self, rows: Sequence[Row], wanted: Row, choices: Row) -> list[Row]:
        wanted = {key: value for key, value in wanted.items() if value is not None} | choices
        return [
            row
            for row in rows
            if all(row.get(key) == value for key, value in wanted.items()) and self._is_main(row, choices)
        ]

    def _is_main(self, row: Row, choices: Row) -> bool:
        """Whether a row's choices, apart from those asked for, are its defense's main ones."""
        main = self._main[row["defense"]]
        return all(row.get(key) == value for key, value in main.items() if key not in choices)

    @cached_property
    def _main(self) -> dict[str, Row]:
        return {defense: self.variants(defense)[0] for defense in self.defenses}


def path(domain: str) -> Path:
    """Where a domain's grid is kept."""
    return root() / domain / "grid" / "results.json"


def read(file: Path) -> dict[str, Any] | None:
    """Content of a ``results.json``; ``None`` if there is none."""
    return json.loads(file.read_text()) if file.is_file() else None


def load(domain: str) -> Grid | None:
    """A domain's grid; ``None`` if it was not run."""
    return from_file(domain, path(domain))


def from_file(domain: str, file: Path) -> Grid | None:
    """A grid from another place, for instance that of a try-out."""
    content = read(file)
    if content is None:
        return None
    rows = (tuple(content[kind]) for kind in ("receivers", "attacks", "not_run"))
    return Grid(domain, content["data"], content["command"], *rows)


def _choice(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in ("noise", "steps", "labels") if key in row}


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}={one[:12]}" for key, one in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else value
