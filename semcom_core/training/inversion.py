"""Tasks that train attackers on each defense's own output: ridge, non-local reader, convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core import models
from semcom_core.codecs.repobe import unpack
from semcom_core.metrics import psnr
from semcom_core.networks.inversion_reader import InversionReader, real_values, unit_values
from semcom_core.networks.ridge import RidgeInversion
from semcom_core.training.observations import Observations
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled

PENALTIES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Relative to unit power a value; tried on held-out pictures."""


class DefenseTask(Task):
    """A trained attacker on one defense.

    Options of all:
        defense: registry name.
        images: training pictures at most; the attacker's usual number if left out.
        held_out: pictures that decide which epoch is kept.
    """

    divisible = True

    def __init__(self, recipe: Recipe, runs: Path, defense: str, images: int | None, held_out: int) -> None:
        self.observed = Observations(recipe.domain, defense, "train", runs, images)
        self.unseen = Observations(recipe.domain, defense, "held_out", runs, held_out)
        self.domain = self.observed.domain

    def epoch_size(self, stage: Stage) -> int:
        return len(self.observed) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[np.ndarray]:
        yield from shuffled(len(self.observed), stage.batch, rng)

    def checks(self) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
        """Held-out rows and what is heard of them at AWGN 10 dB, always the same."""
        for start in range(0, len(self.unseen), 128):
            index = np.arange(start, min(start + 128, len(self.unseen)))
            yield index, *self.unseen.check(index)


