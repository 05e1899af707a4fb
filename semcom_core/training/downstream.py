"""Tasks that train on cached features: the receiver's decoders, and the eavesdroppers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core import weights
from semcom_core.ciphers.confusion import ConfusionKey, encrypt
from semcom_core.codecs.repobe import CODEC_SIZE, GRID, RepObECodec
from semcom_core.domains import DOMAINS
from semcom_core.metrics import psnr
from semcom_core.networks.attackers import InversionDecoder, RowSetReader
from semcom_core.training import features
from semcom_core.training.codec import at_fixed_snr, random_link
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled

ANY_KEY = ConfusionKey(np.arange(GRID), np.arange(GRID), 0, 0)
PIXELS_A_CELL = CODEC_SIZE // GRID
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
        self.codec: RepObECodec = weights.load(codec).module
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

    def check_chunks(self, model: nn.Module) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Held-out rows and their features after AWGN at 10 dB, fixed noise, on the model's device."""
        device = next(model.parameters()).device
        for start in range(0, len(self.check), 128):
            index = np.arange(start, min(start + 128, len(self.check)))
            z = at_fixed_snr(self.check.z(index), 10.0, seed=start)
            yield index, z.to(device).contiguous(memory_format=torch.channels_last)


class ReceiverTask(CachedTask):
    """Fine-tunes both decoders of a jointly trained codec; the encoder stays as it is.

    Options:
        lambda_rec, rec_share, smoothing: as in :class:`~semcom_core.training.codec.CodecTask`.
        shift: each batch moves by up to this many grid cells (8 pixels each), wrapping around;
            for pictures with an empty border, where it equals shifting the picture.
    """

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
        held_out: int = 1000,
    ) -> None:
        super().__init__(recipe, runs, codec, copies, None, held_out)
        self.lambda_rec, self.rec_share, self.smoothing, self.shift = lambda_rec, rec_share, smoothing, shift
        self.model = nn.ModuleDict({"classifier": self.codec.classifier, "reconstructor": self.codec.reconstructor})
        self.model.requires_grad_(True)
        self.network = "repobe_codec"
        self.arguments = {"image_channels": self.domain.channels, "classes": len(self.domain.classes)}

    def publishable(self, trained: nn.Module) -> RepObECodec:
        """The codec that it started from, with the fine-tuned decoders."""
        self.codec.classifier.load_state_dict(trained["classifier"].state_dict())
        self.codec.reconstructor.load_state_dict(trained["reconstructor"].state_dict())
        return self.codec

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        move = torch.randint(-self.shift, self.shift + 1, (2,), generator=generator, device=generator.device).tolist()
        received = self.received(z.roll(move, (2, 3)), generator)
        labels = self.cache.label(index).to(received.device)
        ce = F.cross_entropy(self.model["classifier"](received).float(), labels, label_smoothing=self.smoothing)
        pick = np.linspace(0, len(index) - 1, max(2, round(self.rec_share * len(index)))).astype(int)
        rebuilt = self.model["reconstructor"](received[pick]).float()
        target = self.cache.targets_at(index[pick]).roll([PIXELS_A_CELL * cells for cells in move], (2, 3))
        mse = F.mse_loss(rebuilt, target.to(rebuilt.device))
        return {"loss": ce + self.lambda_rec * mse, "ce": ce, "mse": mse}

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        right, quality = [], []
        for index, z in self.check_chunks(model):
            with torch.autocast(z.device.type, torch.bfloat16):
                right.append(model["classifier"](z).float().argmax(1).cpu().numpy() == self.check.label(index).numpy())
                if index[0] < 256:
                    quality.append(psnr(model["reconstructor"](z).float().cpu(), self.check.targets_at(index)))
        accuracy, mean_psnr = float(np.concatenate(right).mean()), float(torch.cat(quality).mean())
        return {"score": accuracy + 0.02 * mean_psnr, "accuracy": accuracy, "psnr": mean_psnr}


class InversionTask(CachedTask):
    """The naive attacker: plain features after a random channel to the picture, MSE."""

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


class ReaderTask(CachedTask):
    """The adaptive attacker against position ciphers: class and picture for any key.

    The reader is exactly invariant to the key (tested), so ciphertexts under one key give the
    same loss and gradients as ciphertexts under fresh keys. It also learns from the public
    receiver's answers (distillation), as an attacker who has encoder and receiver would.

    Options:
        lambda_picture: weight of the picture's MSE.
        picture_share: share of each batch whose picture is computed.
        distil: weight of the divergence from the receiver's noise-free answers.
        smoothing: label smoothing.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        codec: str,
        copies: int = 1,
        images: int = 20_000,
        held_out: int = 1000,
        lambda_picture: float = 5.0,
        picture_share: float = 0.25,
        distil: float = 1.0,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__(recipe, runs, codec, copies, images, held_out)
        self.lambda_picture, self.picture_share = lambda_picture, picture_share
        self.distil, self.smoothing = distil, smoothing
        self.network = "row_set_reader"
        self.arguments = {
            "image_channels": self.domain.channels,
            "size": self.domain.native_size,
            "classes": len(self.domain.classes),
        }
        self.model = RowSetReader(**self.arguments)

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        summary = self.model.embedding(encrypt(self.received(z, generator), ANY_KEY))
        logits = self.model.fc(summary).float()
        labels = self.cache.label(index).to(logits.device)
        ce = F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
        with torch.no_grad():
            teacher = (
                self.codec.classifier(z.to(logits.device).contiguous(memory_format=torch.channels_last))
                .float()
                .softmax(1)
            )
        kl = F.kl_div(logits.log_softmax(1), teacher, reduction="batchmean")
        pick = np.linspace(0, len(index) - 1, max(2, round(self.picture_share * len(index)))).astype(int)
        mse = F.mse_loss(self.model.picture(summary[pick]).float(), self.cache.targets(index[pick]).to(summary.device))
        return {"loss": ce + self.distil * kl + self.lambda_picture * mse, "ce": ce, "kl": kl, "mse": mse}

    @torch.inference_mode()
    def validate(self, model: RowSetReader, stage: Stage) -> dict[str, float]:
        right, quality = [], []
        for index, z in self.check_chunks(model):
            logits, picture = model(encrypt(z, ANY_KEY))
            right.append(logits.argmax(1).cpu().numpy() == self.check.label(index).numpy())
            quality.append(psnr(picture.float().cpu(), self.check.targets(index)))
        accuracy, mean_psnr = float(np.concatenate(right).mean()), float(torch.cat(quality).mean())
        return {"score": accuracy + 0.01 * mean_psnr, "accuracy": accuracy, "psnr": mean_psnr}
