"""Task ``jpeg2000``: the classifier of clean and of compressed pictures behind the ideal digital link."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import datasets, weights
from semcom_core.codecs.jpeg2000 import BUDGETS, JPEG2000Codec, codestream, compress, decompress, to_pictures
from semcom_core.domains import DOMAINS
from semcom_core.precision import autocast
from semcom_core.training.augment import AUGMENT
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled


class JPEG2000Task(Task):
    """Cross entropy on pictures of which a share went through JPEG2000 at a random size, from the judge on.

    No attacker is trained on this link, so it may use the whole training split. Also sets the codec's
    mean training picture and its table of held-out accuracies, by which the sender picks the rate
    under fading.

    Options:
        copies: compressed copies of each training picture, each at a size of its own, kept on disk.
        compressed: share of compressed pictures in a batch.
        smoothing: label smoothing.
        validate_images: held-out images for the table.
    """

    divisible = True

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        copies: int = 2,
        compressed: float = 0.7,
        smoothing: float = 0.0,
        validate_images: int = 2000,
    ) -> None:
        self.domain = DOMAINS[recipe.domain]
        self.copies, self.compressed, self.smoothing = copies, compressed, smoothing
        self.train = datasets.load(recipe.domain, "train")
        held_out = datasets.load(recipe.domain, "held_out")
        self.held_out = held_out.take(np.arange(min(validate_images, len(held_out))))
        self.network, self.arguments = "jpeg2000_codec", {"classes": len(self.domain.classes)}
        self.model = JPEG2000Codec(**self.arguments)
        self.model.reader.load_state_dict(weights.load(f"{recipe.domain}/judge").module.state_dict())
        self.model.mean_picture.copy_(to_pictures(self.train.images.mean(0, keepdims=True))[0])
        folder = runs / recipe.domain
        pool = folder / f"jpeg2000_train_{len(self.train)}_{copies}.npy"
        self.pool = _kept(pool, lambda: _compressed(self.train.images, copies))
        self.check = _kept(
            folder / f"jpeg2000_held_out_{validate_images}.npy", lambda: _at_budgets(self.held_out.images)
        )

    def epoch_size(self, stage: Stage) -> int:
        return len(self.train) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        augment = AUGMENT[self.domain.name]
        for index in shuffled(len(self.train), stage.batch, rng):
            images = self.train.images[index]
            chosen = rng.random(len(index)) < self.compressed
            images[chosen] = self.pool[rng.integers(self.copies, size=chosen.sum()), index[chosen]]
            pictures = augment(images, stage.size, rng, min_scale=stage.min_scale)
            yield pictures.contiguous(memory_format=torch.channels_last), torch.from_numpy(self.train.labels[index])

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        return {"loss": F.cross_entropy(self.model.read_class(images), labels, label_smoothing=self.smoothing)}

    @torch.inference_mode()
    def validate(self, model: JPEG2000Codec, stage: Stage) -> dict[str, float]:
        """Held-out accuracy at each size of :data:`BUDGETS`, kept in the codec, and on clean pictures."""
        table = [self._accuracy(model, pictures) for pictures in self.check]
        # More bytes never hurt in truth: where the sample says so, it is chance.
        model.held_out_accuracy.copy_(torch.tensor(table).cummax(0).values)
        clean = self._accuracy(model, self.held_out.images)
        figures = {f"accuracy_{budget}": one for budget, one in zip(BUDGETS, table, strict=True)}
        return {"score": (sum(table) + clean) / (len(table) + 1), "accuracy": clean} | figures

    def _accuracy(self, model: JPEG2000Codec, pixels: np.ndarray) -> float:
        device = next(model.parameters()).device
        right = 0
        for start in range(0, len(pixels), 250):
            pictures = to_pictures(pixels[start : start + 250]).to(device, memory_format=torch.channels_last)
            with autocast(device.type):
                answers = model.read_class(pictures).argmax(1).cpu().numpy()
            right += int((answers == self.held_out.labels[start : start + 250]).sum())
        return right / len(pixels)


def _kept(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array from a file, made and written if it is not there yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, make())
        os.replace(partial, path)
    return np.load(path, mmap_mode="r")


def _compressed(images: np.ndarray, copies: int) -> np.ndarray:
    """Pictures (N,H,W,3) after JPEG2000 at random sizes, uniform on a logarithmic scale, (copies,N,H,W,3)."""
    rng = np.random.default_rng(1)
    targets = np.exp(rng.uniform(np.log(0.8 * BUDGETS[0]), np.log(BUDGETS[-1]), (copies, len(images))))
    out = np.empty((copies, *images.shape), np.uint8)
    for copy in range(copies):
        for number, pixels in enumerate(images):
            out[copy, number] = decompress(codestream(pixels, targets[copy, number]))
    return out


def _at_budgets(images: np.ndarray) -> np.ndarray:
    """Pictures (N,H,W,3) as they arrive at each of :data:`BUDGETS`, (budgets,N,H,W,3); mean grey if none fits."""
    out = np.full((len(BUDGETS), *images.shape), 128, np.uint8)
    for row, budget in enumerate(BUDGETS):
        for number, pixels in enumerate(images):
            stream = compress(pixels, budget)
            if stream is not None:
                out[row, number] = decompress(stream)
    return out
