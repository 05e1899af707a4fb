"""Adversarial representation learning: an inner attacker, and the price of letting it see (CEM's ``gan_adv``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.metrics import ssim


class InnerAttacker:
    r"""One step against the sender for each batch, and the sender's penalty for its success.

    ::

        noisy z' ─ decoder ─ Î      decoder:  min −SSIM(Î, I)       (own Adam, one step a batch)
                                    sender:   + strength·max(0, SSIM(Î, I) − 0.5)

    The authors train the decoder for 30 epochs on MSE first; here it is the first epoch, in which
    the sender pays nothing. Their decoder is convolutional; ours also has a fully connected middle.

    Args:
        decoder: features (B,4,28,28) to native pictures (B,C,n,n); trained here only. Keep it where
            its weights are saved with the run; Adam's moments are not, so a resumed run has fresh ones.
        strength: alpha2; the authors use 0.3 to 1.
        threshold: SSIM that costs nothing (0.5 for CIFAR-10).
    """

    def __init__(self, decoder: nn.Module, strength: float, threshold: float = 0.5, lr: float = 1e-3) -> None:
        self.decoder = decoder
        self.strength, self.threshold = strength, threshold
        self.optimiser = torch.optim.Adam(decoder.parameters(), lr=lr)
        decoder.requires_grad_(False)

    def step(self, z: Tensor, images: Tensor, warm_up: bool) -> None:
        """Train the decoder on noisy features (B,4,28,28) and native pictures (B,C,n,n)."""
        self.decoder.requires_grad_(True)
        rebuilt = self.decoder(z.detach()).float()
        loss = F.mse_loss(rebuilt, images) if warm_up else -ssim(rebuilt, images).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.decoder.requires_grad_(False)

    def penalty(self, z: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """The sender's penalty (a scalar with a gradient to ``z``) and the mean SSIM of this batch."""
        with frozen_statistics(self.decoder):
            success = ssim(self.decoder(z).float(), images).mean()
        return self.strength * torch.relu(success - self.threshold), success


@contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Batch norms use a batch's own statistics but do not remember them."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
