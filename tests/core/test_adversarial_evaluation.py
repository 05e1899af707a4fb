"""The adversarial cells: their plan, a resumed run, and a row recomputed from the link's stages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from semcom_core import datasets, link
from semcom_core.defenses.purification import Level
from semcom_core.evaluation import adversarial, adversarial_run, purification
from semcom_core.evaluation.adversarial import PURIFIED, cells
from semcom_core.evaluation.adversarial_run import Options, Work
from semcom_core.evaluation.grid_cells import balanced
from semcom_core.evaluation.tables_adversarial import purifier_table
from semcom_core.manipulation.gradient import PGD
from semcom_core.manipulation.receivers import METHODS, RECEIVERS, load_receiver, trained
from semcom_core.metrics import bootstrap
from tests.small_world import CODEC, small_world

ALL = {name: {"base": "0", name: "1"} for name in (*METHODS, PURIFIED)}
TABLE = tuple(Level(snr, 0.5, 2) for snr in (7.0, 11.0, 15.0, 19.0, 23.0))


# --- The plan -----------------------------------------------------------------------------------------


def test_cells_are_those_that_were_asked_for() -> None:
    plan = cells(10_000, ALL, TABLE)
    keys = [cell.key("digits", "data") for cell in plan]
    assert len(set(keys)) == len(keys)
    preset = [cell for cell in plan if cell.attack == "pgd" and cell.steps == 5 and not cell.same_draw]
    curve = {cell.radius for cell in preset if (cell.method, cell.snr_db, cell.placement) == ("at", 23.0, "native")}
    assert curve == {0.016, *adversarial.CURVE_EPS}
    preset = [cell for cell in preset if cell.radius == 0.016]
    for name in ("base", "at", "trades", "repobe"):
        for channel in ("awgn", "rayleigh"):
            for place in ("native", "enlarged"):
                sizes = {
                    cell.snr_db: cell.images
                    for cell in preset
                    if (cell.method, cell.channel, cell.placement) == (name, channel, place)
                }
                assert sizes == {7.0: 10_000, 23.0: 10_000, 11.0: 1000, 15.0: 1000, 19.0: 1000}
    strong = [cell for cell in plan if cell.attack == "apgd" and cell.method != PURIFIED and cell.eot > 1]
    longer = [cell for cell in plan if cell.attack == "apgd" and cell.eot == 1]
    assert {(cell.steps, cell.eot, cell.draws, cell.images) for cell in strong} == {(20, 20, 20, 260)}
    assert {cell.snr_db for cell in strong} == {7.0, 23.0}
    assert {(cell.snr_db, cell.steps, cell.images) for cell in longer} == {(23.0, 20, 1000)}
    assert sorted((cell.method, cell.placement, cell.radius) for cell in longer) == sorted(
        product(RECEIVERS, ("native", "enlarged"), curve)
    )
    purified = [cell for cell in plan if cell.method == PURIFIED]
    assert {cell.images for cell in purified} == {70} and {cell.knowledge for cell in purified} == {"adaptive", "bare"}
    assert all(cell.eot >= 20 for cell in purified)
    assert not [cell for cell in cells(10_000, {"base": ALL["base"]}) if cell.method != "base"]


def test_keys_depend_on_what_counts() -> None:
    one, other = (cells(200, {"base": {"base": sha}})[0] for sha in "01")
    assert one.key("digits", "data") != other.key("digits", "data")
    assert one.key("digits", "data") != one.key("digits", "others") != one.key("objects", "others")


# --- A run on drawn pictures with untrained networks --------------------------------------------------


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    networks = {
        "base": CODEC,
        "adv_at": ("robust_link", {"image_channels": 1, "classes": 10, "blocks": 2}),
        "diffsem": ("diffsem", {"classes": 10}),
    }
    whole = adversarial.cells

    def few(images: int, used: dict, table: tuple[Level, ...] = ()) -> list[adversarial.Cell]:
        """PGD on one method's picture, and the purified link under both kinds of attacker."""
        plan = whole(images, used, table)
        pgd = [cell for cell in plan if cell.method == "at" and cell.attack == "pgd"][:1]
        air = [cell for cell in plan if cell.method == PURIFIED and cell.placement == "symbols"][:2]
        return pgd + [replace(cell, steps=1, eot=2, draws=2) for cell in air]

    monkeypatch.setattr(adversarial, "cells", few)
    monkeypatch.setattr(adversarial_run, "TABLE_IMAGES", 2)
    monkeypatch.setattr(adversarial, "PURIFIED_DB", (7.0,))
    for name, value in (("SIGMAS", (0.5,)), ("STEPS", (1, 2)), ("DRAWS", 1), ("SNRS_DB", (7.0, 23.0))):
        monkeypatch.setattr(purification, name, value)
    monkeypatch.setattr(purification, "TARGET", PGD(steps=1))
    with small_world(monkeypatch, tmp_path, 20, networks) as folder:
        yield folder


