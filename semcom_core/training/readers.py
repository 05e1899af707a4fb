"""Tasks that train the adaptive eavesdroppers on the ciphertexts of each cipher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.channels import complex_normal
from semcom_core.ciphers.confusion import ConfusionKey, encrypt
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.codecs.repobe import GRID, unpack
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.metrics import psnr
from semcom_core.networks.readers import CellSetReader, DenseReader, Reader, RowSetReader
from semcom_core.training.downstream import Batch, CachedTask
from semcom_core.training.recipe import Recipe, Stage

ANY_KEY = ConfusionKey(np.arange(GRID), np.arange(GRID), 0, 0)
Scramble = Callable[[Tensor, torch.Generator], Tensor]


def fixed_key() -> ConfusionKey:
    """The demo's one key for ever: only its ciphertexts reach the attacker that learns it."""
    plug_in = ConfusionCipher()
    stream = KeySource.published().stream(plug_in.name, KeyPolicy.FIXED, seed=0, session=0, nonce=b"")
    return plug_in.key(stream)


def _sphere(z: Tensor, generator: torch.Generator) -> Tensor:
    """What a Haar rotation sends: a uniform point on the sphere, whatever the features were."""
    points = complex_normal((len(z), z[0].numel() // 2), generator)
    radius = points.shape[1] ** 0.5
    return unpack(points * (radius / points.abs().square().sum(1, keepdim=True).sqrt()))


# A reader that is exactly invariant to a key needs no fresh ones: any key gives the same
# loss and the same gradients (tested). Permutations may come before or after the channel.
CIPHERS: dict[str, tuple[str, type[Reader], Scramble]] = {
    "confusion": ("row_set_reader", RowSetReader, lambda z, generator: encrypt(z, ANY_KEY)),
    "shuffling": ("cell_set_reader", CellSetReader, lambda z, generator: z),
    "rotation": ("dense_reader", DenseReader, _sphere),
    "fixed_confusion": ("dense_reader", DenseReader, lambda z, generator: encrypt(z, fixed_key())),
}
"""For each cipher the network that reads it and how its ciphertexts are made from features."""


class ReaderTask(CachedTask):
    """An adaptive attacker: class and picture from ciphertexts of one cipher (:data:`CIPHERS`).

    It also learns from the public receiver's answers (distillation), as an attacker who has
    encoder and receiver would.

    Options:
        cipher: key of :data:`CIPHERS`.
        lambda_picture: weight of the picture's MSE.
        picture_share: share of each batch whose picture is computed.
        distil: weight of the divergence from the receiver's noise-free answers.
        smoothing: label smoothing.
    """

    divisible = True

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        codec: str,
        cipher: str = "confusion",
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
        self.network, build, self.scramble = CIPHERS[cipher]
        self.arguments = {
            "image_channels": self.domain.channels,
            "size": self.domain.native_size,
            "classes": len(self.domain.classes),
        }
        self.model = build(**self.arguments)

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        ciphertext = self.scramble(z.to(generator.device), generator)
        summary = self.model.embedding(self.received(ciphertext, generator))
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
    def validate(self, model: Reader, stage: Stage) -> dict[str, float]:
        right, quality = [], []
        generator = torch.Generator().manual_seed(0)
        for index, ciphertext in self.check_chunks(model, lambda z: self.scramble(z, generator)):
            logits, picture = model(ciphertext)
            right.append(logits.argmax(1).cpu().numpy() == self.check.label(index).numpy())
            quality.append(psnr(picture.float().cpu(), self.check.targets(index)))
        accuracy, mean_psnr = float(np.concatenate(right).mean()), float(torch.cat(quality).mean())
        return {"score": accuracy + 0.01 * mean_psnr, "accuracy": accuracy, "psnr": mean_psnr}
