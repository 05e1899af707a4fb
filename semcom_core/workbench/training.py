r"""Live training of a small link and of its attacker, step by step, so that a page can draw it as it happens.

::

    I ─ encoder ─ s ─ + sigma·e ─ x ─┬─ Bob's random channel ─ MMSE ─ ŝ ─ class reader, picture decoder
                                     └─ Eve's random channel ─ MMSE ─ attacker (x detached, own optimiser)

``L = CE(logits/T) + lambda_rec·MSE + lambda_cem·L_C + beta·mean ŵ·KL``; the last two come in with the
second epoch, since they rest on what the first one learned (clusters of features; the auxiliary
model and its prototypes).
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.attacks.base import undo
from semcom_core.bandwidth import first_symbols
from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.codecs.ibal import unpack_reals
from semcom_core.codecs.small import SmallCodec, SmallEncoder
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.networks.small import SmallInversion
from semcom_core.training.air import random_reception
from semcom_core.training.augment import digits
from semcom_core.training.clusters import Clusters
from semcom_core.training.prototypes import Prototypes, prototypes, single_step, weighted_kl
from semcom_core.training.trainer import learning_rate, shuffled
from semcom_core.workbench.measure import Figures, Small, measure
from semcom_core.workbench.pictures import Pictures
from semcom_core.workbench.settings import MIXED, WorkbenchSettings

CLASSES = 10
CLUSTERS, CEM_TAU = 5, 0.125
"""CEM's: clusters a class, and variance floor in units of sigma² (the authors' values)."""
ATTACK_PICTURE = 4.0
"""Weight of the attacker's picture beside its class, as cross entropies."""
SNAPSHOTS = 30
"""Snapshots of a run, about."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Where a run is.

    Attributes:
        step, steps: optimiser steps done, and of the whole run.
        images: training pictures seen so far.
        seconds: of training so far, measuring not counted.
        losses: means of the loss's terms since the last snapshot; empty at the start.
        figures: on held-out pictures.
    """

    step: int
    steps: int
    images: int
    seconds: float
    losses: dict[str, float]
    figures: Figures


