"""The grid: its cells, its figures against the stages and closed forms, its memory, its readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from semcom_core import datasets, link, manifest, weights, withheld
from semcom_core import models as registry
from semcom_core.attacks import white_box
from semcom_core.channels import CHANNELS, Received, complex_normal, noise_variance
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.datasets import ArrayDataset
from semcom_core.defenses import DEFENSES
from semcom_core.evaluation import grid, grid_cells, grid_measure, grid_run, journal
from semcom_core.evaluation.collected import Collected
from semcom_core.evaluation.grid_cells import Cell, balanced, spread
from semcom_core.evaluation.grid_measure import Pictures
from semcom_core.link import LinkModels, Reading
from semcom_core.metrics import chance_p_value
from semcom_core.settings import LinkSettings
from tests.small_world import CODEC, save, small_world
from tests.untrained import textured

SOURCE = KeySource.published()
LIKE_NONE = ("repobe", "shuffling", "rotation", "rotation_fast")


# --- Which cells there are ----------------------------------------------------------------------------


def test_receivers_are_planned_over_snr_on_both_channels() -> None:
    cells = grid_cells.receiver_cells("digits", DEFENSES["none"], 10_000, 2000, {"base": "x"})
    places = [(cell.settings.channel, cell.settings.snr_db) for cell in cells]
    assert places == [(channel, snr) for channel in ("awgn", "rayleigh") for snr in (7, 10, 11, 15, 19, 23)]
    assert {cell.images for cell in cells} == {2000}
    assert {cell.seeds for cell in cells} == {(0, 1, 2)}
    assert {cell.settings.snr_db for cell in cells if cell.pictures} == {10.0}


def test_noise_levels_are_compared_at_one_snr_and_the_main_one_at_all() -> None:
    cells = grid_cells.receiver_cells("digits", DEFENSES["noise"], 10_000, 2000, {})
    snrs = {noise: {c.settings.snr_db for c in cells if c.settings.noise == noise} for noise in grid_cells.NOISES}
    assert [len(snrs[noise]) for noise in grid_cells.NOISES] == [6, 1, 1]
    assert {cell.images for cell in cells} == {2000}


def test_keys_tell_cells_apart_and_follow_the_weights() -> None:
    def planned(sha: str) -> list[Cell]:
        own = {"base": sha}
        cells = grid_cells.receiver_cells("digits", DEFENSES["noise"], 100, 50, own)
        for attack in ("naive", "adaptive"):
            cells += grid_cells.attack_cells(
                "digits", DEFENSES["noise"], attack, KeyPolicy.MESSAGE, True, 100, own | {attack: "1"}
            )
        return cells

    keys = [cell.key("data") for cell in planned("a")]
    assert len(set(keys)) == len(keys)
    assert [cell.key("data") for cell in planned("a")] == keys
    assert not set(keys) & {cell.key("data") for cell in planned("b")}
    assert not set(keys) & {cell.key("other data") for cell in planned("a")}


def test_only_ciphers_of_the_base_codec_are_like_none() -> None:
    assert {name for name, one in DEFENSES.items() if one.ciphers_base} == set(LIKE_NONE)


def test_attackers_meet_the_policy_that_they_need() -> None:
    against = {name: set(grid_cells.attackers(DEFENSES[name])) for name in ("none", "repobe", "rotation")}
    assert ("known_plaintext", KeyPolicy.FIXED) in against["repobe"] & against["rotation"]
    assert ("learned", KeyPolicy.FIXED) in against["repobe"] - against["rotation"]
    assert ("adaptive", KeyPolicy.MESSAGE) in against["none"] & against["repobe"] & against["rotation"]
    assert {name for one in against.values() for name, _ in one}.isdisjoint({"key_holder"})
    assert "known_plaintext" not in {name for name, _ in against["none"]}


def test_pictures_are_spread_and_balanced() -> None:
    labels = np.repeat(np.arange(10), np.arange(20, 30))
    index = balanced(labels, 100)
    assert (np.bincount(labels[index]) == 10).all()
    assert (np.diff(index) > 0).all()
    assert np.array_equal(index, balanced(labels, 100))
    assert len(balanced(labels, 10_000)) == 200  # the smallest class has 20
    assert np.array_equal(spread(5, 5), np.arange(5))
    assert np.array_equal(spread(101, 3), [0, 50, 100])


# --- What a cell measures -----------------------------------------------------------------------------


@pytest.mark.parametrize("defense", ["none", "noise", "repobe"])
@pytest.mark.parametrize("channel", ["awgn", "rayleigh"])
def test_class_only_is_what_the_page_reads(models: LinkModels, encoded: link.Encoded, defense, channel) -> None:
    settings = LinkSettings(defense=defense, channel=channel, snr_db=7.0, seed=11)
    sent = link.send(encoded, settings, SOURCE, models.parts)
    whole = link.receive(models, encoded, sent, settings).reading.logits
    assert torch.allclose(grid_measure.class_logits(models, encoded, settings), whole, atol=1e-5)


@pytest.mark.parametrize("defense", LIKE_NONE)
@pytest.mark.parametrize("channel", grid_cells.CHANNELS)
def test_a_key_changes_no_receiver_figure(models: LinkModels, encoded: link.Encoded, defense, channel) -> None:
    """With the noise permuted or rotated along, which does not change its law, the receiver decodes the same."""
    generator = torch.Generator().manual_seed(3)
    h, sigma2 = CHANNELS[channel].fading(*encoded.symbols.shape, generator), noise_variance(10.0)
    noise = complex_normal(tuple(encoded.symbols.shape), generator) * sigma2.sqrt()
    sent = link.send(encoded, LinkSettings(defense=defense), SOURCE)
    (plug_in,), (keys,) = sent.chain, sent.keys
    along = plug_in.protect(noise, keys, generator)
    assert torch.allclose(along.abs().square().sum(1), noise.abs().square().sum(1), rtol=1e-4)

    plain = link.send(encoded, LinkSettings(defense="none"), SOURCE)
    without = link.decode_reception(models, encoded.native, plain, Received(h * plain.x + noise, h, sigma2))
    keyed = link.decode_reception(models, encoded.native, sent, Received(h * sent.x + along, h, sigma2))
    assert torch.allclose(keyed.recovered, without.recovered, atol=1e-4)
    assert torch.allclose(keyed.reading.logits, without.reading.logits, atol=1e-3)


def test_symbols_are_encoded_once(models: LinkModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = (textured(6)[:, 0] * 255).round().byte().numpy()
    data = ArrayDataset(drawn, np.arange(6))
    pictures = Pictures(models, data, tmp_path, "stamp", textured(1))
    ((first, labels),) = pictures.chunks(np.array([1, 4]))
    assert labels.tolist() == [1, 4]
    assert torch.allclose(first.symbols, link.encode(models, first.native).symbols, atol=1e-6)

    seen: list[int] = []
    whole = link.encode

    def counting(models: LinkModels, native: torch.Tensor) -> link.Encoded:
        seen.append(len(native))
        return whole(models, native)

    monkeypatch.setattr(link, "encode", counting)
    again = Pictures(models, data, tmp_path, "stamp", textured(1))  # as another process, later
    ((all_six, _),) = again.chunks(np.arange(6))
    assert seen == [4]
    assert torch.equal(all_six.symbols[[1, 4]], first.symbols)
    assert all_six.digests[1] == first.digests[0]


def test_figures_of_known_answers() -> None:
    labels = np.tile(np.arange(10), 20)
    named = labels.copy()
    named[:50] = (named[:50] + 1) % 10
    native = torch.full((200, 1, 4, 4), 0.5)
    got = Collected()
    logits = torch.nn.functional.one_hot(torch.from_numpy(named), 10).float()
    quality = torch.full((200,), 20.0)
    got.add(Reading(native + 0.1, logits, logits.roll(1, 1), None, quality, quality / 100), native)
    figures = grid_measure.attack_figures(got, labels)
    assert figures["class_accuracy"] == 0.75
    low, high = figures["class_interval"]
    half = 1.96 * np.sqrt(0.75 * 0.25 / 200)  # the bootstrap of a share is nearly the normal interval
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert figures["judge_accuracy"] == 50 / 200 * 0 + np.mean((named + 1) % 10 == labels)
    assert figures["mse"] == pytest.approx(0.01, abs=1e-6)
    assert (figures["psnr"], figures["ssim"]) == (20.0, 0.2)


def test_far_from_chance_the_p_value_needs_no_draws() -> None:
    labels = np.tile(np.arange(10), 20)
    right = np.where(np.arange(200) < 60, labels, (labels + 1) % 10)  # 0.3, nine deviations from 0.1
    assert grid_measure.chance_p(right, labels) == 1 / (grid_measure.CHANCE_DRAWS + 1)
    assert chance_p_value(right, labels, draws=500) == 1 / 501
    guess = np.random.default_rng(0).integers(0, 10, 200)
    assert grid_measure.chance_p(guess, labels) > 0.01


# --- The whole run, with untrained networks on drawn pictures -------------------------------------------


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Weights, data and runs of a small world; a few cells only."""
    networks = {
        "base": CODEC,
        "judge": ("judge", {"image_channels": 1, "size": 28, "classes": 10}),
        "naive": ("inversion_decoder", {"image_channels": 1, "size": 28}),
    }
    for name, value in (("SNRS_DB", (7.0,)), ("CHANNELS", ("awgn",)), ("CLASS_SNRS_DB", ()), ("NOISES", (0.5,))):
        monkeypatch.setattr(grid_cells, name, value)
    monkeypatch.setattr(grid_cells, "ATTACK_IMAGES", {"digits": 10})
    few = {name: DEFENSES[name] for name in ("none", "repobe", "noise", "ibal")}
    monkeypatch.setattr(grid_run, "DEFENSES", few)
    monkeypatch.setattr(grid_cells, "DEFENSES", few)
    monkeypatch.setitem(white_box.STEPS, "digits", 1)
    with small_world(monkeypatch, tmp_path, 30, networks) as folder:
        yield folder


