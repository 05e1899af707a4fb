"""Task ``adversarial``: RepObE's adversarial training (eqs 13–21) and what it is compared with, on one budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core import datasets, weights
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.domains import DOMAINS, Domain
from semcom_core.manipulation.base import Linf, Manipulator, Region, Victim, probe
from semcom_core.manipulation.gradient import PGD, KLAscent
from semcom_core.manipulation.victims import EPS
from semcom_core.networks.power import normalise_power
from semcom_core.networks.robust_link import RobustLink
from semcom_core.training.augment import plain
from semcom_core.training.codec import at_fixed_snr, random_link
from semcom_core.training.prototypes import SINGLE_STEP, Prototypes, info_nce, prototypes, weighted_kl
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled

Method = Literal["natural", "at", "trades", "repobe"]
TRAINED_ON = {"natural": 1, "at": 1, "trades": 2, "repobe": 2}
"""Pictures that a training step of each method differentiates for each picture of its batch."""
PROTOTYPE_IMAGES = 500
CHECK_SNR_DB = 10.0
CHECK = PGD()
"""RepObE's attack, for validation."""


@dataclass(frozen=True, eq=False)
class TrainingVictim(Victim):
    """The link in training: any size of picture, and a random channel for each picture and draw.

    Attributes:
        size: side to which perturbed pictures are enlarged.
        snr_db: instead of a random channel, AWGN at this SNR.
    """

    model: RobustLink
    codec: RepObECodec
    domain: Domain
    origin: Tensor
    region: Region
    size: int
    snr_db: float | None = None

    def send(self, x: Tensor) -> Tensor:
        return features(self.model, self.domain.enlarge(x, self.size))

    def receive(self, sent: Tensor, generator: torch.Generator) -> Tensor:
        if self.snr_db is None:
            received = random_link(sent, generator)
        else:
            seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
            received = at_fixed_snr(sent, self.snr_db, seed)
        return self.model.tuning(self.codec.classifier, received.contiguous(memory_format=torch.channels_last))

    def take(self, index: Tensor) -> Victim:
        raise NotImplementedError("Training attacks whole batches.")