@dataclass(eq=False)
class Training:
    """One run. :meth:`steps` may be left at any step: codec and attacker are then what was reached.

    Two runs of equal settings and pictures are equal step by step, whatever else the process does:
    weights, order and noise come from generators of the run's own.

    Args:
        settings: the hyper-parameters.
        pictures: as many training pictures as the settings say, or fewer.
    """

    settings: WorkbenchSettings
    pictures: Pictures
    codec: SmallCodec = field(init=False)
    attacker: SmallInversion = field(init=False)
    step: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        seed = self.settings.seed
        self._weights, self._air = (torch.Generator().manual_seed(2 * seed + one) for one in range(2))
        self.codec = initialise(SmallCodec(self.settings.symbols, CLASSES, int(self.settings.draws)), self._weights)
        self.attacker = initialise(SmallInversion(self.settings.symbols, CLASSES), self._weights)
        self._noise = AdditiveNoise(self.settings.sigma)

    def small(self) -> Small:
        """The link as it is now, for use: copies in evaluation mode that further training does not touch."""
        parts = (copy.deepcopy(part).eval().requires_grad_(False) for part in (self.codec, self.attacker))
        return Small(*parts, self.settings.sigma)

    def run(self) -> Iterator[Snapshot]:
        """Train, with a snapshot before the first step, some thirty on the way, and one after the last."""
        return (found for found in self.steps() if found is not None)

    def look(self) -> Snapshot:
        """A snapshot of what was reached, for a run that was left between two."""
        return self._snapshot([])

    def steps(self) -> Iterator[Snapshot | None]:
        """Train as :meth:`run` does, step by step: ``None`` after a step that no snapshot follows."""
        settings, images, labels = self.settings, self.pictures.images, self.pictures.labels
        self._prepare()
        rows: list[dict[str, float]] = []
        try:
            yield self._snapshot(rows)
            for epoch in range(settings.epochs):
                rng = np.random.default_rng((settings.seed, epoch))
                if epoch:
                    self._start_of_later_epoch(rng)
                for index in shuffled(len(images), settings.batch, rng):
                    started = time.perf_counter()
                    rows.append(self._train(self._warped(images[index], rng), labels[index]))
                    self.step += 1
                    self.seconds += time.perf_counter() - started
                    if self.step % stride(settings) == 0 or self.step == settings.steps:
                        yield self._snapshot(rows)
                        rows = []
                    else:
                        yield None
        finally:  # also where a visitor cancelled: only the link and its attacker are kept
            self._release()

    def _prepare(self) -> None:
        settings = self.settings
        self._optimisers = [
            torch.optim.AdamW(part.parameters(), lr=settings.lr, weight_decay=0.01)
            for part in (self.codec, self.attacker)
        ]
        self._clusters = Clusters(CLASSES, CLUSTERS, 2 * settings.symbols) if settings.lambda_cem else None
        self._auxiliary: nn.Module | None = None
        self._prototypes: Prototypes | None = None
        if settings.beta:
            self._auxiliary = initialise(
                nn.Sequential(SmallEncoder(64), nn.ReLU(), nn.Linear(64, CLASSES)), self._weights
            )
            self._optimisers.append(torch.optim.AdamW(self._auxiliary.parameters(), lr=settings.lr, weight_decay=0.01))

    def _release(self) -> None:
        """Give back what only training needs: three times the memory of the networks."""
        for part in (self.codec, self.attacker):
            for parameter in part.parameters():
                parameter.grad = None
        self._optimisers, self._clusters, self._auxiliary, self._prototypes = [], None, None, None

    @torch.no_grad()
    def _start_of_later_epoch(self, rng: np.random.Generator) -> None:
        """Clusters anew, and prototypes once, from what the epoch before has learned."""
        images, labels = self.pictures.images, self.pictures.labels
        if self._clusters is not None:
            self._clusters.refresh(_in_parts(self._features, images), labels, rng)
        if self._auxiliary is not None and self._prototypes is None:
            self._auxiliary.requires_grad_(False)
            self._prototypes = prototypes(_in_parts(self._auxiliary, images), labels)

    def _warped(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        if not self.settings.warp:
            return images
        grey = (images[:, 0] * 255.0).round().byte().numpy()
        return digits(grey, images.shape[-1], rng, self.settings.warp).clamp(0.0, 1.0)

    def _features(self, images: Tensor) -> Tensor:
        """Noise-free real features (B,2n) of unit power."""
        return unpack_reals(self.codec.encode(images))

    def _train(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """One step of the link, and one of the attacker on what the link sent."""
        settings = self.settings
        rate = learning_rate(self.step / settings.steps, settings.lr)
        for optimiser in self._optimisers:
            optimiser.param_groups[0]["lr"] = rate
        s = self.codec.encode(images)
        x = self._noise.protect(s, (), self._air)
        uses = self._uses()
        decoded = self.codec.decode(*self._hear(x, uses))
        ce = F.cross_entropy(decoded.logits / settings.temperature, labels)
        terms, loss = {"ce": ce}, ce
        if decoded.image is not None:
            terms["mse"] = F.mse_loss(decoded.image, images)
            loss = loss + settings.lambda_rec * terms["mse"]
        if self._clusters is not None and self._clusters.ready:
            floor = CEM_TAU * settings.sigma**2
            terms["cem"], _ = self._clusters.loss(unpack_reals(s), labels, floor, len(self.pictures.labels))
            loss = loss + settings.lambda_cem * terms["cem"]
        if self._prototypes is not None:
            terms["kl"] = self._robustness(images, labels, decoded.logits, uses)
            loss = loss + settings.beta * terms["kl"]
        self._descend(0, loss)
        if self._auxiliary is not None and self._prototypes is None:
            self._descend(2, F.cross_entropy(self._auxiliary(images), labels))

        read, seen = self.attacker(*self._hear(x.detach(), uses))
        terms["attack_mse"] = F.mse_loss(seen.detach(), images)
        # Cross entropy a pixel: its optimum, too, is the mean of all pictures that fit, and it gets there faster.
        painted = F.binary_cross_entropy(seen, images)
        self._descend(1, F.cross_entropy(read, labels) + ATTACK_PICTURE * painted)
        return {name: float(term.detach()) for name, term in terms.items()} | {"loss": float(loss.detach())}

    def _descend(self, number: int, loss: Tensor) -> None:
        optimiser = self._optimisers[number]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def _uses(self) -> int:
        """Symbols of this batch's messages: all, or a random number of the first ones."""
        n = self.settings.symbols
        return n if not self.settings.nested else int(torch.randint(1, n + 1, (), generator=self._air))

    def _hear(self, x: Tensor, uses: int) -> tuple[Tensor, Tensor]:
        """What one antenna makes of a message: MMSE estimates of all n symbols (B,n) and their noise (B,)."""
        received = first_symbols(self._reception(x[:, :uses]), x.shape[1])
        return undo(received.equalise(), (self._noise,), ((),), received.effective()[1])

    def _reception(self, x: Tensor) -> Received:
        settings = self.settings
        snr_db = torch.empty(len(x), 1).uniform_(settings.snr_low, settings.snr_high, generator=self._air)
        if settings.channel == MIXED:
            return random_reception(x, self._air, snr_db)
        return propagate(CHANNELS[settings.channel], x, snr_db, self._air)

    def _robustness(self, images: Tensor, labels: Tensor, natural: Tensor, uses: int) -> Tensor:
        """RepObE's weighted KL; the attack's channel draw is not the one that its success is scored on."""

        def classify(pictures: Tensor) -> Tensor:
            x = self._noise.protect(self.codec.encode(pictures), (), self._air)
            return self.codec.classify(*self._hear(x, uses))

        attacked = single_step(classify, images, labels, self.settings.epsilon, self._air)
        with torch.no_grad():
            weights = self._prototypes.weights(self._auxiliary(attacked), labels, self.settings.tau)
        return weighted_kl(natural, classify(attacked), weights)

    def _snapshot(self, rows: list[dict[str, float]]) -> Snapshot:
        names = dict.fromkeys(name for row in rows for name in row)
        losses = {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}
        small = Small(self.codec, self.attacker, self.settings.sigma)
        figures = measure(small, self.pictures.held_out, self.pictures.held_out_labels)
        seen = self.step * self.settings.batch
        return Snapshot(self.step, self.settings.steps, seen, self.seconds, losses, figures)


def stride(settings: WorkbenchSettings) -> int:
    """Steps between two snapshots."""
    return max(1, settings.steps // SNAPSHOTS)


def snapshots(settings: WorkbenchSettings) -> int:
    """How many snapshots a whole run gives."""
    return 1 + -(-settings.steps // stride(settings))


def initialise(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """PyTorch's own initial law of dense and convolutional layers, drawn from a generator of the caller's."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5.0), generator=generator)
            fan_in, _ = nn.init._calculate_fan_in_and_fan_out(part.weight)
            nn.init.uniform_(part.bias, -1.0 / math.sqrt(fan_in), 1.0 / math.sqrt(fan_in), generator=generator)
    return module


def _in_parts(work: nn.Module | object, images: Tensor, size: int = 500) -> Tensor:
    return torch.cat([work(part) for part in images.split(size)])
