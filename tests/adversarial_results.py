"""Made-up results of attacks, small enough to check by hand."""

from __future__ import annotations

from typing import Any


def row(method: str, snr_db: float, natural: float, attacked: float, **more: Any) -> dict[str, Any]:
    """One row; intervals are ±0.01."""
    return {
        "method": method, "channel": "awgn", "snr_db": snr_db, "attack": "pgd", "placement": "native", "eps": 0.016,
        "steps": 5, "eot": 1, "same_draw": False, "images": 200, "draws": 3, "natural": natural,
        "natural_interval": [natural - 0.01, natural + 0.01], "adversarial": attacked,
        "adversarial_interval": [attacked - 0.01, attacked + 0.01], "decided": attacked, "weights": {"base": "ab" * 32},
    } | more  # fmt: skip


def results(domain: str) -> dict[str, Any]:
    """Baseline and RepObE, a curve over eps, APGD, the same draw, and the purified baseline."""
    purified = {"steps": 10, "eot": 20, "sigma": 0.5, "denoising_steps": 2}
    return {
        "data": "made up",
        "command": "none",
        "table": [{"snr_db": 7.0, "sigma": 1.0, "steps": 4, "chosen": True}],
        "not_run": ["at", "trades"],
        "rows": [
            row("base", 7.0, 0.98, 0.90),
            row("base", 23.0, 0.99, 0.92),
            row("repobe", 23.0, 0.985, 0.97),
            row("repobe", 7.0, 0.975, 0.95),
            row("base", 23.0, 0.99, 0.60, eps=0.064),
            row("base", 23.0, 0.99, 0.40, eps=0.064, attack="apgd", steps=20),
            row("base", 23.0, 0.99, 0.55, eps=0.032),
            row("base", 23.0, 0.99, 0.58, eps=0.032, attack="apgd", steps=20),
            row("base", 23.0, 0.99, 0.85, same_draw=True),
            row("repobe", 7.0, 0.97, 0.93, attack="apgd", steps=20),
            row("repobe", 7.0, 0.97, 0.94, attack="apgd", steps=20, eot=20),
            row("base", 7.0, 0.98, 0.80, steps=10, eot=20),
            row("purified", 7.0, 0.95, 0.30, knowledge="adaptive", **purified),
            row("purified", 7.0, 0.95, 0.90, knowledge="bare", **purified),
        ],
    }
