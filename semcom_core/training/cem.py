"""Task ``cem``: a private head on a frozen codec, with or without CEM, with or without ARL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.codecs.repobe import pack, unpack
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.networks.private_head import PrivateLink
from semcom_core.training.air import random_reception
from semcom_core.training.arl import InnerAttacker
from semcom_core.training.attack_check import CheckDecoder
from semcom_core.training.clusters import Clusters
from semcom_core.training.codec import at_fixed_snr
from semcom_core.training.downstream import Batch, CachedTask
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import learning_rate, shuffled


class CEMTask(CachedTask):
    r"""Trains a :class:`~semcom_core.networks.private_head.PrivateLink` on cached features.

    ::

        z ─ head ─ z' ─┬─ + sigma·e ─ random channel ─┬─ classifier ─ CE          → head, tuning
                       └─ L_C (no noise)              └─ restorer ─ MSE to z      → restorer only
                                                            (ARL: inner decoder before the channel)

    ``L = CE + s·lambda_c·L_C [+ alpha·max(0, SSIM − 0.5)]``. The authors' rule for the weight of
    L_C's gradient is ``s = 0.001/lr``, at most 1: 0.02 at their peak rate, growing as the rate
    falls, so that clusters tighten late. Here ``s = min(1, first/lr_relative)`` with the
    learning rate relative to its peak (they use SGD, we AdamW). No CEM in the first epoch;
    clusters are found anew before each later one. All features have unit power, so variances
    and sigma are relative to it. Where the restorer learns, the head does not: the picture at
    the receiver is what is left, not a goal.

    Options:
        sigma: standard deviation of the sender's noise in training.
        lambda_c: weight of CEM; 0 for the arm without it, which is otherwise identical.
        tau: the variance floor is ``tau·sigma²`` a dimension (authors: 0.125 on 512 dimensions).
        clusters: clusters a class.
        first: s at the peak learning rate.
        images: training images, the first ones of the split; attackers train on others.
        cluster_images: images that the clusters are found on.
        alpha: strength of adversarial representation learning; 0 leaves it out.
        share: share of each batch that restorer and inner attacker see.
    """

    network = "private_link"

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        codec: str,
        sigma: float,
        lambda_c: float,
        tau: float,
        clusters: int = 5,
        first: float = 0.02,
        copies: int = 1,
        images: int | None = None,
        cluster_images: int = 10_000,
        smoothing: float = 0.0,
        alpha: float = 0.0,
        share: float = 0.25,
        held_out: int = 1000,
    ) -> None:
        super().__init__(recipe, runs, codec, copies, images, held_out)
        self.lambda_c, self.floor, self.first, self.smoothing, self.share = (
            lambda_c, tau * sigma**2, first, smoothing, share,
        )  # fmt: skip
        self.noise = AdditiveNoise(sigma)
        self.cluster_rows = np.arange(min(cluster_images, self.cache.images))
        self.seed = recipe.seed
        classes = len(self.domain.classes)
        self.arguments = {"classes": classes}
        link = PrivateLink(classes)
        link.tuning.start_from(self.codec.classifier)
        self.shared = fold_batch_norm(self.codec.classifier)
        self.model = nn.ModuleDict({"link": link, "clusters": Clusters(classes, clusters, 4 * 28 * 28)})
        self.model.register_buffer("epochs", torch.tensor(0))
        self.model.register_buffer("images", torch.tensor(0))
        self.total = sum(stage.epochs * self.epoch_size(stage) for stage in recipe.stages)
        self.attacker = None
        if alpha:
            self.model["attacker"] = CheckDecoder(self.domain.channels, self.domain.native_size)
            self.attacker = InnerAttacker(self.model["attacker"], alpha)

    def publishable(self, trained: nn.Module) -> PrivateLink:
        """Head, restorer and tuned classifier; clusters and inner attacker stay behind."""
        return trained["link"]

    def epoch_size(self, stage: Stage) -> int:
        return self.cache.images // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[Batch]:
        """Each image once, in one of its copies; clusters are found anew first."""
        if self.lambda_c and self.model.epochs > 0:
            self._find_clusters()
        for index in shuffled(self.cache.images, stage.batch, rng):
            index = np.sort(index + self.cache.images * rng.integers(len(self.cache.features), size=len(index)))
            yield index, self.cache.z(index)
        self.model.epochs += 1

    @torch.no_grad()
    def _find_clusters(self) -> None:
        head, clusters = self.model["link"].head.eval(), self.model["clusters"]
        device = clusters.mu.device
        chunks = np.array_split(self.cluster_rows, -(-len(self.cluster_rows) // 250))
        z = torch.cat([self._private(head, self.cache.z(rows), device) for rows in chunks])
        rng = np.random.default_rng((self.seed, int(self.model.epochs)))
        clusters.refresh(z.flatten(1), self.cache.label(self.cluster_rows).to(device), rng)
        head.train()

    @staticmethod
    def _private(head: nn.Module, z: Tensor, device: torch.device) -> Tensor:
        return head(z.to(device, memory_format=torch.channels_last))

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        device, link = generator.device, self.model["link"]
        z = z.to(device, memory_format=torch.channels_last)
        labels = self.cache.label(index).to(device)
        private = link.head(z)
        sent = self.noise.protect(pack(private), (), generator)
        received = unpack(self.noise.recover(random_reception(sent, generator).equalise(), ()))
        ce = F.cross_entropy(link.classify(self.shared.to(device), received), labels, label_smoothing=self.smoothing)
        part = slice(0, None, round(1 / self.share))
        restored = F.mse_loss(link.restorer(received[part].detach()), z[part])
        terms = {"loss": ce + restored, "ce": ce, "restored": restored}
        if self.model["clusters"].ready:
            late = min(1.0, self.first / learning_rate(float(self.model.images) / self.total, 1.0))
            entropy, spread = self.model["clusters"].loss(private.flatten(1), labels, self.floor, self.cache.images)
            terms |= {"loss": terms["loss"] + late * self.lambda_c * entropy, "cem": entropy, "spread": spread}
        if self.attacker:
            heard = unpack(self.noise.recover(sent, ()))[part]
            pictures, warm_up = self.cache.targets(index[part]).to(device), not self.model.epochs
            self.attacker.step(heard, pictures, bool(warm_up))
            penalty, success = self.attacker.penalty(heard, pictures)
            terms |= {"attack_ssim": success}
            if not warm_up:
                terms["loss"] = terms["loss"] + penalty
        self.model.images += len(index)
        return terms

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        """Accuracy at AWGN 10 dB with the sender's noise, and how far restored features are off.

        The score is constant: the last epoch is kept, as the authors do, whose clusters are the
        tightest.
        """
        link, device = model["link"], next(model.parameters()).device
        right, error = [], []
        for start in range(0, len(self.check), 128):
            rows = np.arange(start, min(start + 128, len(self.check)))
            generator = torch.Generator(device).manual_seed(start)
            sent = self.noise.protect(pack(self._private(link.head, self.check.z(rows), device)), (), generator)
            received = at_fixed_snr(unpack(sent), 10.0, seed=start + 1) / math.sqrt(1.0 + self.noise.sigma**2)
            right.append(link.classify(self.shared.to(device), received).argmax(1).cpu() == self.check.label(rows))
            error.append((link.restorer(received).cpu() - self.check.z(rows)).square().mean((1, 2, 3)))
        return {
            "score": 0.0,
            "accuracy": float(torch.cat(right).float().mean()),
            "restored": float(torch.cat(error).mean()),
        }