class DefenseReaderTask(DefenseTask):
    """The non-local attacker: class and picture at once.

    ``L = CE + distil·KL(public receiver's noise-free answer ‖ own) + lambda_picture·MSE``.

    Options:
        network: ``mixer_reader`` (1,568 symbols) or ``dense_inversion`` (any number).
        width: of ``dense_inversion``'s hidden layers.
        lambda_picture: weight of the picture's MSE.
        picture_share: share of each batch whose picture is computed.
        distil: weight of the divergence from the public receiver's answers.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        defense: str,
        network: str = "mixer_reader",
        width: int = 160,
        images: int | None = None,
        held_out: int = 1000,
        lambda_picture: float = 10.0,
        picture_share: float = 0.25,
        distil: float = 1.0,
    ) -> None:
        super().__init__(recipe, runs, defense, images, held_out)
        self.lambda_picture, self.picture_share, self.distil = lambda_picture, picture_share, distil
        self.network = network
        self.arguments = {
            "image_channels": self.domain.channels,
            "size": self.domain.native_size,
            "classes": len(self.domain.classes),
        }
        if network == "dense_inversion":
            self.arguments |= {"channel_uses": self.observed.channel_uses, "width": width}
        self.model = models.build(network, self.arguments)

    def loss(self, batch: np.ndarray, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        symbols, noise = self.observed.heard(batch, torch.Generator().manual_seed(_seed(generator)))
        device = generator.device
        values = unit_values(symbols, noise).to(device)
        model: InversionReader = self.model
        state = model.read(values, noise.to(device))
        logits = model.fc(model.summary(state)).float()
        ce = F.cross_entropy(logits, self.observed.labels(batch).to(device))
        kl = F.kl_div(logits.log_softmax(1), self.observed.teacher[batch].to(device), reduction="batchmean")
        first = slice(0, max(2, round(self.picture_share * len(batch))))  # the order is random already
        picture = model.small_picture(state[first], values[first]).float()
        mse = F.mse_loss(picture, _at(self.observed.targets(batch[first]), model.small).to(device))
        return {"loss": ce + self.distil * kl + self.lambda_picture * mse, "ce": ce, "kl": kl, "mse": mse}

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        device = next(model.parameters()).device
        right, quality = [], []
        for index, symbols, noise in self.checks():
            logits, picture = model(symbols.to(device), noise.to(device))
            right.append((logits.argmax(1).cpu() == self.unseen.labels(index)).float())
            if index[0] < 512:
                quality.append(psnr(picture.float().cpu(), self.unseen.targets(index)))
        accuracy, mean_psnr = float(torch.cat(right).mean()), float(torch.cat(quality).mean())
        return {"score": accuracy + 0.01 * mean_psnr, "accuracy": accuracy, "psnr": mean_psnr}


class DefenseDecoderTask(DefenseTask):
    """The naive attacker, but on the defense's own output: convolutions to the picture, MSE.

    Options:
        depth: residual blocks.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        defense: str,
        depth: int = 2,
        images: int | None = None,
        held_out: int = 256,
    ) -> None:
        super().__init__(recipe, runs, defense, images, held_out)
        self.network = "conv_decoder"
        self.arguments = {"image_channels": self.domain.channels, "size": self.domain.native_size, "depth": depth}
        self.model = models.build(self.network, self.arguments)

    def loss(self, batch: np.ndarray, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        symbols, _ = self.observed.heard(batch, torch.Generator().manual_seed(_seed(generator)))
        z = unpack(symbols).to(generator.device, memory_format=torch.channels_last)
        picture = self.model(z).float()
        return {"loss": F.mse_loss(picture, self.observed.targets(batch).to(picture.device))}

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        device = next(model.parameters()).device
        quality = []
        for index, symbols, _ in self.checks():
            z = unpack(symbols).to(device, memory_format=torch.channels_last)
            quality.append(psnr(model(z).float().cpu(), self.unseen.targets(index)))
        mean_psnr = float(torch.cat(quality).mean())
        return {"score": mean_psnr, "psnr": mean_psnr}


class RidgeTask:
    """Ridge / LMMSE in closed form (:mod:`semcom_core.attacks.ridge`); nothing is trained.

    Options:
        defense: registry name.
        rank: directions that are kept.
        small: side of the estimated pictures; the native side if 0.
        draws: passes over the pictures with fresh keys and noise, where the defense draws any.
        images, held_out: as for :class:`DefenseTask`.
    """

    network = "ridge_inversion"

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        defense: str,
        rank: int = 128,
        small: int = 0,
        draws: int = 3,
        images: int | None = None,
        held_out: int = 1000,
    ) -> None:
        self.seed = recipe.seed
        self.observed = Observations(recipe.domain, defense, "train", runs, images)
        self.unseen = Observations(recipe.domain, defense, "held_out", runs, held_out)
        domain = self.observed.domain
        self.draws = draws if self.observed.silent_varies else 1
        n = self.observed.channel_uses
        self.arguments = {
            "channel_uses": n,
            "rank": min(rank, 2 * n),
            "image_channels": domain.channels,
            "small": small or domain.native_size,
            "size": domain.native_size,
            "classes": len(domain.classes),
        }

    def solve(self) -> RidgeInversion:
        """Fit, choose the penalty on held-out pictures, and say how well it does there."""
        generator = torch.Generator().manual_seed(self.seed)
        fitted = RidgeInversion(**self.arguments).fit(*self._moments(generator), generator)
        held_out = [self._held_out(fitted, penalty) for penalty in PENALTIES]
        best = int(np.argmin([mse for mse, _, _ in held_out]))
        fitted.penalty.fill_(PENALTIES[best])
        _, quality, accuracy = held_out[best]
        print(f"penalty {PENALTIES[best]:g}: held-out {quality:.2f} dB, accuracy {accuracy:.4f} at AWGN 10 dB")
        return fitted

    def _moments(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean and covariance of the values, mean of the targets, cross-covariance."""
        d, K = 2 * self.observed.channel_uses, self.arguments["classes"]
        t = self.arguments["image_channels"] * self.arguments["small"] ** 2 + K
        sums = [torch.zeros(shape) for shape in ((d,), (d, d), (t,), (d, t))]
        count = 0
        for _ in range(self.draws):
            for index in np.array_split(np.arange(len(self.observed)), -(-len(self.observed) // 1000)):
                u = real_values(self.observed.silent(index, generator))
                pictures = _at(self.observed.targets(index), self.arguments["small"]).flatten(1)
                y = torch.cat([pictures, F.one_hot(self.observed.labels(index), K).float()], 1)
                for total, part in zip(sums, (u.sum(0), u.T @ u, y.sum(0), u.T @ y), strict=True):
                    total += part
                count += len(index)
        mean, second, target_mean, cross = (total.double() / count for total in sums)
        return mean, second - torch.outer(mean, mean), target_mean, cross - torch.outer(mean, target_mean)

    @torch.no_grad()
    def _held_out(self, fitted: RidgeInversion, penalty: float) -> tuple[float, float, float]:
        """MSE over the channels of training (decides), PSNR and accuracy at AWGN 10 dB."""
        fitted.penalty.fill_(penalty)
        errors, quality, right = [], [], []
        generator = torch.Generator().manual_seed(self.seed + 1)
        for index in np.array_split(np.arange(len(self.unseen)), -(-len(self.unseen) // 250)):
            targets = self.unseen.targets(index)
            errors.append(((fitted(*self.unseen.heard(index, generator))[1] - targets) ** 2).mean())
            logits, picture = fitted(*self.unseen.check(index))
            quality.append(psnr(picture, targets))
            right.append((logits.argmax(1) == self.unseen.labels(index)).float())
        return float(torch.stack(errors).mean()), float(torch.cat(quality).mean()), float(torch.cat(right).mean())


def _seed(generator: torch.Generator) -> int:
    """A seed for observations, which are always made on the CPU."""
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))


def _at(pictures: Tensor, side: int) -> Tensor:
    """Pictures reduced to a side by area averaging, where they are larger."""
    return pictures if pictures.shape[-1] == side else F.interpolate(pictures, (side, side), mode="area")
