"""A small training that two processes share: ``python -m torch.distributed.run … tests/crew_job.py FOLDER``.

Nothing random in the loss and no batch norm, so that shared batches give the gradients of whole ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.crew import crew
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, Trainer, shuffled

RECIPE = Recipe("digits/shared", "shared", "digits", lr=0.01, stages=(Stage(3, 16),), ema=0.9, bf16=False)


class ExactTask(Task):
    """Two classes of points and two layers."""

    divisible = True

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
        self.points = np.random.default_rng(1).normal(size=(64, 6)).astype(np.float32)
        self.labels = (self.points[:, 0] > 0).astype(np.int64)

    def epoch_size(self, stage: Stage) -> int:
        return len(self.points)

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        for index in shuffled(len(self.points), stage.batch, rng):
            yield torch.from_numpy(self.points[index]), torch.from_numpy(self.labels[index])

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": F.cross_entropy(self.model(batch[0]), batch[1]), "seen": torch.tensor(float(len(batch[1])))}

    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        with torch.inference_mode():
            right = model(torch.from_numpy(self.points)).argmax(1).numpy() == self.labels
        return {"score": float(right.mean())}


def train(folder: Path) -> None:
    """Train, and leave the weights of this process as ``rank-R.pt``."""
    mates = crew()
    trainer = Trainer(ExactTask(), RECIPE, folder / "run", crew=mates)
    trainer.run()
    torch.save(trainer.model.state_dict(), folder / f"rank-{mates.rank}.pt")


if __name__ == "__main__":
    train(Path(sys.argv[1]))
