"""Several processes on one training: the same weights as one process, and on every process."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from semcom_core import datasets, weights
from semcom_core.crew import Crew
from semcom_core.training import run
from semcom_core.training.trainer import Trainer
from tests import crew_job
from tests.crew_job import RECIPE, ExactTask
from tests.shards import write_shards

ROOT = Path(__file__).parents[2]


def test_alone_there_is_nobody_to_wait_for() -> None:
    alone, gradient = Crew(), torch.ones(3)
    alone.wait()
    alone.average([gradient])
    with alone.first_goes_first():
        assert alone.first
    batch = (torch.arange(4), [torch.arange(4)])
    assert alone.share(batch) is batch and torch.equal(gradient, torch.ones(3))


def test_a_batch_is_shared_whole_and_once() -> None:
    index, z = torch.arange(7), torch.arange(14).reshape(7, 2)
    parts = [Crew(rank, 3).share((index.numpy(), z)) for rank in range(3)]
    assert sorted(int(one) for part in parts for one in part[0]) == list(range(7))
    assert all(torch.equal(part[1], z[part[0]]) for part in parts)


def test_a_task_that_cannot_be_shared_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExactTask, "divisible", False)
    with pytest.raises(ValueError, match="one process only"):
        Trainer(ExactTask(), RECIPE, tmp_path, crew=Crew(0, 2))


@pytest.mark.slow
def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    together, alone = tmp_path / "together", tmp_path / "alone"
    for folder in (together, alone):
        folder.mkdir()
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    subprocess.run(
        [*launcher, "tests/crew_job.py", str(together)],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": "."}, check=True, capture_output=True,
    )  # fmt: skip
    crew_job.train(alone)
    expected = torch.load(alone / "rank-0.pt", weights_only=True)
    for rank in (0, 1):
        found = torch.load(together / f"rank-{rank}.pt", weights_only=True)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
    with (together / "run/log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {float(row["seen"]) for row in rows} == {8.0}  # half of each batch


@pytest.mark.slow
def test_the_command_trains_a_network_with_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shards(tmp_path / "data", "digits", "train", 60, shards=1)
    for name in ("data", "runs", "weights"):
        monkeypatch.setenv(f"SEMCOM_{name.upper()}", str(tmp_path / name))
    monkeypatch.delenv("SEMCOM_HUB_REPO", raising=False)
    datasets.load.cache_clear()
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        'task = "judge"\ndomain = "digits"\nlr = 1e-3\nbf16 = false\n\n[options]\nsize = 28\n\n'
        "[[stage]]\nsize = 28\nepochs = 2\nbatch = 16\n"
    )
    try:
        run.train(str(recipe), processes=2, threads=1)
        (found,) = (tmp_path / "weights").glob("digits/*/model.safetensors")
        loaded = weights.load(f"digits/{found.parent.name}").module
        assert all(torch.isfinite(value).all() for value in loaded.state_dict().values())
        assert len((found.parent / "log.csv").read_text().splitlines()) == 3
    finally:
        datasets.load.cache_clear()
