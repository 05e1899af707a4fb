"""What a full disk, a closed browser or a silent Hub leave behind; see also test_hub.py and test_job_queue.py."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from semcom_core import bench_faults, manifest, models, weights
from semcom_core.bench_faults import no_space
from semcom_core.disk import with_space
from semcom_core.evaluation import grid_measure, journal
from semcom_core.training.trainer import Trainer

CONFIG = {
    "network": "tiny",
    "arguments": {"width": 40},
    "domain": "digits",
    "recipe": "digits/base",
    "recipe_digest": "0123456789abcdef",
}
TOO_LARGE = "File too large"
"""What a limit of file sizes answers, which cuts a write off as a full disk does."""


class Tiny(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.line = nn.Linear(width, width)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(models.MODELS, "tiny", models.ModelSpec(Tiny, {"width": range(1, 99)}))
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(manifest, "PROJECT_WEIGHTS", tmp_path / "project")
    monkeypatch.delenv("SEMCOM_HUB_REPO", raising=False)
    return tmp_path / "weights"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


class Disk:
    """Lets some writes through; the next is cut off in the middle, as on a full disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
        self.left, self._write = writes, Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda path, data: self.write(path, data))

    def write(self, path: Path, data: bytes) -> int:
        self.left -= 1
        if self.left >= 0:
            return self._write(path, data)
        self._write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("writes", range(5))
def test_a_model_is_saved_whole_or_the_old_one_stays(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    recipe, log = tmp_path / "recipe.toml", tmp_path / "log.csv"
    recipe.write_text("old")
    log.write_text("old")
    old, new = Tiny(40), Tiny(40)
    weights.save("digits/base", old, CONFIG, recipe=recipe, log=log)
    (folder / "digits/base/results.json").write_text("{}")
    before = contents(folder)
    recipe.write_text("new")
    with monkeypatch.context() as patch:
        Disk(patch, writes)  # model, configuration, recipe, log, manifest
        with pytest.raises(OSError, match="No space"):
            weights.save("digits/base", new, CONFIG, recipe=recipe, log=log)
    assert contents(folder) == before
    assert torch.equal(weights.load("digits/base").module.line.weight, old.line.weight.detach().half().float())
    weights.save("digits/base", new, CONFIG, recipe=recipe, log=log)  # there is space again
    assert torch.equal(weights.load("digits/base").module.line.weight, new.line.weight.detach().half().float())
    assert not (folder / "digits/base/results.json").exists()  # those were the old model's
    assert not list(folder.rglob("*.tmp"))


def test_a_new_model_without_space_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        Disk(patch, 1)
        with pytest.raises(OSError, match="No space"):
            weights.save("digits/base", Tiny(40), CONFIG)
    assert contents(folder) == {} and manifest.names() == []


def test_a_journal_goes_on_after_a_torn_row(tmp_path: Path) -> None:
    rows = [{"cell": str(number), "value": number / 7} for number in range(20)]

    def write(chosen: list[dict]) -> None:
        with journal.opened(tmp_path, 0) as file:
            for row in chosen:
                journal.write(file, row)

    with no_space(400), pytest.raises(OSError, match=TOO_LARGE):
        write(rows)
    reached = list(journal.rows(tmp_path))
    assert 0 < len(reached) < len(rows)
    assert reached == rows[: len(reached)]
    write(rows[len(reached) :])
    assert list(journal.rows(tmp_path)) == rows


def test_arrays_ask_for_their_space_first(tmp_path: Path) -> None:
    path = tmp_path / "features.npy"
    with no_space(10_000), pytest.raises(OSError, match=TOO_LARGE):
        with_space(path, np.float16, (100, 100))
    assert not path.exists()
    array = with_space(path, np.float16, (100, 100))
    array[3] = 1.0
    array.flush()
    assert np.load(path).sum() == 100


def test_symbols_without_space_are_not_taken_for_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def encode(_: object, native: torch.Tensor) -> SimpleNamespace:
        encoded.extend(native[:, 0].int().tolist())
        return SimpleNamespace(symbols=torch.complex(native, -native).repeat(1, 4))

    monkeypatch.setattr(grid_measure.link, "encode", encode)
    monkeypatch.setattr(grid_measure.Pictures, "_native", lambda self, rows: torch.from_numpy(rows).float()[:, None])
    links = SimpleNamespace(codec=SimpleNamespace(channel_uses=4))
    pictures = grid_measure.Pictures(links, np.arange(300), tmp_path, "stamp", torch.zeros(1))
    index = np.arange(300)
    with monkeypatch.context() as patch:
        Disk(patch, 1)  # the second note of what is done does not fit
        with pytest.raises(OSError, match="No space"):
            pictures._symbols(index)
    first = len(encoded)
    assert first > 0
    encoded.clear()
    assert np.array_equal(pictures._symbols(index), (index[:, None] * (1 - 1j)).repeat(4, 1).astype(np.complex64))
    assert len(encoded) < 300 and 299 in encoded  # what was noted stays, the rest is made again


def test_a_log_and_a_checkpoint_are_whole_or_the_old_ones(tmp_path: Path) -> None:
    task = SimpleNamespace(model=nn.Linear(64, 64))
    recipe = SimpleNamespace(weight_decay=0.0, lr=0.1, digest="d", key="k")
    trainer = Trainer(task, recipe, tmp_path / "run")
    trainer.epochs_done = 1
    for epoch in range(1, 9):
        trainer._log({"epoch": epoch, "loss": 0.5})
    trainer._save()
    before = contents(tmp_path)
    with no_space(20):
        with pytest.raises(OSError, match=TOO_LARGE):
            trainer._log({"epoch": 9, "loss": 0.25})
        with pytest.raises((OSError, RuntimeError)):
            trainer._save()
    assert contents(tmp_path) == before
    assert Trainer(task, recipe, tmp_path / "run").epochs_done == 1
    with (tmp_path / "run" / "log.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8


needs_weights = pytest.mark.skipif(bench_faults.NAME not in manifest.names(), reason="there are no trained weights")


@needs_weights
@pytest.mark.parametrize("fault", bench_faults.FAULTS.values(), ids=bench_faults.FAULTS)
def test_the_bench_finds_what_is_promised(fault, tmp_path: Path) -> None:
    assert fault(tmp_path)


@needs_weights
def test_the_bench_says_what_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_faults.manifest, "verified", lambda path, *_: path.read_bytes())
    faults = {name: bench_faults.FAULTS[name] for name in ("weights missing", "weights tampered with")}
    monkeypatch.setattr(bench_faults, "FAULTS", faults)
    with pytest.raises(ValueError, match="weights tampered with"):
        bench_faults.main(tmp_path / "faults.json")
    assert "BROKEN" in json.loads((tmp_path / "faults.json").read_text())["weights tampered with"]
