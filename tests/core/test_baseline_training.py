"""The baselines' trainings, on drawn digits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from semcom_core import datasets
from semcom_core.models import build
from semcom_core.training import recipe, run
from semcom_core.training.baselines import Contest
from tests.shards import write_shards


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def drawn_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_shards(tmp_path / "data", "digits", "train", 40, shards=1)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "data"))
    monkeypatch.setitem(datasets.ATTACKER_IMAGES, "digits", 12)
    datasets.load.cache_clear()
    yield tmp_path
    datasets.load.cache_clear()


@pytest.mark.parametrize("name", ["necst", "necst_dp_005", "ibal", "escs"])
def test_each_task_trains_what_it_should(name: str, drawn_digits: Path) -> None:
    """One step from each recipe: finite terms, a gradient for every weight of the codec, none for the attacker."""
    one = recipe.read(f"digits/{name}")
    task = run.TASKS[one.task](one, drawn_digits, **one.options)
    assert len(task.train) == 24  # 36 without the attackers' 12
    everything = datasets.load("digits", "train")
    assert np.array_equal(task.train.images, everything.images[:-12])
    stage = recipe.Stage(1, 8, size=28)
    batch = next(task.batches(stage, np.random.default_rng(0)))
    terms = task.loss(batch, stage, seeded())
    assert all(value.isfinite() for value in terms.values())
    terms["loss"].backward()
    codec = task.codec(task.model)
    silent = [key for key, p in codec.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent
    if isinstance(task.model, Contest):
        assert all(p.grad is None for p in task.model.attacker.parameters())
    task.model.eval()
    figures = task.validate(task.model, stage)
    assert {"score", "awgn_7", "awgn_10", "awgn_23", "rayleigh_7", "psnr"} == figures.keys()
    assert all(math.isfinite(value) for value in figures.values())
    published = task.publishable(task.model)
    build(task.network, task.arguments).load_state_dict(published.state_dict(), strict=True)


def test_the_bottleneck_comes_in_slowly(drawn_digits: Path) -> None:
    one = recipe.read("digits/ibal")
    task = run.TASKS["ibal"](one, drawn_digits, **(one.options | {"anneal": 30, "beta": 0.5}))
    seen = []
    for batches in (0, 10, 25, 40, 1000):
        task.model.batches.fill_(batches)
        seen.append(task.annealed())
    assert seen == pytest.approx([0, 0, 0.25, 0.5, 0.5])


def test_only_digits(drawn_digits: Path) -> None:
    from dataclasses import replace

    one = replace(recipe.read("digits/necst"), domain="objects")
    with pytest.raises(ValueError, match="for digits, not objects"):
        run.TASKS["necst"](one, drawn_digits, **one.options)
