"""The measured counterpart of the live experiments, from the results beside the weights."""

from __future__ import annotations

import json
from typing import Any

from semcom_core import weights

_KNOWN = ("snr_db", "trials", "known_plaintext_whole_key", "known_plaintext_interval", "known_plaintext_entries")
_ALONE = ("snr_db", "trials", "ciphertext_only_whole_key", "ciphertext_only_entries")
_CELL = (
    "defense", "policy", "attacker", "snr_db", "images", "key_agreement", "own_balanced", "own_interval",
    "judge_balanced", "judge_interval", "psnr", "ssim", "mse_minus_mean_picture_99",
)  # fmt: skip
ROTATIONS = ("rotation", "rotation_fast")


def measured(domain: str, attack: str) -> list[dict[str, Any]] | None:
    """What ``python -m semcom_core evaluate <domain>`` found for one attack.

    Args:
        attack: ``known_plaintext``, ``adaptive``, ``naive``, ``learned``, or ``rotation`` for all
            attacks on the one-time rotations.

    Returns:
        Flat rows, or ``None`` if these weights were not measured.
    """
    cells = _results(domain, "adaptive_rotation").get("cells", [])
    recovery = _results(domain, "prior").get("exact_recovery", [])
    if attack == "rotation":
        rows = [_columns(cell, _CELL) for cell in cells if cell["defense"] in ROTATIONS]
    else:
        rows = [_columns(cell, _CELL) for cell in cells if cell["attacker"] == attack]
    if attack == "known_plaintext":
        rows = [_columns(row, _KNOWN) for row in recovery] + rows
    if attack == "adaptive":
        rows = [_columns(row, _ALONE) for row in recovery] + rows
    return rows or None


def _results(domain: str, name: str) -> dict[str, Any]:
    try:
        return json.loads((weights.root() / domain / name / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _columns(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """These columns only; a pair of bounds as text, so that a table can show it."""
    chosen = {name: row[name] for name in names if row.get(name) is not None}
    return {name: " … ".join(map(str, value)) if isinstance(value, list) else value for name, value in chosen.items()}
