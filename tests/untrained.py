"""A link of untrained networks, for tests of everything that does not depend on what they learned."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from semcom_core.codecs.repobe import RepObECodec
from semcom_core.domains import DOMAINS
from semcom_core.link import LinkModels
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.denoiser import DiffSemNetworks
from semcom_core.networks.feature_prior import FeaturePrior
from semcom_core.networks.inversion_reader import MixerReader
from semcom_core.networks.judge import Judge
from semcom_core.networks.readers import CellSetReader, DenseReader, RowSetReader
from semcom_core.networks.ridge import RidgeInversion


def untrained() -> LinkModels:
    """Untrained networks with fixed weights: the path does not care what they have learned.

    Untrained features are nearly constant; they are centred here, as a trained encoder's are.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        codec, judge = RepObECodec(1), Judge(1, 28)
        attacks = nn.ModuleDict(
            {
                "naive": InversionDecoder(1, 28, depth=1),
                "learned": DenseReader(1, 28, width=16),
                "prior": FeaturePrior(),
                "adaptive": RowSetReader(1, 28),
                "adaptive_shuffling": CellSetReader(1, 28, width=16),
                "adaptive_rotation": DenseReader(1, 28, width=16),
                "ridge": RidgeInversion(1568, 8, 1, 28, 28, 10),
                "inversion": MixerReader(1, 28, width=16),
                "conv": InversionDecoder(1, 28, depth=1),
                "diffusion_prior": DiffSemNetworks(10),
            }
        )
    for module in (codec, judge, attacks):
        module.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    last = codec.encoder.refine[-1]
    last.bias -= codec.encoder(DOMAINS["digits"].enlarge(textured(4, seed=1))).mean((0, 2, 3))
    return LinkModels(DOMAINS["digits"], codec, judge, dict(attacks.items()))


def textured(count: int, seed: int = 0) -> Tensor:
    """Smooth random pictures (B,1,28,28) in [0,1]: no two cells of their features are equal."""
    noise = np.random.default_rng(seed).normal(size=(count, 1, 28, 28))
    smooth = gaussian_filter(noise, (0, 0, 1.5, 1.5))
    return torch.from_numpy((0.5 + smooth / 6 / smooth.std()).clip(0, 1)).float()


def leaves(value: Any) -> list[Any]:
    """All tensors, arrays, strings and numbers inside dataclasses, sequences and mappings."""
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]


def identical(one: Any, other: Any) -> bool:
    """Bit for bit the same."""
    pairs = list(zip(leaves(one), leaves(other), strict=True))
    return all(
        torch.equal(a, b) if isinstance(a, Tensor) else np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
        for a, b in pairs
    )


def fingerprint(models: LinkModels) -> str:
    sha = hashlib.sha256()
    for module in (models.codec, models.judge, *models.attacks.values()):
        assert not any(part.training for part in module.modules())
        for name, value in module.state_dict().items():
            sha.update(name.encode() + value.contiguous().numpy().tobytes())
    return sha.hexdigest()
