"""Task ``diffsem``: a denoiser of features and, side by side, classifiers tuned with and without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import datasets, diffusion
from semcom_core.channels import CHANNELS, Received, noise_variance, propagate
from semcom_core.codecs.repobe import normalise_power, pack, unpack
from semcom_core.defenses.diffsem import SelfNoise, add_noise, denoise, signal_share
from semcom_core.networks.denoiser import DiffSemNetworks
from semcom_core.training.air import random_reception, random_snr
from semcom_core.training.downstream import Batch, CachedTask
from semcom_core.training.recipe import Recipe, Stage

LEAST_SIGMA = 0.3
SILENT = 0.15
"""Share of images without noise of the sender."""
OWN_LABEL = 0.8
"""Share of the second half of a batch that is told its own prediction; the rest is told nothing."""
STEPS = (1, 2, 4)
"""Denoising steps that the classifier of denoised features learns from, one number a batch."""
CHECK_SNR_DB, CHECK_STEPS = 15.0, 4


class DenoiserTask(CachedTask):
    r"""Trains :class:`~semcom_core.networks.denoiser.DiffSemNetworks` on cached features.

    ::

        z ─ self-noise at a random level ─ random channel ─ ŝ ─┬─ tuned classifier "noisy" ─ CE
                                                               └─ denoiser(true label | own | none) ─ L_eps
                                                                     └─ 1, 2 or 4 steps ─ "denoised" ─ CE

    ``L = CE_noisy + CE_denoised + lambda_eps·E‖eps − eps_θ‖²`` (per feature). The first half of
    each batch is told the true label and gives L_eps only; a classifier after it would read the
    label off the features. The second half gives L_eps and both cross entropies: both arms see
    the same pictures, the same noise and the same number of steps. Its CE reaches the denoiser
    through the first step only. Nothing is differentiated through the denoiser's label.

    Options:
        lambda_eps: weight of the denoiser's own loss.
        sigma_max: privacy levels are log-uniform from :data:`LEAST_SIGMA` to this; two thirds of
            it decide which epoch is kept.
        smoothing: label smoothing of both classifiers.
        images: training images, the first ones; all but the attackers' if omitted.
    """

    divisible = True
    network = "diffsem"

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        codec: str,
        lambda_eps: float = 1.0,
        sigma_max: float = 3.0,
        smoothing: float = 0.0,
        copies: int = 1,
        images: int | None = None,
        held_out: int = 1000,
    ) -> None:
        if images is None:
            images = len(datasets.codec_share(recipe.domain))
        super().__init__(recipe, runs, codec, copies, images, held_out)
        self.lambda_eps, self.sigma_max, self.smoothing = lambda_eps, sigma_max, smoothing
        classes = len(self.domain.classes)
        self.arguments = {"classes": classes}
        self.model = DiffSemNetworks(classes)
        for tuning in (self.model.denoised, self.model.noisy):
            tuning.start_from(self.codec.classifier)

    def loss(self, batch: Batch, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        index, z = batch
        mixed = torch.randperm(len(index), generator=generator, device=generator.device)  # rows come sorted
        z, labels = z.to(generator.device)[mixed], self.cache.label(index).to(generator.device)[mixed]
        classifier, half = self.codec.to(generator.device).classifier, len(z) // 2
        estimate, noise = noisy_features(z, self.sigma_max, generator)

        guess = self.model.noisy(classifier, estimate[half:])
        ce_noisy = F.cross_entropy(guess, labels[half:], label_smoothing=self.smoothing)
        told = torch.rand(len(z) - half, 1, generator=generator, device=generator.device) < OWN_LABEL
        label = torch.cat([F.one_hot(labels[:half], guess.shape[1]), guess.detach().softmax(1) * told])

        abar = diffusion.level(noise)
        x = estimate * _spread((1.0 + noise).sqrt())
        eps = (x - _spread(abar.sqrt()) * z) / _spread((1.0 - abar).sqrt())
        found = self.model.denoiser(x, abar, label)
        loss_eps = F.mse_loss(found, eps)

        z0 = self._finish(x[half:], found[half:], abar[half:], label[half:], generator)
        ce_denoised = F.cross_entropy(
            self.model.denoised(classifier, z0), labels[half:], label_smoothing=self.smoothing
        )
        return {
            "loss": ce_noisy + ce_denoised + self.lambda_eps * loss_eps,
            "ce_noisy": ce_noisy,
            "ce_denoised": ce_denoised,
            "eps": loss_eps,
        }

    def _finish(self, x: Tensor, eps: Tensor, abar: Tensor, label: Tensor, generator: torch.Generator) -> Tensor:
        """DDIM whose first noise estimate is there already; its gradient flows if it is the only one."""
        steps = STEPS[int(torch.randint(len(STEPS), (), generator=generator, device=generator.device))]
        levels = diffusion.path(abar, steps)
        first = diffusion.follow(lambda *_: eps, x, levels[:2])
        if steps > 1:
            with torch.no_grad():
                first = diffusion.follow(self.model.denoiser, first, levels[1:], label)
        return normalise_power(first).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def validate(self, model: DiffSemNetworks, stage: Stage) -> dict[str, float]:
        """Held-out accuracies and feature errors at one level; both arms count alike in the score."""
        right: dict[str, list[Tensor]] = {"noisy": [], "denoised": [], "denoised_unlabelled": []}
        errors: dict[str, list[Tensor]] = {"error_noisy": [], "error_denoised": []}
        device = next(model.parameters()).device
        classifier = self.codec.to(device).classifier
        plug_in = SelfNoise(self.sigma_max * 2 / 3, CHECK_SNR_DB)
        for start in range(0, len(self.check), 128):
            index = np.arange(start, min(start + 128, len(self.check)))
            z, labels = self.check.z(index), self.check.label(index)
            generator = torch.Generator().manual_seed(start)
            x = plug_in.protect(pack(z), [], generator)
            received = propagate(CHANNELS["rayleigh" if start % 256 else "awgn"], x, CHECK_SNR_DB, generator)
            s_hat = plug_in.recover(received.equalise(), [])
            noise = plug_in.noise_after(received.effective()[1]).to(device)
            z_hat = unpack(s_hat).to(device).contiguous(memory_format=torch.channels_last)
            guess = model.noisy(classifier, z_hat)
            right["noisy"].append(guess.argmax(1).cpu() == labels)
            errors["error_noisy"].append((z_hat.cpu() - z).square().mean((1, 2, 3)))
            for name, label in (("denoised", guess.softmax(1)), ("denoised_unlabelled", None)):
                z0 = denoise(model, z_hat, noise, CHECK_STEPS, label)
                right[name].append(model.denoised(classifier, z0).argmax(1).cpu() == labels)
            errors["error_denoised"].append((z0.cpu() - z).square().mean((1, 2, 3)))
        figures = {name: float(torch.cat(rows).float().mean()) for name, rows in (right | errors).items()}
        return {"score": figures["noisy"] + figures["denoised"]} | figures


def noisy_features(z: Tensor, sigma_max: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Features as a receiver has them, at random levels: each image its own self-noise and channel.

    Returns:
        Linear MMSE estimates (B,4,28,28), and the relative variance of all noise together (B,).
    """
    batch = len(z)
    snr_db = random_snr(batch, generator)
    draw = torch.rand(2, batch, 1, generator=generator, device=generator.device)
    low, high = (torch.tensor(limit).log() for limit in (LEAST_SIGMA, sigma_max))
    sigma = torch.where(draw[0] < SILENT, 0.0, (low + draw[1] * (high - low)).exp())
    a = signal_share(sigma, noise_variance(snr_db))
    received: Received = random_reception(add_noise(pack(z), a, generator), generator, snr_db)
    noise = (1.0 - a[:, 0] + received.effective()[1]) / a[:, 0]
    estimate = unpack(a.sqrt() * received.equalise())
    return estimate.contiguous(memory_format=torch.channels_last), noise


def _spread(values: Tensor) -> Tensor:
    return values[:, None, None, None]