def test_a_run_is_resumed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trained("digits") == ["base", "at"]
    measured: list[str] = []
    plain = Work.row

    def counting(work: Work, cell: adversarial.Cell) -> dict:
        measured.append(f"{cell.method} {cell.knowledge}")
        if len(measured) == 2:
            raise KeyboardInterrupt
        return plain(work, cell)

    monkeypatch.setattr(Work, "row", counting)
    with pytest.raises(KeyboardInterrupt):
        adversarial_run.run(Options("digits", images=10))
    assert adversarial.read("digits") is None
    file = adversarial_run.run(Options("digits", images=10))
    assert measured == ["at adaptive", "purified adaptive", "purified adaptive", "purified bare"]
    results = json.loads(file.read_text())
    assert results == adversarial.read("digits")
    first, adaptive, bare = results["rows"]
    assert "command" in results and "--images 10" in results["command"] and results["not_run"]
    assert {"method": "at", "attack": "pgd", "placement": "native", "eps": 0.016, "images": 10}.items() <= first.items()
    assert set(first["weights"]) == {"base", "adv_at"} and "sigma" not in first
    assert (adaptive["knowledge"], bare["knowledge"]) == ("adaptive", "bare") and adaptive["power_db"] == -20.0
    assert adaptive["natural"] == bare["natural"]  # the same clean pictures, the same noise
    chosen = adversarial.table_of(results)
    assert [level.snr_db for level in chosen] == [7.0, 23.0] and len(results["table"]) == 4
    for row in results["rows"]:
        low, high = row["adversarial_interval"]
        assert low <= row["adversarial"] <= high
    adversarial_run.run(Options("digits", images=10))
    assert len(measured) == 4  # nothing is measured twice
    adversarial_run.run(Options("digits", images=20, methods=("repobe",)))  # more were asked for, of something else
    assert adversarial.read("digits")["rows"] == results["rows"]
    adversarial_run.run(Options("digits", images=20, methods=("at",)))
    assert adversarial.read("digits")["rows"][0]["images"] == 20
    adversarial_run.run(Options("digits", images=10))  # the better measurement stays
    assert adversarial.read("digits")["rows"][0]["images"] == 20 and len(measured) == 5
    assert adversarial.read("digits")["rows"][1:] == results["rows"][1:]

    # One row by hand, from the link's own functions.
    data = datasets.load("digits", "report")
    index = balanced(data.labels, 10)
    native, labels = torch.from_numpy(data.images[index]).float()[:, None] / 255, data.labels[index]
    codec = load_receiver("digits", "at")
    with torch.no_grad():
        symbols = codec.encode(link.DOMAINS["digits"].enlarge(native))
        noise, right = link.generator(0, "bob"), []
        for _ in range(3):
            received = link.propagate(link.CHANNELS["awgn"], symbols, 7.0, noise)
            right.append(codec.classify(received.equalise()).argmax(1).numpy() == labels)
    each = np.mean(right, 0).astype(np.float32)
    assert first["natural"] == pytest.approx(float(each.mean()), abs=1e-5)
    assert first["natural_interval"] == pytest.approx(bootstrap(each), abs=1e-4)


def test_the_purifier_s_table_sets_both_attackers_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [cell for cell in cells(10_000, ALL, TABLE) if cell.eot == 20 and cell.method in ("base", PURIFIED)]
    accuracy = {("base", None): 0.11, (PURIFIED, "bare"): 0.22, (PURIFIED, "adaptive"): 0.33}
    rows = []
    for cell in levels:
        value = accuracy[cell.method, cell.knowledge if cell.method == PURIFIED else None]
        kind = {"natural": 1 - value, "adversarial": value, "adversarial_interval": [value - 0.1, value + 0.1]}
        rows.append(cell.identity() | kind)
    monkeypatch.setattr(adversarial, "read", lambda domain: {"data": "D", "command": "C", "rows": rows})
    lines = [line for line in purifier_table("digits").splitlines() if line.startswith(("| PGD", "| APGD"))]
    assert len(lines) == 3 * 3 + 2 and not any("not run" in line for line in lines if "APGD" not in line)
    assert lines[0] == (
        "| PGD-10 on the picture, ε = 0.016 | 7 dB | 0.5 | 0.890 | 0.670 | 0.110 [0.010, 0.210] | 0.220 [0.120, 0.320] "
        "| 0.330 [0.230, 0.430] |"
    )
    assert sum("on the air, -14 dB" in line for line in lines) == 3
    monkeypatch.setattr(adversarial, "read", lambda domain: None)
    with pytest.raises(ValueError, match="digits was not attacked"):
        purifier_table("digits")


def test_wrong_names_are_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match="no domain 'sounds'"):
        adversarial_run.run(Options("sounds"))
    with pytest.raises(ValueError, match="No method none"):
        adversarial_run.run(Options("digits", methods=("none",)))
