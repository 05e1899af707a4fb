"""Task ``judge``: a classifier of clean pictures, with its threshold for foreign ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import datasets
from semcom_core.domains import DOMAINS
from semcom_core.networks.judge import Judge, energy
from semcom_core.precision import autocast
from semcom_core.training.augment import AUGMENT, plain
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled


class JudgeTask(Task):
    """Cross entropy on clean, randomly changed pictures.

    Options:
        size: side at which the judge reads.
        smoothing: label smoothing.
    """

    divisible = True

    def __init__(self, recipe: Recipe, runs: Path, size: int, smoothing: float = 0.0) -> None:
        self.domain, self.size, self.smoothing = DOMAINS[recipe.domain], size, smoothing
        self.train = datasets.load(recipe.domain, "train")
        self.held_out = datasets.load(recipe.domain, "held_out")
        self.network = "judge"
        self.arguments = {"image_channels": self.domain.channels, "size": size, "classes": len(self.domain.classes)}
        self.model = Judge(**self.arguments)

    def epoch_size(self, stage: Stage) -> int:
        return len(self.train) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        extra = {} if self.domain.name == "digits" else {"min_scale": stage.min_scale}
        for index in shuffled(len(self.train), stage.batch, rng):
            images = AUGMENT[self.domain.name](self.train.images[index], stage.size, rng, **extra)
            yield images.contiguous(memory_format=torch.channels_last), torch.from_numpy(self.train.labels[index])

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        self.model.size = stage.size  # an early stage may train smaller; the last one is `size`
        return {"loss": F.cross_entropy(self.model(images).float(), labels, label_smoothing=self.smoothing)}

    @torch.inference_mode()
    def validate(self, model: Judge, stage: Stage) -> dict[str, float]:
        """Held-out accuracy at the native size; also sets the 95 % energy threshold."""
        device = next(model.parameters()).device
        logits = []
        for start in range(0, len(self.held_out), 128):
            pictures = plain(self.domain.name, self.held_out.images[start : start + 128], self.domain.native_size)
            pictures = pictures.to(device, memory_format=torch.channels_last)
            with autocast(device.type):
                logits.append(model(pictures).float().cpu())
        answers = torch.cat(logits)
        model.energy_threshold.fill_(float(energy(answers).quantile(0.95)))
        accuracy = float((answers.argmax(1).numpy() == self.held_out.labels).mean())
        return {"score": accuracy, "accuracy": accuracy}
