"""Task ``ibal``: information bottleneck and adversarial learning, in alternating steps."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.channels import noise_variance
from semcom_core.codecs.base import Codec
from semcom_core.codecs.ibal import DEVIATION, IBALCodec, kl_log_uniform, pack_reals, unpack_reals
from semcom_core.defenses.base import PlugIn
from semcom_core.training.air import random_reception, random_snr
from semcom_core.training.baselines import BaselineTask, Contest, DenseAttacker, train_attacker
from semcom_core.training.recipe import Recipe, Stage


class IBALTask(BaselineTask):
    r"""``L = CE + β(t)·(0.1/σ)·KL − MSE_adversary/(1+σ)``, after the adversary's own steps on its MSE.

    As in the authors' code: σ is the deviation of the noise on each real entry, known to the
    sender as the mean of the channel, β rises from 0 while the first ``anneal`` share of the
    training passes (theirs: off for 5 of 200 epochs, full from the 15th), and squared errors are
    of normalised pixels. Different: each picture has its own channel (0…25 dB, half of them
    fading) where the authors train one model an SNR; the adversary has two hidden layers and a
    sigmoid, for theirs, linear with a tanh, cannot give the brighter half of the pixel values,
    and it takes ``attacker_steps`` steps for each of ours; and the sender's gain stops where the
    adversary is as bad as the mean picture, for what is beyond that only fools this one.

    Options:
        reals: length of the code.
        beta: weight of the bottleneck.
        anneal: batches over which β rises, after a third as many without it.
        adversary: weight of the adversarial term (1 in the authors' code).
        attacker_steps, attacker_lr: the adversary's steps a batch, and its learning rate.
        warp, validate_images: see :class:`BaselineTask`.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        reals: int,
        beta: float,
        anneal: int,
        adversary: float = 1.0,
        attacker_steps: int = 1,
        attacker_lr: float = 1e-3,
        warp: float = 0.0,
        validate_images: int = 6000,
    ) -> None:
        super().__init__(recipe, warp, validate_images)
        self.beta, self.anneal, self.adversary = beta, anneal, adversary
        self.attacker_steps = attacker_steps
        self.network, self.arguments = "ibal_codec", {"reals": reals, "classes": 10}
        self.model = Contest(IBALCodec(**self.arguments), DenseAttacker(reals))
        self.optimiser = torch.optim.Adam(self.model.attacker.parameters(), attacker_lr, weight_decay=1e-4, fused=True)
        pixels = self.train.images.astype("float32") / 255.0
        self.mean_picture = torch.from_numpy(pixels.mean(0))

    def codec(self, model: Contest) -> IBALCodec:
        return model.codec

    def chain(self, codec: Codec) -> tuple[PlugIn, ...]:
        return ()

    def annealed(self) -> float:
        """β after as many batches as the model has seen."""
        off = self.anneal // 3
        return self.beta * min(1.0, max(0.0, (int(self.model.batches) - off) / max(self.anneal, 1)))

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        images, labels = (part.to(generator.device) for part in batch)
        self.model.batches += 1
        z = self.model.codec.transmitter(images).float()
        symbols, snr_db = pack_reals(z), random_snr(len(images), generator)
        sigma = noise_variance(snr_db).sqrt()

        def inverted(s: Tensor) -> Tensor:
            """Squared error of the adversary on each picture, in units of normalised pixels, (B,)."""
            rebuilt, _ = self.model.attacker(unpack_reals(random_reception(s, generator, snr_db).equalise()))
            return (rebuilt - images).square().flatten(1).mean(1) / DEVIATION**2

        train_attacker(
            self.model.attacker, self.optimiser, lambda: inverted(symbols.detach()).mean(), self.attacker_steps
        )
        received = random_reception(symbols, generator, snr_db)
        logits = self.model.codec.decode(received.equalise(), received.effective()[1]).logits
        ce = F.cross_entropy(logits, labels)
        kl = (kl_log_uniform(z, sigma) * 0.1 / sigma[:, 0]).mean()
        error = inverted(symbols)
        chance = (images - self.mean_picture.to(images)).square().flatten(1).mean(1) / DEVIATION**2
        hidden = (torch.minimum(error, chance) / (1.0 + sigma[:, 0])).mean()
        loss = ce + self.annealed() * kl - self.adversary * hidden
        return {"loss": loss, "ce": ce, "kl": kl, "attacker_mse": error.mean() * DEVIATION**2}
