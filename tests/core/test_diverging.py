"""A training whose loss is no number any more."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from semcom_core.training.recipe import Stage
from semcom_core.training.trainer import Trainer
from tests.crew_job import RECIPE, ExactTask


class Diverging(ExactTask):
    """From the second epoch on its points are no numbers."""

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        yield from super().batches(stage, rng)
        self.points *= math.nan


def test_it_says_so_and_keeps_what_was_finished(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match="bf16 = false"):
        Trainer(Diverging(), RECIPE, tmp_path).run()
    with (tmp_path / "log.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]