class AdversarialTask(Task):
    r"""Fine-tunes a base link on perturbed pictures.

    ::

        I_nat ─(+δ: attack, BN in evaluation mode)─ I_adv
        [I_nat; I_adv] ─ encoder ─ z ─ random channel (the same draw for both) ─ classifier ─ logits

    Methods:

    - ``natural``: CE on natural pictures; the control with as many gradient evaluations.
    - ``at``: CE on adversarial pictures (Madry et al., ICLR 2018; RepObE 15).
    - ``trades``: ``CE(nat) + beta_kl·KL(nat‖adv)``, perturbed along the KL (Zhang et al., ICML 2019).
    - ``repobe``: (16), ``L_contrast + CE(nat) + beta_kl/N·Σ ŵ·KL(nat‖adv)``, perturbed along the CE.
      Without contrast and weights it is TRADES' loss with that perturbation.

    Every method adds ``lambda_rec·MSE`` of the reconstructor on ``rec_share`` of the pictures that
    it sends (the natural ones, but for ``at``), as in :class:`~semcom_core.training.codec.CodecTask`.

    Choices where RepObE is silent or contradicts itself: (16) has CE on natural samples and counts,
    not (15). Its "ε" before the KL is a weight, not the radius; ``beta_kl`` is one of TRADES' own,
    1 and 6, whichever held-out pictures preferred (for TRADES on digits only 1, its authors', was
    tried). The contrasted ``z`` is the classifier's pooled 256-vector, its negatives are the other
    natural pictures of the batch (or those of other classes), λ = ``temperature``. The auxiliary
    model of (18), "trained first on natural samples", is the base link itself, at the size of the
    stage, through random channels. Weights carry no gradient. Natural and adversarial batch are one
    batch for the batch norms (Algorithm 1, line 5); the shared classifier blocks keep the base
    link's statistics.

    **Budget.** A gradient evaluation is one forward and backward pass of one picture. ``at`` with a
    k-step attack takes k+1 a picture, ``trades`` and ``repobe`` k+2, ``natural`` 1; an epoch of each
    stage ends after the same number of evaluations, so cheaper methods see more pictures. The
    column ``evaluations`` of the log is the number a picture; the column ``images`` counts pictures.

    Options:
        codec: weights to start from; their later classifier blocks are used as they are.
        method: see above.
        evaluations: gradient evaluations of one epoch, one number a stage.
        attack_steps: steps of the attack, one number a stage. A single step is 1.25·eps long and
            starts at a random place; more are RepObE's (a fifth of eps each).
        eps: radius.
        placement: where the perturbation is: ``"native"`` (before enlargement) or ``"enlarged"``.
        beta_kl, temperature: weight of the KL, λ of (13).
        contrastive, prototype_weights: whether RepObE's two terms are on.
        same_class_negatives: whether (13) also parts a picture from others of its class.
        blocks: how many of the classifier's blocks are trained.
        shift, flip: random change of the pictures: pixels at native size, and mirroring.
        lambda_rec, rec_share: reconstruction.
        validate_images: held-out images that are attacked for validation.
    """

    network = "robust_link"

    def __init__(
        self,
        recipe: Recipe,
        runs: Path,
        codec: str,
        method: Method,
        evaluations: list[int],
        attack_steps: list[int],
        eps: float = EPS,
        placement: Literal["native", "enlarged"] = "native",
        beta_kl: float = 6.0,
        temperature: float = 0.2,
        contrastive: bool = True,
        same_class_negatives: bool = True,
        prototype_weights: bool = True,
        blocks: int = 4,
        shift: int = 1,
        flip: bool = False,
        lambda_rec: float = 10.0,
        rec_share: float = 0.06,
        validate_images: int = 256,
    ) -> None:
        if not len(set(recipe.stages)) == len(evaluations) == len(attack_steps) == len(recipe.stages):
            raise TypeError("evaluations and attack_steps need one number a stage, and no two stages may be equal")
        if method not in TRAINED_ON or placement not in ("native", "enlarged"):
            raise TypeError(f"no method {method!r} or placement {placement!r}")
        self.method, self.placement, self.region = method, placement, Linf(eps)
        self.beta_kl, self.temperature = beta_kl, temperature
        self.contrastive, self.prototype_weights = contrastive, prototype_weights
        self.same_class_negatives = same_class_negatives
        self.shift, self.flip = shift, flip
        self.lambda_rec, self.rec_share = lambda_rec, rec_share
        self.budget = {
            stage: (count, steps) for stage, count, steps in zip(recipe.stages, evaluations, attack_steps, strict=True)
        }
        self.domain = DOMAINS[recipe.domain]
        self.codec: RepObECodec = weights.load(codec).module
        self.train = datasets.codec_share(recipe.domain)
        held_out = datasets.load(recipe.domain, "held_out")
        self.held_out = held_out.take(np.arange(min(validate_images, len(held_out))))
        self.arguments = {
            "image_channels": self.domain.channels, "classes": len(self.domain.classes), "blocks": blocks
        }  # fmt: skip
        self.model = RobustLink(**self.arguments).start_from(self.codec)
        self._by_size: dict[int, Prototypes] = {}
        total = sum(stage.epochs * self.budget[stage][0] for stage in recipe.stages)
        images = sum(stage.epochs * self.epoch_size(stage) for stage in recipe.stages)
        print(f"{recipe.key}: {method}, {total} gradient evaluations in all, on {images} pictures")

    def cost(self, stage: Stage) -> int:
        """Gradient evaluations a picture."""
        return (self.budget[stage][1] if self.method != "natural" else 0) + TRAINED_ON[self.method]

    def epoch_size(self, stage: Stage) -> int:
        return self.budget[stage][0] // self.cost(stage) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Native pictures and labels; epochs may be longer than the data set."""
        left = self.epoch_size(stage)
        while left > 0:
            for index in shuffled(len(self.train), stage.batch, rng):
                images = moved(self.train.images[index], rng, self.shift, self.flip)
                native = plain(self.domain.name, images, self.domain.native_size)
                yield native, torch.from_numpy(self.train.labels[index])
                left -= stage.batch
                if left <= 0:
                    return

    def loss(self, batch: tuple[Tensor, Tensor], stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        clean, labels = (part.to(generator.device) for part in batch)
        self.codec.to(clean.device)
        if self.placement == "enlarged":
            clean = self.domain.enlarge(clean, stage.size)
        if self.method == "natural":
            images = clean
        else:
            adversarial = self._perturb(clean, labels, stage, generator)
            images = adversarial if self.method == "at" else torch.cat([clean, adversarial])
        z = features(self.model, self.domain.enlarge(images, stage.size))
        received = same_draw(z, len(clean), generator).contiguous(memory_format=torch.channels_last)
        embedding = self.model.tuning.embed(self.codec.classifier, received)
        logits = self.model.tuning.fc(embedding).float()

        terms = {"ce": F.cross_entropy(logits[: len(clean)], labels)}
        if self.method in ("trades", "repobe"):
            natural, attacked = logits.chunk(2)
            weigh = self.method == "repobe" and self.prototype_weights
            w = self._prototypes(stage, generator).weights(attacked, labels) if weigh else None
            terms["kl"] = self.beta_kl * weighted_kl(natural, attacked, w)
        if self.method == "repobe" and self.contrastive:
            known = None if self.same_class_negatives else labels
            terms["contrast"] = info_nce(*reversed(embedding.float().chunk(2)), self.temperature, known)
        terms["rec"] = self.lambda_rec * self._reconstruction(received, images, clean, stage)
        count = torch.tensor(float(self.cost(stage)))
        return {"loss": torch.stack(list(terms.values())).sum()} | terms | {"evaluations": count}

    def _perturb(self, clean: Tensor, labels: Tensor, stage: Stage, generator: torch.Generator) -> Tensor:
        """Attack the current model; its batch norms are in evaluation mode meanwhile.

        TRADES' attack compares a perturbed picture with the natural one, so both go through one draw
        of the random channel: a natural picture lost in a deep fade would say nothing.
        """
        self.model.eval()
        victim = TrainingVictim(self.model, self.codec, self.domain, clean, self.region, stage.size)
        seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
        same = (lambda: torch.Generator(generator.device).manual_seed(seed)) if self.method == "trades" else None
        adversarial = attack(self.method, self.budget[stage][1]).run(victim, labels, generator, same)
        self.model.train()
        return adversarial

    def _reconstruction(self, received: Tensor, images: Tensor, clean: Tensor, stage: Stage) -> Tensor:
        share = max(2, round(self.rec_share * len(clean)))
        target = self.domain.enlarge(images[:share], stage.size)
        return F.mse_loss(self.model.reconstructor(received[:share]).float(), target)

    def _prototypes(self, stage: Stage, generator: torch.Generator) -> Prototypes:
        """Of the base link at the size of a stage, measured once."""
        if stage.size not in self._by_size:
            logits, labels = [], []
            index = np.linspace(0, len(self.train) - 1, min(PROTOTYPE_IMAGES, len(self.train))).astype(int)
            own = torch.Generator(generator.device).manual_seed(stage.size)
            with torch.no_grad():
                for chunk in np.array_split(index, -(-len(index) // 50)):
                    images = plain(self.domain.name, self.train.images[chunk], self.domain.native_size)
                    image = self.domain.enlarge(images, stage.size).to(generator.device)
                    z = random_link(self.codec.features(image.contiguous(memory_format=torch.channels_last)), own)
                    logits.append(self.codec.classifier(z.contiguous(memory_format=torch.channels_last)).float())
                    labels.append(torch.from_numpy(self.train.labels[chunk]).to(generator.device))
            self._by_size[stage.size] = prototypes(torch.cat(logits), torch.cat(labels))
        return self._by_size[stage.size]

    def validate(self, model: RobustLink, stage: Stage) -> dict[str, float]:
        """Natural accuracy and that under RepObE's PGD-5, at AWGN 10 dB; scored and attacking draws differ."""
        right: dict[str, list[Tensor]] = {"natural": [], "adversarial": []}
        device = next(model.parameters()).device
        self.codec.to(device)
        for start in range(0, len(self.held_out), 64):
            chunk = self.held_out.take(np.arange(start, min(start + 64, len(self.held_out))))
            clean = plain(self.domain.name, chunk.images, self.domain.native_size).to(device)
            labels = torch.from_numpy(chunk.labels).to(device)
            if self.placement == "enlarged":
                clean = self.domain.enlarge(clean, stage.size)
            victim = TrainingVictim(model, self.codec, self.domain, clean, self.region, stage.size, snr_db=CHECK_SNR_DB)
            attacked = CHECK.run(victim, labels, torch.Generator(device).manual_seed(start))
            for name, x in (("natural", clean), ("adversarial", attacked)):
                scored = torch.Generator(device).manual_seed(10_000 + start)
                right[name].append(probe(victim, x, lambda draw=scored: draw, 1)[0].argmax(1) == labels)
        figures = {name: float(torch.cat(rows).float().mean()) for name, rows in right.items()}
        return {"score": figures["adversarial"] + 0.01 * figures["natural"]} | figures


def attack(method: Method, steps: int) -> Manipulator:
    """The perturbation that a method trains on; a single step starts at a random place for all."""
    kind = KLAscent if method == "trades" else PGD
    if steps == 1:
        return kind(steps=1, share=SINGLE_STEP, start="uniform")
    return kind(steps=steps, share=CHECK.share)


def features(model: RobustLink, image: Tensor) -> Tensor:
    """Power-normalised features (B,4,h/8,w/8) of images (B,C,h,w), float32."""
    return normalise_power(model.encoder(image.contiguous(memory_format=torch.channels_last)).float())


def same_draw(z: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """Features of one or more batches through the same channel draws: a pair differs by its perturbation only."""
    state = generator.get_state()
    out = []
    for part in z.split(batch):
        generator.set_state(state)
        out.append(random_link(part, generator))
    return torch.cat(out)


def moved(images: np.ndarray, rng: np.random.Generator, shift: int, flip: bool) -> np.ndarray:
    """Pictures (B,n,n[,C]) moved by up to ``shift`` whole pixels, the border mirrored, and some of them flipped.

    Whole pixels, because a perturbation of the native picture needs a picture that is as sharp as
    those it will meet.
    """
    side = images.shape[1]
    edge = [(0, 0), (shift, shift), (shift, shift)] + [(0, 0)] * (images.ndim - 3)
    padded = np.pad(images, edge, mode="reflect")
    out = np.empty_like(images)
    for i, (top, left, turn) in enumerate(rng.integers((2 * shift + 1, 2 * shift + 1, 2), size=(len(images), 3))):
        window = padded[i, top : top + side, left : left + side]
        out[i] = window[:, ::-1] if flip and turn else window
    return out
