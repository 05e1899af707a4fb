"""Task ``codec``: encoder, classifier and reconstructor trained jointly through the channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import datasets
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.repobe import RepObECodec, pack, unpack
from semcom_core.domains import DOMAINS
from semcom_core.metrics import psnr
from semcom_core.precision import autocast
from semcom_core.training.air import random_reception
from semcom_core.training.augment import AUGMENT, plain
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled


def random_link(z: Tensor, generator: torch.Generator) -> Tensor:
    """Features through a random channel (:func:`random_reception`) and its equaliser.

    Shape: (B,4,h,w) power-normalised -> (B,4,h,w).
    """
    return unpack(random_reception(pack(z), generator).equalise(), z.shape[-1])


def at_fixed_snr(z: Tensor, snr_db: float, seed: int = 0, channel: str = "awgn") -> Tensor:
    """Features through one channel at one SNR with a fixed seed, for validation."""
    generator = torch.Generator(z.device).manual_seed(seed)
    return unpack(propagate(CHANNELS[channel], pack(z), snr_db, generator).equalise(), z.shape[-1])


class CodecTask(Task):
    """Joint training: ``L = CE + lambda_rec · MSE`` (the paper gives L_class, not L_rec).

    The reconstruction term is computed on ``rec_share`` of each batch: the decoder to
    224×224 costs more than encoder and classifier together, and its gradient stays unbiased.

    Options:
        lambda_rec: weight of the mean squared error.
        rec_share: share of each batch that is reconstructed.
        smoothing: label smoothing.
        validate_images: held-out images scored after an epoch.
    """

    divisible = True

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        lambda_rec: float,
        rec_share: float = 1.0,
        smoothing: float = 0.0,
        validate_images: int = 1000,
    ) -> None:
        self.domain = DOMAINS[recipe.domain]
        self.lambda_rec, self.rec_share, self.smoothing = lambda_rec, rec_share, smoothing
        self.train = datasets.load(recipe.domain, "train")
        held_out = datasets.load(recipe.domain, "held_out")
        self.held_out = held_out.take(np.arange(min(validate_images, len(held_out))))
        self.network = "repobe_codec"
        self.arguments = {"image_channels": self.domain.channels, "classes": len(self.domain.classes)}
        self.model = RepObECodec(**self.arguments)

    def epoch_size(self, stage: Stage) -> int:
        return len(self.train) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        augment = AUGMENT[self.domain.name]
        extra = {} if self.domain.name == "digits" else {"min_scale": stage.min_scale}
        for index in shuffled(len(self.train), stage.batch, rng):
            images = augment(self.train.images[index], stage.size, rng, **extra)
            labels = torch.from_numpy(self.train.labels[index])
            yield images.contiguous(memory_format=torch.channels_last), labels

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        received = random_link(self.model.features(images), generator)
        received = received.contiguous(memory_format=torch.channels_last)
        ce = F.cross_entropy(self.model.classifier(received).float(), labels, label_smoothing=self.smoothing)
        share = max(2, round(self.rec_share * len(images)))
        rebuilt = self.model.reconstructor(received[:share]).float()
        mse = F.mse_loss(rebuilt, images[:share])
        return {"loss": ce + self.lambda_rec * mse, "ce": ce, "mse": mse}

    @torch.inference_mode()
    def validate(self, model: RepObECodec, stage: Stage) -> dict[str, float]:
        """Accuracy and PSNR (at the training size) at AWGN 10 dB."""
        device = next(model.parameters()).device
        right, quality = [], []
        for start in range(0, len(self.held_out), 64):
            chunk = self.held_out.take(np.arange(start, min(start + 64, len(self.held_out))))
            images = plain(self.domain.name, chunk.images, stage.size).to(device, memory_format=torch.channels_last)
            with autocast(device.type):
                z = at_fixed_snr(model.features(images), 10.0, seed=start).contiguous(memory_format=torch.channels_last)
                logits = model.classifier(z).float()
                if start < 256:
                    quality.append(psnr(model.reconstructor(z).float(), images).cpu())
            right.append(logits.argmax(1).cpu().numpy() == chunk.labels)
        accuracy = float(np.concatenate(right).mean())
        mean_psnr = float(torch.cat(quality).mean())
        return {"score": accuracy + 0.02 * mean_psnr, "accuracy": accuracy, "psnr": mean_psnr}
