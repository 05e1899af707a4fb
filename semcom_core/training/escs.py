"""Task ``escs``: a codec and its neural encryption, trained against an eavesdropper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.codecs.base import Codec
from semcom_core.codecs.escs import KEY_BITS, REALS, ESCSCodec
from semcom_core.codecs.ibal import unpack_reals
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.escs import BitKey, NeuralEncryption
from semcom_core.training.air import random_reception
from semcom_core.training.baselines import BaselineTask, Contest, DenseAttacker, train_attacker
from semcom_core.training.recipe import Recipe, Stage


class ESCSTask(BaselineTask):
    r"""Alternating steps of the eavesdropper A and the legitimate side, in the manner of Abadi and Andersen.

    ``d = CE + lambda_rec·MSE``. A minimises ``d(A(E(z,k)), x)`` with the key fresh in every message;
    the legitimate side ``d(dec(D(E(z,k),k)), x) + d(dec(z), x) + w·((d₀ − d_A)₊/d₀)²``, where d₀ is the
    best that can be done without looking (uniform class, mean picture): to be worse than chance
    would tell A something again.

    Options:
        lambda_rec: weight of the mean squared error in d.
        weight: w.
        attacker_steps, attacker_lr: A's steps for each of ours, and its learning rate.
        warp, validate_images: see :class:`BaselineTask`.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        lambda_rec: float,
        weight: float,
        attacker_steps: int,
        attacker_lr: float = 1e-3,
        warp: float = 0.0,
        validate_images: int = 6000,
    ) -> None:
        super().__init__(recipe, warp, validate_images)
        self.lambda_rec, self.weight, self.attacker_steps = lambda_rec, weight, attacker_steps
        self.network, self.arguments = "escs_codec", {"classes": 10}
        self.model = Contest(ESCSCodec(**self.arguments), DenseAttacker(REALS))
        self.optimiser = torch.optim.Adam(self.model.attacker.parameters(), attacker_lr, fused=True)
        pixels = self.train.images.astype("float32") / 255.0
        self.chance = math.log(10) + lambda_rec * float(pixels.var(0).mean())

    def codec(self, model: Contest) -> ESCSCodec:
        return model.codec

    def chain(self, codec: ESCSCodec) -> tuple[PlugIn, ...]:
        return (NeuralEncryption(codec.encryptor, codec.decryptor),)

    def keys(self, plug_in: PlugIn, count: int, rng: np.random.Generator) -> Sequence[BitKey]:
        return [BitKey(rng.bytes(KEY_BITS // 8)) for _ in range(count)]

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        codec: Codec = self.model.codec

        def d(image: Tensor, logits: Tensor) -> Tensor:
            count = len(logits)  # of the unencrypted mode, half of the batch
            return F.cross_entropy(logits, labels[:count]) + self.lambda_rec * F.mse_loss(image, images[:count])

        def fresh_keys() -> Tensor:
            shape = (len(images), KEY_BITS)
            return 2.0 * torch.randint(2, shape, generator=generator, device=generator.device).float() - 1.0

        def overheard(x: Tensor) -> Tensor:
            return d(*self.model.attacker(unpack_reals(random_reception(x, generator).equalise())))

        def attack() -> Tensor:
            with torch.no_grad():
                x = codec.encryptor(s, fresh_keys())
            return overheard(x)

        s, k = codec.encode(images), fresh_keys()
        train_attacker(self.model.attacker, self.optimiser, attack, self.attacker_steps)
        x, half = codec.encryptor(s, k), len(s) // 2
        unencrypted = random_reception(s[:half], generator).equalise()
        decrypted = codec.decryptor(random_reception(x, generator).equalise(), k)
        image, logits = codec.decode(torch.cat([unencrypted, decrypted]))
        plain, encrypted = d(image[:half], logits[:half]), d(image[half:], logits[half:])
        attacker = overheard(x)
        known = ((self.chance - attacker) / self.chance).clamp_min(0.0).square()
        loss = plain + encrypted + self.weight * known
        return {"loss": loss, "plain": plain, "encrypted": encrypted, "attacker": attacker}
