r"""Reconstruction with a diffusion prior: what was heard, denoised as features, then the public receiver.

::

    ŝ = (s+e)/(1+v) ─ ·√(1+v) ─ state at abar = 1/(1+v) ─ DDIM, feature denoiser ─ z0 ─ decoders ─ class, picture

The denoiser knows what features look like, so it is a prior on what was sent. It uses nothing
secret: an attacker at the receiver's place gains whatever a receiver gains.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel
from semcom_core.attacks.inversion import heard
from semcom_core.channels import Received
from semcom_core.codecs.repobe import pack, unpack
from semcom_core.defenses.diffsem import denoise

STEPS = 10


class DiffusionPrior(Eavesdropper):
    """Denoises what it heard and uses the public receiver; against features that no key has mixed.

    Args:
        networks: :class:`~semcom_core.networks.denoiser.DiffSemNetworks`, trained on plain features.
        steps: DDIM steps.
    """

    name: ClassVar[str] = "diffusion_prior"
    threat: ClassVar[ThreatModel] = ThreatModel(
        encoder=True, algorithm=True, training="a denoiser of plain features, on pictures of its own kind"
    )

    def __init__(self, networks: nn.Module, steps: int = STEPS) -> None:
        self.networks, self.steps = networks, steps

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        symbols, noise = heard(received, knowledge.chain)
        z = unpack(symbols).contiguous(memory_format=torch.channels_last)
        z0 = denoise(self.networks, z, noise, self.steps, None)
        decoded = knowledge.codec.decode(pack(z0), torch.zeros_like(noise))  # no noise that it could name
        return Loot(decoded.image, decoded.logits)
