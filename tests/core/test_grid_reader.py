"""The grid as pages and tables read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from semcom_core.ciphers.keys import KeySource
from semcom_core.evaluation import grid, tables
from semcom_core.evaluation.reported import reported

SOURCE = KeySource.published()
LIKE_NONE = ("repobe", "shuffling", "rotation", "rotation_fast")


def synthetic() -> grid.Grid:
    def receiver(defense: str, accuracy: float, **more) -> dict:
        return {
            "defense": defense, "channel": "awgn", "snr_db": 10.0, "channel_uses": 1568, "accuracy": accuracy,
            "interval": [accuracy - 0.01, accuracy + 0.01], "weights": {"base": "f" * 64},
        } | more  # fmt: skip

    def attack(defense: str, attack: str, own: float, judge: float, mse: float, **more) -> dict:
        return {
            "defense": defense, "attack": attack, "channel": "awgn", "snr_db": 10.0, "channel_uses": 1568,
            "class_accuracy": own, "class_interval": [own, own], "judge_accuracy": judge,
            "judge_interval": [judge, judge], "mse": mse, "psnr": -10 * np.log10(mse),
        } | more  # fmt: skip

    return grid.Grid(
        "digits", "pictures", "command",
        (
            receiver("none", 0.99), receiver("none", 0.98, snr_db=7.0), receiver("noise", 0.9, noise=0.5),
            receiver("noise", 0.7, noise=2.0), receiver("repobe", 0.99, policy="message", same_as="none"),
            receiver("repobe", 0.99, policy="fixed", same_as="none"),
        ),
        (
            attack("none", "ridge", 0.8, 0.5, 0.02), attack("none", "naive", 0.3, 0.95, 0.01),
            attack("none", "white_box", 0.1, 1.0, 0.001),
            attack("noise", "ridge", 0.6, 0.4, 0.05, noise=0.5), attack("noise", "ridge", 0.4, 0.3, 0.06, noise=2.0),
            attack("repobe", "adaptive", 0.95, 0.2, 0.07, policy="message"),
            attack("repobe", "known_plaintext", 0.99, 0.98, 0.003, policy="fixed"),
        ),
    )  # fmt: skip


def test_queries_of_the_grid() -> None:
    found = synthetic()
    assert [row["snr_db"] for row in found.receivers("none", "awgn")] == [7.0, 10.0]
    assert found.defenses == ("none", "noise", "repobe")
    assert found.strongest("none").attack == "naive"
    assert found.strongest("none").reading == "judge"
    assert found.strongest("none", attack="white_box").accuracy == 1.0  # ten pictures: only when asked for
    assert found.gap("none").value == pytest.approx(0.04)
    assert found.receiver("noise")["noise"] == 0.5  # the main choice
    assert found.gap("noise").value == pytest.approx(0.3)
    assert found.gap("noise", noise=2.0).value == pytest.approx(0.3)
    assert found.variants("noise") == [{"noise": 0.5}, {"noise": 2.0}]
    assert len(found.receivers("repobe")) == 1
    assert found.strongest("repobe").attack == "adaptive"
    assert found.strongest("repobe", policy="fixed").attack == "known_plaintext"
    assert found.sharpest("none")["attack"] == "naive"
    assert found.gap("none", "rayleigh") is None


def test_csv_holds_every_row() -> None:
    found = synthetic()
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    assert len(rows) == len(found.receiver_rows) + len(found.attack_rows)
    assert rows[0]["accuracy"] == "0.99"
    assert rows[0]["interval"] == "0.98 1.0"
    assert rows[0]["weights"] == "base=" + "f" * 12
    assert rows[-1]["attack"] == "known_plaintext"
    assert rows[-1]["accuracy"] == ""


def test_no_grid_reads_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path))
    assert grid.load("digits") is None
    with pytest.raises(ValueError, match="not run"):
        tables.grid_table("digits")


def test_the_table_has_a_row_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "load", lambda domain: synthetic())
    rows = [line for line in tables.grid_table("digits").splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0] for row in rows] == ["| none", "| noise σ=0.5", "| noise σ=2", "| repobe"]
    assert "0.950 [0.950, 0.950] naive, judge" in rows[0]
    assert all(row.count(" | ") == 9 for row in rows)


def test_reported_values_are_the_papers() -> None:
    """Against FACTS 0.4 and 3.3."""
    assert [one.value for one in reported("repobe", "digits", quantity="receiver_accuracy", channel="awgn")] == [
        0.9943,
        0.9966,
    ]
    assert [(one.snr_db, one.value) for one in reported("jpeg2000")] == [(23.0, 0.9203)]
    (vae,) = reported("vae")
    assert (vae.bound, vae.snr_db) == ("≤", None)
    assert all(one.snr_db == one.label_db + 3 for one in reported("ibal"))
    assert sorted({one.value for one in reported("ibal", quantity="receiver_accuracy")}) == [0.946, 0.948, 0.951, 0.952]
    assert [one.value for one in reported("cem")] == [0.129, 0.482]
