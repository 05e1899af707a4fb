"""What was measured of one protection: from several files, the strongest first, each with its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from semcom_core.evaluation import grid as grids
from semcom_core.evaluation.told import place, told
from tests.grids import small_grid

HASHES = {"base": "cd" * 32}


def cell(attacker: str, own: float | None, p: float, **more: Any) -> dict[str, Any]:
    """A row of the ciphers' file."""
    return {
        "defense": "shuffling", "policy": "message", "attacker": attacker, "channel": "awgn", "snr_db": 10.0,
        "images": 2000, "judge_balanced": 0.1, "judge_interval": [0.08, 0.12], "judge_chance_p_holm": 1.0, "psnr": 11.0,
        **({} if own is None else {"own_balanced": own, "own_interval": [own - 0.01, 1.2], "own_chance_p_holm": p}),
        **more,
    }  # fmt: skip


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A weights folder with a made-up grid and one file of ciphers."""
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(grids, "load", small_grid)
    cells = [
        cell("naive", None, 1.0),
        cell("adaptive", 0.8, 1e-3),
        cell("key_holder", 0.99, 1e-3),
        cell("known_plaintext", 0.95, 1e-3, policy="fixed"),
        cell("known_plaintext", 0.2, 1e-3),
        cell("inversion", 0.7, 1e-3, defense="repobe"),
    ]
    folder = tmp_path / "digits" / "adaptive_rotation"
    folder.mkdir(parents=True)
    content = {"data": "cipher pictures", "command": "cipher command", "weights": HASHES, "cells": cells}
    (folder / "results.json").write_text(json.dumps(content))
    return tmp_path


@pytest.mark.usefixtures("files")
class TestTold:
    def test_the_grid_comes_first_and_the_strongest_leads(self) -> None:
        one = told("digits", "repobe")
        assert [(attack.name, attack.best.value) for attack in one.attacks] == [
            ("inversion", pytest.approx(0.90)),  # not the ciphers' 0.7
            ("ridge", pytest.approx(0.60)),
        ]
        assert one.receiver.share.value == pytest.approx(0.99)
        assert one.strongest.source.command == "no command"

    def test_another_file_fills_what_the_grid_lacks(self) -> None:
        one = told("digits", "shuffling")
        assert [attack.name for attack in one.attacks] == ["adaptive", "known_plaintext", "naive"]
        best = one.strongest
        assert best.best.balanced and best.best.interval == (0.79, 1.0)  # a share stays a share
        assert (best.source.data, best.source.weights) == ("cipher pictures", tuple(HASHES.items()))
        assert one.sources[-1].command == "cipher command"

    def test_a_key_holder_is_no_attack_and_the_key_policy_decides(self) -> None:
        fresh, fixed = (
            told("digits", "shuffling", policy=policy).attack("known_plaintext") for policy in ("message", "fixed")
        )
        assert fresh.best.value == 0.2
        assert fixed.best.value == 0.95
        assert told("digits", "shuffling").attack("key_holder") is None

    def test_better_than_guessing_needs_the_test_not_the_number_alone(self) -> None:
        attacks = {attack.name: attack for attack in told("digits", "shuffling").attacks}
        assert attacks["adaptive"].beats(0.1)
        assert not attacks["naive"].beats(0.1)
        assert told("digits", "shuffling").leaks is True
        assert told("digits", "rotation_fast").leaks is None

    def test_a_cipher_changes_nothing_for_the_receiver(self) -> None:
        one = told("digits", "rotation_fast")
        assert one.receiver.same_as == "none"
        assert one.receiver.share == told("digits", "none").receiver.share
        assert told("digits", "escs").receiver is None  # a codec of its own

    def test_a_choice_that_was_measured_counts(self) -> None:
        assert told("digits", "diffsem", noise=0.5, steps=0, labels=True).choice["steps"] == 0
        assert told("digits", "diffsem", noise=0.5, steps=25, labels=True).choice["steps"] == 4

    def test_where_no_attack_was_run_another_place_counts(self) -> None:
        assert place("digits", "repobe", "rayleigh", 10.0) == ("rayleigh", 10.0)
        assert place("digits", "repobe", "rayleigh", 3.0) == ("awgn", 10.0)


def test_every_number_of_the_real_files_can_be_told() -> None:
    """With the weights of this repository: shares are shares, hashes are there."""
    for domain in ("digits", "objects", "photographs"):
        for defense in ("none", "repobe", "rotation"):
            one = told(domain, defense)
            for share in (*(attack.best for attack in one.attacks), *([one.receiver.share] if one.receiver else [])):
                assert 0 <= share.interval[0] <= share.value <= share.interval[1] <= 1
            assert all(source.data and source.command for source in one.sources)
