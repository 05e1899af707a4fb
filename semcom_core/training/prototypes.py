"""The parts of RepObE's adversarial loss: class prototypes and their weights, weighted KL, contrast (eqs 13–21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.manipulation.base import FunctionVictim, Linf, divergence
from semcom_core.manipulation.gradient import PGD

SINGLE_STEP = 1.25
"""Length of a single step in radii, after a random start (Wong, Rice, Kolter, ICLR 2020)."""


@dataclass(frozen=True)
class Prototypes:
    """Where natural samples of each class lie in the space of logits.

    Attributes:
        p: (K,K), row y the mean logits of class y, eq. (19).
        spread: median squared distance of the natural samples to their own prototype.
    """

    p: Tensor
    spread: float

    def weights(self, adversarial: Tensor, labels: Tensor, tau: float = 1.0) -> Tensor:
        r"""Weights (B,) of adversarial samples with logits (B,K); their mean is 1; no gradient.

        ``w = 1 − exp(−‖M(I_adv) − p_y‖²/τ)`` (20), ``ŵ = N·w/Σw`` (21) with N the batch. The
        paper's text once says the weight falls with the distance; its formula rises, and is used.

        Args:
            tau: τ in units of ``spread``. The paper gives none; with 1 half of the natural samples
                weigh less than ``1 − 1/e`` before normalisation, whatever the logits' scale is.
        """
        with torch.no_grad():
            distance = (adversarial - self.p.to(adversarial)[labels]).square().sum(1)
            w = -torch.expm1(-distance / (tau * self.spread))
            return len(w) * w / w.sum().clamp_min(1e-12)


def prototypes(logits: Tensor, labels: Tensor) -> Prototypes:
    """From an auxiliary model's logits (N,K) on natural samples (18) and their labels (N,).

    Raises:
        ValueError: a class has no sample.
    """
    one_hot = F.one_hot(labels, logits.shape[1]).to(logits)
    counts = one_hot.sum(0)
    if (counts == 0).any():
        raise ValueError("A class without a sample has no prototype; more images are needed.")
    p = one_hot.T @ logits / counts[:, None]
    return Prototypes(p, float((logits - p[labels]).square().sum(1).median()))


def weighted_kl(natural: Tensor, adversarial: Tensor, weights: Tensor | None = None) -> Tensor:
    """``1/N Σ ŵ·KL(M(I_nat) ‖ M(I_adv))``, the last term of (16), from logits (B,K); gradients through both."""
    kl = divergence(natural.softmax(1))(adversarial)
    return kl.mean() if weights is None else (weights * kl).mean()


def info_nce(adversarial: Tensor, natural: Tensor, temperature: float, labels: Tensor | None = None) -> Tensor:
    r"""Contrastive term (13): each adversarial embedding shall find its own natural one in the batch.

    ``−log exp(sim(z_adv,z_nat)/λ) / Σ_i exp(sim(z_adv,z_i)/λ)``, cosine similarity; ``z_i`` are the
    natural embeddings of the batch, the own one included (the paper does not say).

    Args:
        adversarial, natural: embeddings (B,d), rows in the same order.
        temperature: λ.
        labels: (B,); other pictures of the same class are then left out of the sum. The paper's
            "different samples" would also push apart what the classifier shall put together.
    """
    similarity = F.normalize(adversarial, dim=1) @ F.normalize(natural, dim=1).T
    own = torch.arange(len(natural), device=natural.device)
    if labels is not None:
        similar = (labels[:, None] == labels) & (own[:, None] != own)
        similarity = similarity.masked_fill(similar, -torch.inf)
    return F.cross_entropy(similarity / temperature, own)


def single_step(
    classify: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, eps: float, generator: torch.Generator
) -> Tensor:
    """The cheapest perturbation to train on: one step of :data:`SINGLE_STEP` radii from a random start."""
    victim = FunctionVictim(classify, images, Linf(eps))
    return PGD(steps=1, share=SINGLE_STEP).run(victim, labels, generator)
