"""Tasks that train on cached features: the receiver's decoders, and the naive eavesdropper."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.codecs.repobe import CODEC_SIZE, GRID, RepObECodec
from semcom_core.domains import DOMAINS
from semcom_core.metrics import psnr
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.precision import autocast
from semcom_core.training import features
from semcom_core.training.codec import at_fixed_snr, random_link
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled

PIXELS_A_CELL = CODEC_SIZE // GRID
SOUP = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
"""Shares of the fine-tuned weights that are tried."""
Batch = tuple[np.ndarray, Tensor]


class CachedTask(Task):
    """A task on the cached features of one codec.

    Args:
        codec: weights whose encoder made the features, for instance ``digits/base``.
        copies: plain pictures plus ``copies − 1`` random changes of each.
        images: how many training images to use at most (attackers: 20,000).
        held_out: how many held-out images decide which epoch is kept.
    """

    def __init__(self, recipe: Recipe, runs: Path, codec: str, copies: int, images: int | None, held_out: int) -> None:
        self.domain = DOMAINS[recipe.domain]
        self.codec = features.load_codec(codec)
        folder = runs / recipe.domain
        self.cache = features.build(folder, self.codec, recipe.domain, "train", copies, images, recipe.seed)
        self.check = features.build(folder, self.codec, recipe.domain, "held_out", 1, held_out, recipe.seed)

    def epoch_size(self, stage: Stage) -> int:
        return len(self.cache) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[Batch]:
        for index in shuffled(len(self.cache), stage.batch, rng):
            index.sort()  # memory maps like order; the loss does not mind
            yield index, self.cache.z(index)

    def received(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Cached features after a random channel, on the generator's device."""
        return random_link(z.to(generator.device), generator).contiguous(memory_format=torch.channels_last)

    def check_chunks(
        self, model: nn.Module, protect: Callable[[Tensor], Tensor] = lambda z: z
    ) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Held-out rows, protected, after AWGN at 10 dB with fixed noise, on the model's device."""
        device = next(model.parameters()).device
        for start in range(0, len(self.check), 128):
            index = np.arange(start, min(start + 128, len(self.check)))
            z = at_fixed_snr(protect(self.check.z(index)), 10.0, seed=start)
            yield index, z.to(device).contiguous(memory_format=torch.channels_last)


class ReceiverTask(CachedTask):
    """Fine-tunes both decoders of a jointly trained codec; the encoder stays as it is.

    Options:
        lambda_rec, rec_share, smoothing: as in :class:`~semcom_core.training.codec.CodecTask`.
        shift: each batch moves by up to this many grid cells (8 pixels each); the border is
            repeated where nothing is left.
        cutmix: share of the batches in which each map carries a rectangle of another one, and
            its label in proportion (Yun et al., ICCV 2019; here on features).
        soup: publish the mixture of the weights before and after that does best on the held-out
            images (Wortsman et al., ICML 2022), of the shares :data:`SOUP`.
    """

    divisible = True

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        codec: str,
        copies: int,
        lambda_rec: float,
        rec_share: float,
        smoothing: float = 0.0,
        shift: int = 0,
        cutmix: float = 0.0,
        soup: bool = False,
        held_out: int = 1000,
    ) -> None:
        super().__init__(recipe, runs, codec, copies, None, held_out)
        self.lambda_rec, self.rec_share, self.smoothing, self.shift = lambda_rec, rec_share, smoothing, shift
        self.cutmix, self.soup = cutmix, soup
        self.model = nn.ModuleDict({"classifier": self.codec.classifier, "reconstructor": self.codec.reconstructor})
        self.model.requires_grad_(True)
        self.start = copy.deepcopy(self.model)
        self.network = "repobe_codec"
        self.arguments = {"image_channels": self.domain.channels, "classes": len(self.domain.classes)}

    def publishable(self, trained: nn.Module) -> RepObECodec:
        """The codec that it started from, with the fine-tuned decoders."""
        best = trained.state_dict()
        if self.soup:
            before = self.start.state_dict()
            mixtures = [_mixture(before, best, share) for share in SOUP]
            best = max(mixtures, key=self._held_out_score)
        trained.load_state_dict(best)
        self.codec.classifier.load_state_dict(trained["classifier"].state_dict())
        self.codec.reconstructor.load_state_dict(trained["reconstructor"].state_dict())
        return self.codec

    def _held_out_score(self, state: dict[str, Tensor]) -> float:
        model = copy.deepcopy(self.start).eval()
        model.load_state_dict(state)
        return self.validate(model, None)["score"]

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        move = torch.randint(-self.shift, self.shift + 1, (2,), generator=generator, device=generator.device).tolist()
        z = _moved(z, move)
        labels = self.cache.label(index).to(generator.device)
        mixed, partner, share = _cutmix(z, generator) if self._chance(generator) < self.cutmix else (z, labels, 1.0)
        received = self.received(mixed, generator)
        logits = self.model["classifier"](received).float()
        ce = share * F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
        if share < 1.0:
            ce = ce + (1.0 - share) * F.cross_entropy(logits, labels[partner], label_smoothing=self.smoothing)
        pick = np.linspace(0, len(index) - 1, max(2, round(self.rec_share * len(index)))).astype(int)
        rebuilt = self.model["reconstructor"](self.received(z[pick], generator)).float()
        target = _moved(self.cache.targets_at(index[pick]), [PIXELS_A_CELL * cells for cells in move])
        mse = F.mse_loss(rebuilt, target.to(rebuilt.device))
        return {"loss": ce + self.lambda_rec * mse, "ce": ce, "mse": mse}

    @staticmethod
    def _chance(generator: torch.Generator) -> float:
        return float(torch.rand((), generator=generator, device=generator.device))

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage | None) -> dict[str, float]:
        right, quality = [], []
        for index, z in self.check_chunks(model):
            with autocast(z.device.type):
                right.append(model["classifier"](z).float().argmax(1).cpu().numpy() == self.check.label(index).numpy())
                if index[0] < 256:
                    quality.append(psnr(model["reconstructor"](z).float().cpu(), self.check.targets_at(index)))
        accuracy, mean_psnr = float(np.concatenate(right).mean()), float(torch.cat(quality).mean())
        return {"score": accuracy + 0.02 * mean_psnr, "accuracy": accuracy, "psnr": mean_psnr}


