"""Task ``vae``: encoder, picture decoder and class head of the VAE, jointly through the channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import datasets
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.vae import VAECodec, kl_standard_normal
from semcom_core.domains import DOMAINS
from semcom_core.metrics import psnr
from semcom_core.training.air import random_reception
from semcom_core.training.augment import AUGMENT, plain
from semcom_core.training.baselines import LINKS
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled


class VAETask(Task):
    r"""``L = CE + lambda_rec · MSE + beta · KL``, KL in nats a real of the latent.

    Options:
        lambda_rec: weight of the mean squared error.
        beta: weight of the KL divergence to the standard normal prior.
        smoothing: label smoothing.
        validate_images: held-out images scored after an epoch.
    """

    divisible = True

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        lambda_rec: float,
        beta: float,
        smoothing: float = 0.0,
        validate_images: int = 2000,
    ) -> None:
        self.domain = DOMAINS[recipe.domain]
        self.lambda_rec, self.beta, self.smoothing = lambda_rec, beta, smoothing
        self.train = datasets.codec_share(recipe.domain)
        held_out = datasets.load(recipe.domain, "held_out")
        self.held_out = held_out.take(np.arange(min(validate_images, len(held_out))))
        self.network, self.arguments = "vae_codec", {"classes": len(self.domain.classes)}
        self.model = VAECodec(**self.arguments)

    def epoch_size(self, stage: Stage) -> int:
        return len(self.train) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        augment = AUGMENT[self.domain.name]
        for index in shuffled(len(self.train), stage.batch, rng):
            images = augment(self.train.images[index], stage.size, rng, min_scale=stage.min_scale)
            yield images.contiguous(memory_format=torch.channels_last), torch.from_numpy(self.train.labels[index])

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        mu, log_variance = self.model.posterior(images)
        draw = torch.randn(mu.shape, generator=generator, device=generator.device)
        z = mu + (0.5 * log_variance).exp() * draw
        received = random_reception(self.model.symbols(z), generator)
        decoded = self.model.decode(received.equalise(), received.effective()[1])
        ce = F.cross_entropy(decoded.logits, labels, label_smoothing=self.smoothing)
        mse = F.mse_loss(decoded.image, images)
        kl = kl_standard_normal(mu, log_variance).mean()
        return {"loss": ce + self.lambda_rec * mse + self.beta * kl, "ce": ce, "mse": mse, "kl": kl}

    @torch.inference_mode()
    def validate(self, model: VAECodec, stage: Stage) -> dict[str, float]:
        """Accuracy over each of :data:`LINKS` and PSNR at AWGN 10 dB; the score counts both."""
        device = next(model.parameters()).device
        right: dict[str, list[np.ndarray]] = {}
        quality = []
        for start in range(0, len(self.held_out), 250):
            chunk = self.held_out.take(np.arange(start, min(start + 250, len(self.held_out))))
            images = plain(self.domain.name, chunk.images, model.size).to(device, memory_format=torch.channels_last)
            x = model.encode(images)
            for channel, snr_db in LINKS:
                received = propagate(CHANNELS[channel], x, snr_db, torch.Generator(device).manual_seed(start))
                decoded = model.decode(received.equalise(), received.effective()[1])
                answers = decoded.logits.argmax(1).cpu().numpy() == chunk.labels
                right.setdefault(f"{channel}_{snr_db:g}", []).append(answers)
                if (channel, snr_db) == ("awgn", 10.0):
                    quality.append(psnr(decoded.image, images).cpu())
        figures = {name: float(np.concatenate(one).mean()) for name, one in right.items()}
        mean_psnr = float(torch.cat(quality).mean())
        accuracy = sum(figures.values()) / len(figures)
        return {"score": accuracy + 0.005 * mean_psnr, **figures, "psnr": mean_psnr}