def measured_cells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by one description for each cell that is measured from now on."""
    seen: list[str] = []
    plain = grid_measure.measure

    def counting(pictures: Pictures, cell: Cell) -> dict:
        seen.append(f"{cell.defense} {cell.attack or 'receiver'}")
        return plain(pictures, cell)

    monkeypatch.setattr(grid_run, "measure", counting)
    return seen


OPTIONS = grid_run.Options("digits", cells=("none", "noise"), receiver_images=10)


def test_a_run_is_resumed_and_new_weights_run_just_their_cells(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = measured_cells(monkeypatch)
    file = grid_run.run(OPTIONS)
    assert file == tiny / "weights/digits/grid/results.json"
    expected = {f"{d} {a}" for d in ("none", "noise") for a in ("receiver", "adaptive", "naive")}
    assert set(seen) == expected | {"none conv"}  # without a defense the same network as the naive one
    first = json.loads(file.read_text())
    assert {row["defense"] for row in first["receivers"]} == {"none", "repobe", "noise"}
    assert {row.get("same_as") for row in first["receivers"] if row["defense"] == "repobe"} == {"none"}
    assert {"defense": "ibal", "missing": ["ibal"]} in first["not_run"]
    assert {"defense": "none", "attack": "ridge", "missing": ["ridge_none"]} in first["not_run"]
    sha = weights.locate("digits/naive").sha256
    assert all(("naive" in row["weights"]) == (row["attack"] in ("naive", "conv")) for row in first["attacks"])

    seen.clear()
    grid_run.run(OPTIONS)
    assert not seen
    assert json.loads(file.read_text()) == first

    # As after an interruption: one line lost, one torn; and the published file is gone.
    (store,) = (tiny / "runs/digits/grid").glob("cells-*.jsonl")
    lines = store.read_text().splitlines()
    store.write_text("\n".join([*lines[:-2], lines[-2][:40]]))
    file.unlink()
    grid_run.run(OPTIONS)
    assert len(seen) == 2
    assert json.loads(file.read_text()) == first

    # A published file is enough, without this machine's store.
    seen.clear()
    store.unlink()
    grid_run.run(OPTIONS)
    assert not seen

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = registry.build("inversion_decoder", {"image_channels": 1, "size": 28})
    save("naive", network, "inversion_decoder", {"image_channels": 1, "size": 28})
    assert weights.locate("digits/naive").sha256 != sha
    grid_run.run(replace(OPTIONS, cells=("none",)))
    assert set(seen) == {"none naive", "none conv"}
    after = json.loads(file.read_text())
    assert not [row for row in after["attacks"] if row["attack"] == "naive" and row["defense"] == "noise"]  # outdated
    assert after["receivers"] == first["receivers"]


def test_measurements_outlive_a_withheld_network_but_no_other_change(tiny: Path) -> None:
    file = grid_run.run(OPTIONS)
    first = json.loads(file.read_text())
    entry = manifest.read()["digits/naive/model.safetensors"]
    withheld.withhold(["digits/naive"])
    assert "digits/naive" not in manifest.names() and withheld.read() == {"digits/naive": entry}
    assert not (tiny / "weights/digits/naive/model.safetensors").exists()
    assert entry.sha256 in (tiny / "weights/digits/naive/README.md").read_text()
    assert "naive" not in link.trained_attackers("digits", "none")
    with pytest.raises(weights.MissingWeights):
        weights.load("digits/naive")

    def by_cell(results: dict) -> dict:
        return {row["cell"]: row for row in results["attacks"]}

    (tiny / "runs/digits/grid/cells-0.jsonl").unlink()
    grid_run.run(OPTIONS)
    after = json.loads(file.read_text())
    assert by_cell(after) == by_cell(first)
    assert not [row for row in after["not_run"] if row.get("attack") == "naive" and row["defense"] in ("none", "noise")]

    judge = ("judge", {"image_channels": 1, "size": 28, "classes": 10})
    with torch.random.fork_rng():
        torch.manual_seed(5)
        save("judge", registry.build(*judge), *judge)
    grid_run.run(replace(OPTIONS, cells=("none",)))
    assert "naive" not in {row["attack"] for row in json.loads(file.read_text())["attacks"]}


def test_the_white_box_runs_only_when_asked_and_stays(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = measured_cells(monkeypatch)
    only_none = replace(OPTIONS, cells=("none",))
    grid_run.run(replace(only_none, white_box=True))
    assert seen.count("none white_box") == 1
    file = grid_run.run(only_none)
    (row,) = [row for row in json.loads(file.read_text())["attacks"] if row["attack"] == "white_box"]
    assert row["images"] == 10
    assert set(row["weights"]) == {"base", "judge"}
    assert "class_accuracy" not in row and 0 <= row["judge_accuracy"] <= 1


def test_a_try_out_leaves_the_published_results_alone(tiny: Path) -> None:
    file = grid_run.run(replace(OPTIONS, cells=("none",), limit=10))
    assert file.parent == tiny / "runs/digits/grid"
    assert not grid.path("digits").exists()
    assert grid.from_file("digits", file).receiver("none")["images"] == 10


def test_wrong_names_are_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match="No defense rot13"):
        grid_run.run(replace(OPTIONS, cells=("rot13",)))
    with pytest.raises(ValueError, match="no domain 'sounds'"):
        grid_run.run(replace(OPTIONS, domain="sounds"))


def test_rows_agree_with_the_stages(tiny: Path) -> None:
    """One attack row, recomputed by hand from the link's own stages."""
    found = grid.from_file("digits", grid_run.run(OPTIONS))
    (row,) = found.attacks("noise", "awgn", attack="adaptive", snr_db=10.0)
    models, data = link.load_models("digits", "noise"), datasets.load("digits", "report")
    index = balanced(data.labels, 10)
    native = torch.from_numpy(data.images[index]).float()[:, None] / 255
    settings = LinkSettings(domain="digits", defense="noise", snr_db=10.0, attacker="adaptive", seed=0)
    encoded = link.encode(models, native)
    result = link.eavesdrop(models, encoded, link.send(encoded, settings, SOURCE), settings, SOURCE).reading
    assert row["mse"] == pytest.approx(float((result.native - native).square().mean()), abs=1e-5)
    assert row["class_accuracy"] == np.mean(result.logits.argmax(1).numpy() == data.labels[index])
    assert row["judge_accuracy"] == np.mean(result.judged.argmax(1).numpy() == data.labels[index])


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the other processes know no smaller grid
    for name in ("weights", "data", "runs"):
        monkeypatch.setenv(f"SEMCOM_{name.upper()}", str(tiny / name))
    options = grid_run.Options("digits", cells=("none",), limit=10)
    together = json.loads(grid_run.run(replace(options, processes=2, threads=1)).read_text())
    stores = sorted((tiny / "runs/digits/grid").glob("cells-*.jsonl"))
    assert [len([one for one in store.read_text().splitlines() if one]) > 5 for store in stores] == [True, True]
    for store in stores:
        store.unlink()
    grid_run.results_file(options).unlink()
    alone = json.loads(grid_run.run(replace(options, threads=1)).read_text())
    assert alone["attacks"] == together["attacks"]
    assert alone["receivers"] == together["receivers"]


# --- Readers --------------------------------------------------------------------------------------------


def test_untrained_defenses_are_named(tiny: Path) -> None:
    assert grid_cells.untrained("digits", DEFENSES["none"]) == []
    assert grid_cells.untrained("digits", DEFENSES["ibal"]) == ["ibal"]
    assert "ibal" not in {one.name for one in grid_cells.defenses("digits")}
    assert manifest.names() == ["digits/base", "digits/judge", "digits/naive"]


def test_published_results_have_a_line_a_row(tmp_path: Path) -> None:
    content = {"data": "Ziffern – 1", "rows": [{"a": [1, 2]}, {"a": None}], "nothing": [], "table": {"b": 0.25}}
    journal.publish(tmp_path / "results.json", content)
    text = (tmp_path / "results.json").read_text()
    assert json.loads(text) == content
    assert len(text.splitlines()) == 2 + 3 + 2 + 2