def _moved(maps: Tensor, move: list[int]) -> Tensor:
    """Maps (B,C,h,w) down and to the right by ``move``; the border is repeated behind them."""
    height, width = maps.shape[2:]
    rows = (torch.arange(height) - move[0]).clamp(0, height - 1)
    columns = (torch.arange(width) - move[1]).clamp(0, width - 1)
    return maps[:, :, rows.to(maps.device)][:, :, :, columns.to(maps.device)]


def _mixture(before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """``share`` of the weights after training, the rest from before; counters from after."""
    return {
        name: torch.lerp(before[name], value, share) if value.dtype.is_floating_point else value
        for name, value in after.items()
    }


def _cutmix(z: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """One rectangle of each map from another map of the batch.

    Returns:
        The mixed maps (B,4,h,w), the partner of each (B,), and the share of the map that it keeps.
    """
    size = z.shape[-1]
    draw = torch.rand(4, generator=generator, device=generator.device).tolist()
    height, width = (max(1, round(size * (0.2 + 0.6 * side))) for side in draw[:2])
    top, left = round((size - height) * draw[2]), round((size - width) * draw[3])
    partner = torch.randperm(len(z), generator=generator, device=generator.device)
    mixed = z.clone()
    window = (..., slice(top, top + height), slice(left, left + width))
    mixed[window] = z[partner.to(z.device)][window]
    return mixed, partner, 1.0 - height * width / size**2


class InversionTask(CachedTask):
    """The naive attacker: plain features after a random channel to the picture, MSE."""

    divisible = True

    def __init__(
        self, recipe: Recipe, runs: Path, codec: str, copies: int = 1, images: int = 20_000, held_out: int = 512
    ) -> None:
        super().__init__(recipe, runs, codec, copies, images, held_out)
        self.network = "inversion_decoder"
        self.arguments = {"image_channels": self.domain.channels, "size": self.domain.native_size}
        self.model = InversionDecoder(**self.arguments)

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        picture = self.model(self.received(z, generator)).float()
        return {"loss": F.mse_loss(picture, self.cache.targets(index).to(picture.device))}

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        quality = torch.cat(
            [psnr(model(z).float().cpu(), self.check.targets(index)) for index, z in self.check_chunks(model)]
        )
        return {"score": float(quality.mean()), "psnr": float(quality.mean())}
