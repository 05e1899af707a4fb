"""Task ``necst``: bits through a channel that flips them, with or without randomised response."""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.codecs.base import Codec
from semcom_core.codecs.necst import NECSTCodec, bit_error_rate, trust
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.randomised_response import RandomisedResponse
from semcom_core.training.air import random_reception
from semcom_core.training.baselines import BaselineTask
from semcom_core.training.recipe import Recipe, Stage


def compose(p: Tensor | float, q: Tensor | float) -> Tensor | float:
    """Flip probability of two binary symmetric channels in a row, ``p + q − 2pq``."""
    return p + q - 2 * p * q


def vimco(log_f: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    r"""VIMCO (Mnih and Rezende, ICML 2016): gradient of ``E log 1/K Σ_k f(y_k)``, ``y_k ~ q``.

    Each sample's signal is ``L̂ − L̂₋ₖ``, where ``L̂₋ₖ`` puts the geometric mean of the others' f in
    the place of its own: a baseline that does not depend on sample k, so the estimate is unbiased.

    Args:
        log_f: (K,B), with a gradient to whatever makes f; K ≥ 2.
        log_q: (K,B), log-probability of each sample, with a gradient to the encoder.

    Returns:
        A surrogate (B,) whose *gradient* is the estimate, and the bound ``L̂`` (B,), detached.
    """
    K = len(log_f)
    bound = log_f.logsumexp(0) - math.log(K)
    with torch.no_grad():
        others = (log_f.sum(0) - log_f) / (K - 1)
        replaced = log_f.expand(K, *log_f.shape).clone()  # [k, j]: sample j's, but j = k has the others' mean
        replaced.diagonal(dim1=0, dim2=1).copy_(others.T)
        signal = bound - (replaced.logsumexp(1) - math.log(K))
    return bound + (signal * log_q).sum(0), bound.detach()


class NECSTTask(BaselineTask):
    r"""Likelihood of picture and class, given bits that the channel has flipped.

    The flips (channel and randomised response) are folded into the encoder's law:
    ``ŷ ~ Bernoulli(s − 2sε + ε)``, ``s = σ(f(x))``. The picture's likelihood is Gaussian with variance
    ``1/(2·sharpness)`` a pixel, the class's is the softmax.

    ``samples`` ≥ 2 takes VIMCO, as the paper does. With ``samples = 1`` the gradient goes straight
    through the sampled bit (Bengio, Léonard and Courville, 2013), ``ŷ + q − sg(q)``: biased, but
    3,136 bits each matter little, so that the decoder is nearly linear in each of them, and the
    bias is small where VIMCO's variance grows with the number of bits.

    Options:
        samples: K.
        epsilon: budget of each bit for randomised response; infinite for plain NECST.
        lambda_class: weight of the class's log-likelihood.
        sharpness: weight of the squared error, summed over the pixels.
        warp, validate_images: see :class:`BaselineTask`.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        samples: int,
        epsilon: float = math.inf,
        lambda_class: float = 1.0,
        sharpness: float = 1.0,
        warp: float = 0.0,
        validate_images: int = 6000,
    ) -> None:
        super().__init__(recipe, warp, validate_images)
        if samples < 1:
            raise TypeError(f"samples must be at least 1, not {samples}")
        self.samples, self.lambda_class, self.sharpness = samples, lambda_class, sharpness
        self.response = RandomisedResponse(epsilon)
        self.network, self.arguments = "necst_codec", {"classes": 10}
        self.model = NECSTCodec(**self.arguments)

    def chain(self, codec: Codec) -> tuple[PlugIn, ...]:
        return () if math.isinf(self.response.epsilon) else (self.response,)

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        silence = torch.zeros(len(images), 1, dtype=torch.complex64, device=generator.device)
        noise = random_reception(silence, generator).effective()[1]  # of each picture's channel; its law is all we need
        flip = compose(self.response.flip, bit_error_rate(noise))[:, None]
        believed = trust(self.response.noise_after(noise))

        s = self.model.encoder(images).float().sigmoid()
        q = compose(s, flip).clamp(1e-6, 1 - 1e-6).repeat(self.samples, 1)
        bits = (torch.rand(q.shape, generator=generator, device=q.device) < q).float()
        if self.samples == 1:
            bits = bits + q - q.detach()
        y = (1.0 - 2.0 * bits) * believed.repeat(self.samples, 1)
        rebuilt, logits = self.model.decoder(y)
        error = (rebuilt.float() - images.repeat(self.samples, 1, 1, 1)).square().flatten(1).sum(1)
        ce = F.cross_entropy(logits.float(), labels.repeat(self.samples), reduction="none")
        log_f = (-self.sharpness * error - self.lambda_class * ce).view(self.samples, -1)

        if self.samples == 1:
            objective = log_f[0]
        else:
            log_q = (bits * q.log() + (1 - bits) * (1 - q).log()).sum(1).view(self.samples, -1)
            objective, _ = vimco(log_f, log_q)
        certainty = (s - 0.5).abs().mean() * 2  # 1: every bit is decided
        return {"loss": -objective.mean(), "ce": ce.mean(), "mse": error.mean() / 784, "certainty": certainty}
