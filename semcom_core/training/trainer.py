"""One training loop for every model: schedule, averaging, log, checkpoint, resume.

A :class:`Task` says what a batch, a loss and a held-out score are; everything else is here.
"""

from __future__ import annotations

import copy
import csv
import io
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from semcom_core.crew import Crew
from semcom_core.manifest import write_atomically
from semcom_core.precision import autocast
from semcom_core.training.recipe import Recipe, Stage


class Task(ABC):
    """What to train.

    Attributes:
        model: the module that is trained.
        network, arguments: registry name and arguments of what is published from it.
        divisible: whether a batch may be shared by several processes that average their gradients. Not so
            where something outside ``model`` learns along, or where the loss looks at the batch as a whole.
    """

    divisible: ClassVar[bool] = False
    model: nn.Module
    network: str
    arguments: dict[str, int]

    def publishable(self, trained: nn.Module) -> nn.Module:
        """The module to publish, from the trained one."""
        return trained

    @abstractmethod
    def epoch_size(self, stage: Stage) -> int:
        """Images in one epoch of a stage."""

    @abstractmethod
    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[Any]:
        """The batches of one epoch."""

    @abstractmethod
    def loss(self, batch: Any, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        """Named terms; ``"loss"`` is differentiated, all are logged."""

    @abstractmethod
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        """Held-out figures of an (averaged) model; ``"score"`` decides which epoch is kept."""


def shuffled(count: int, batch: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices of one epoch in random order, whole batches only."""
    order = rng.permutation(count)
    for start in range(0, count - batch + 1, batch):
        yield order[start : start + batch]


def learning_rate(progress: float, peak: float, warmup: float = 0.04) -> float:
    """Linear warm-up, then half a cosine down to 1 % of ``peak``; ``progress`` in [0,1]."""
    if progress < warmup:
        return peak * (0.02 + 0.98 * progress / warmup)
    t = (progress - warmup) / (1.0 - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * t)))


class Trainer:
    """Runs a :class:`Task` through the stages of its recipe.

    Args:
        task: what to train.
        recipe: the schedule.
        folder: where ``checkpoint.pt`` and ``log.csv`` go. A run that finds a checkpoint there
            goes on from the last full epoch.
        device: torch device.
        crew: the processes that share every batch: each takes its part, gradients are averaged, and the
            first one keeps log and checkpoint. Statistics of batch norm are averaged after each epoch.
        builds_on: hashes, by name, of the trained networks that the task uses.

    Raises:
        ValueError: there are several processes, and the task is not :attr:`Task.divisible`.
        RuntimeError: the checkpoint comes from another recipe, or builds on other networks.
    """

    def __init__(
        self,
        task: Task,
        recipe: Recipe,
        folder: Path,
        device: str = "cpu",
        crew: Crew | None = None,
        builds_on: Mapping[str, str] | None = None,
    ) -> None:
        self.task, self.recipe, self.folder, self.device = task, recipe, folder, torch.device(device)
        self.builds_on = dict(builds_on or {})
        self.crew = crew or Crew()
        if self.crew.size > 1 and not task.divisible:
            raise ValueError(f"{recipe.key} trains on one process only; start it without --processes.")
        self.model = task.model.to(self.device, memory_format=torch.channels_last)
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        decayed = [p for p in trainable if p.ndim > 1]
        plain = [p for p in trainable if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=recipe.lr,
        )
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.best: dict[str, Any] = {"score": -math.inf, "epoch": 1}
        self.steps = self.images_seen = self.epochs_done = 0
        self.seconds = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.exists():
            self._resume()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def run(self) -> nn.Module:
        """Train to the end and return the averaged model with the best held-out score (in the first process)."""
        stages = [stage for stage in self.recipe.stages for _ in range(stage.epochs)]
        total = sum(self.task.epoch_size(stage) for stage in stages)
        bar = tqdm(
            total=total, initial=self.images_seen, unit="img", unit_scale=True, mininterval=10, desc=self.recipe.key
        )
        for epoch in range(self.epochs_done, len(stages)):
            started = time.monotonic()
            terms = self._epoch(stages[epoch], epoch, total, bar)
            self.epochs_done = epoch + 1
            row = {"epoch": self.epochs_done, "size": stages[epoch].size, "images": self.images_seen, **terms}
            last = self.epochs_done == len(stages)
            if self.crew.first and (last or self.epochs_done % self.recipe.validate_every == 0):
                figures = self.task.validate(self.average, stages[epoch])
                row |= {f"held_out_{name}": value for name, value in figures.items()}
                # Scores of stages at different image sizes do not compare: the last stage decides.
                if figures["score"] >= self.best["score"] or stages[epoch] != stages[self.best["epoch"] - 1]:
                    self.best = {"epoch": self.epochs_done, "model": copy.deepcopy(self.average.state_dict())} | figures
            self.seconds += time.monotonic() - started
            if self.crew.first:
                self._log(row | {"seconds": round(self.seconds, 1)})
                self._save()
            self.crew.wait()
        bar.close()
        if self.crew.first:
            self.average.load_state_dict(self.best["model"])
        return self.average

    def _epoch(self, stage: Stage, epoch: int, total: int, bar: tqdm) -> dict[str, float]:
        rng = np.random.default_rng((self.recipe.seed, epoch))
        seed = self.recipe.seed * 100_003 + epoch + 1_000_003 * self.crew.rank  # each process has noise of its own
        generator = torch.Generator(self.device).manual_seed(seed)
        torch.manual_seed(seed)  # dropout; training has processes of its own
        self.model.train()
        sums: dict[str, float] = {}
        batches = 0
        for whole in self.task.batches(stage, rng):
            batch = self.crew.share(whole)
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate(self.images_seen / total, self.recipe.lr * stage.lr_scale)
            with autocast(self.device.type, self.recipe.bf16):
                terms = self.task.loss(batch, stage, generator)
            if not torch.isfinite(terms["loss"]):
                raise FloatingPointError(
                    f"The loss is no finite number after {self.images_seen} images; lower the learning rate or set "
                    "bf16 = false. The last finished epoch is kept."
                )
            self.optimiser.zero_grad(set_to_none=True)
            terms["loss"].backward()
            self._average_gradients()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.steps += 1
            self.images_seen += stage.batch
            self._update_average()
            batches += 1
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + float(term.detach())
            bar.update(stage.batch)
        for model in (self.model, self.average):
            self.crew.average(one for one in model.buffers() if one.dtype.is_floating_point)
        return {name: round(value / batches, 5) for name, value in sums.items()}

    def _average_gradients(self) -> None:
        if self.crew.size == 1:
            return
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        for parameter in trainable:  # the same ones in every process, whatever its part of the batch used
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self.crew.average(parameter.grad for parameter in trainable)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and of batch-norm statistics."""
        keep = min(self.recipe.ema, (1 + self.steps) / (10 + self.steps))
        current = self.model.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1 - keep)
            else:
                value.copy_(current[name])

    def _log(self, row: dict[str, Any]) -> None:
        path = self.folder / "log.csv"
        rows: list[dict[str, Any]] = []
        if path.exists():
            with path.open(newline="") as file:
                rows = [old for old in csv.DictReader(file) if int(old["epoch"]) < row["epoch"]]
        rows.append({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
        names = list(dict.fromkeys(name for entry in rows for name in entry))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(path, text.getvalue().encode())

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "counters": (self.steps, self.images_seen, self.epochs_done, self.seconds),
            "recipe": self.recipe.digest,
            "builds_on": self.builds_on,
        }
        partial = self._checkpoint.with_suffix(".partial")
        try:
            torch.save(state, partial)
            os.replace(partial, self._checkpoint)
        finally:
            partial.unlink(missing_ok=True)

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        if state["recipe"] != self.recipe.digest:
            raise RuntimeError(
                f"{self._checkpoint} comes from another version of the recipe {self.recipe.key}. "
                "Delete it to start over, or restore the recipe to go on."
            )
        if changed := state["builds_on"].items() ^ self.builds_on.items():
            names = ", ".join(sorted({name for name, _ in changed}))
            raise RuntimeError(
                f"{self._checkpoint} builds on other weights of {names} than are there now. "
                "Delete it to start over, or restore those weights to go on."
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best = state["best"]
        self.steps, self.images_seen, self.epochs_done, self.seconds = state["counters"]
