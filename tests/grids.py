"""A small measured grid with made-up round numbers, for tests of everything that reads one."""

from __future__ import annotations

from typing import Any

from semcom_core.evaluation.grid import Grid

SNRS_DB = (7.0, 10.0, 23.0)
_RECEIVERS = {
    "none": 0.99, "repobe": 0.99, "rotation": 0.99, "necst": 0.96, "diffsem": 0.97, "cem_off": 0.95, "cem": 0.949,
}  # fmt: skip
_ATTACKERS = {
    "none": 0.98, "repobe": 0.90, "rotation": 0.10, "necst": 0.95, "diffsem": 0.96, "cem_off": 0.94, "cem": 0.93,
}  # fmt: skip
_MSE = {
    "none": 0.01, "repobe": 0.02, "rotation": 0.08, "necst": 0.03, "diffsem": 0.02, "cem_off": 0.030, "cem": 0.036,
}  # fmt: skip
_CHOICES: dict[str, list[dict[str, Any]]] = {
    "diffsem": [{"noise": 0.5, "steps": 4, "labels": True}, {"noise": 0.5, "steps": 0, "labels": True}],
    "cem_off": [{"noise": 0.5}],
    "cem": [{"noise": 0.5}],
}
_COMMON = {"channel_uses": 1568, "images": 1000, "seeds": [0, 1, 2], "weights": {"base": "ab" * 32}}


def small_grid(domain: str = "digits") -> Grid:
    """Seven defenses, two attacks, two channels; ``ridge`` is the weaker attack everywhere."""
    receivers, attacks = [], []
    for defense, accuracy in _RECEIVERS.items():
        for number, choice in enumerate(_CHOICES.get(defense, [{}])):
            for channel in ("awgn", "rayleigh"):
                for snr_db in SNRS_DB:
                    value = accuracy - 0.02 * number - (0.01 if snr_db < 10 else 0.0)
                    place = {"defense": defense, **choice, "channel": channel, "snr_db": snr_db}
                    receivers.append(place | _COMMON | {"accuracy": value, "interval": [value - 0.002, value + 0.002]})
                    if snr_db != 10.0:
                        continue
                    for attack, worse in (("ridge", 0.3), ("inversion", 0.0)):
                        attacks.append(place | _attack(defense, attack, worse))
    return Grid(domain, "made-up pictures", "no command", tuple(receivers), tuple(attacks), ({"defense": "vae"},))


def _attack(defense: str, attack: str, worse: float) -> dict[str, Any]:
    value = max(_ATTACKERS[defense] - worse, 0.1)
    return _COMMON | {
        "attack": attack,
        "train_images": 20_000,
        "class_accuracy": value,
        "class_interval": [value - 0.02, value + 0.02],
        "judge_accuracy": value - 0.05,
        "judge_interval": [value - 0.07, value - 0.03],
        "mse": _MSE[defense] * (1.5 if attack == "ridge" else 1.0),
        "mse_interval": [0.0, 1.0],
        "psnr": 12.0,
    }
