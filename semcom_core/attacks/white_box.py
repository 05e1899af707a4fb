r"""White-box inversion: find the picture whose code is nearest to what was heard.

::

    min over x in [0,1]:   ‖protect(encode(enlarge(x))) − ŝ(1+v)‖² / (n·(v+v₀))  +  weight · TV(x)

by Adam, with the known encoder (He et al., ACSAC 2019; CEM's code uses 50 steps with an L1 norm and
no prior). ``v`` is the noise in what was heard, so the prior counts for more where it is noisier.
Nothing is trained. Unkeyed plug-ins are applied without noise where they cannot be undone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.attacks.base import ThreatModel
from semcom_core.attacks.inversion import heard, sealed
from semcom_core.channels import Received
from semcom_core.codecs.base import Codec
from semcom_core.codecs.necst import NECSTCodec
from semcom_core.defenses.base import PlugIn
from semcom_core.domains import Domain

THREAT = ThreatModel(encoder=True, algorithm=True)
FLOOR = 0.02
"""v₀: the code of the best picture never fits exactly; also where the weight of the prior stops falling."""
WEIGHTS = {"digits": 8.0, "objects": 12.0, "photographs": 40.0}
"""Weight of the total variation a domain; tried on a few held-out pictures at AWGN 10 dB."""
STEPS = {"digits": 50, "objects": 120, "photographs": 45}
"""Steps until the error stopped falling there: with more the search fits the noise."""
SIDES = {"photographs": 56}
"""Sides of the pictures that are searched for, where they are smaller than native: fewer unknowns than
symbols, so that the code cannot be met by a pattern that no eye would take for the picture."""
RATE = 0.08
"""Adam's first step size, in units of full brightness; it falls to a tenth along half a cosine."""
GREY = 0.3
"""Where the search begins."""


@dataclass(frozen=True)
class Attempt:
    """Where the search stands.

    Attributes:
        step: steps done.
        picture: (B,C,n,n) in [0,1], native size.
        distance: mean squared distance of the codes, relative to unit signal power, (B,).
    """

    step: int
    picture: Tensor
    distance: Tensor


def total_variation(picture: Tensor) -> Tensor:
    """Mean length of the grey-level gradient of each picture, (B,C,H,W) -> (B,); isotropic."""
    across = picture[..., :-1, 1:] - picture[..., :-1, :-1]
    down = picture[..., 1:, :-1] - picture[..., :-1, :-1]
    return (across.square() + down.square() + 1e-6).sqrt().mean((1, 2, 3))


def search(
    encode: Callable[[Tensor], Tensor],
    target: Tensor,
    noise: Tensor,
    start: Tensor,
    weight: float,
    steps: int,
    rate: float = RATE,
) -> Iterator[Attempt]:
    """Adam on pixels, clipped to [0,1]; yields the start and then after each step.

    Args:
        encode: native pictures (B,C,n,n) to the complex symbols (B,n) that they would give,
            differentiably.
        target: unbiased estimate (B,n) of those symbols.
        noise: its relative noise variance (B,).
        start: (B,C,n,n), where to begin.

    Raises:
        ValueError: nothing can be learned from gradients, because a step of the encoder has none.
    """
    with torch.inference_mode(False):
        picture = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([picture], lr=rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1), rate / 10.0)
    for step in range(steps + 1):
        with torch.inference_mode(False), torch.enable_grad():
            code = encode(picture)
            if not code.requires_grad:
                raise ValueError("This encoder gives no gradients; white-box inversion cannot search.")
            distance = (code - target).abs().square().mean(1)
            loss = (distance / (noise + FLOOR)).sum() + weight * total_variation(picture).sum()
        yield Attempt(step, picture.detach().clone(), distance.detach())
        if step == steps:
            return
        with torch.inference_mode(False):
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            with torch.no_grad():
                picture.clamp_(0.0, 1.0)


def code_of(codec: Codec, image: Tensor) -> Tensor:
    """What the codec sends, with gradients; through hard bits they pass straight (Bengio et al., 2013)."""
    if not isinstance(codec, NECSTCodec):
        return codec.encode(image)
    logits = codec.encoder(image)
    soft = (1.0 - 2.0 * logits.sigmoid()) / math.sqrt(2.0)
    hard = torch.where(logits > 0, -1.0, 1.0) / math.sqrt(2.0)
    return torch.complex(*(soft + (hard - soft).detach()).chunk(2, dim=1))


def white_box(
    codec: Codec,
    domain: Domain,
    received: Received,
    chain: Sequence[PlugIn] = (),
    steps: int | None = None,
    start: Tensor | None = None,
    weight: float | None = None,
    rate: float = RATE,
    side: int | None = None,
) -> Iterator[Attempt]:
    """Search for the pictures behind received messages.

    Args:
        chain: the plug-ins in sending order; none may need a key.
        steps: the domain's if ``None``.
        start: native pictures (B,C,n,n) to begin with, e.g. another attack's; grey if ``None``.
        weight: of the total variation; the domain's if ``None``.
        rate: Adam's first step size.
        side: pixels a side that are searched for; the domain's if ``None``.

    Raises:
        ValueError: a plug-in needs a key, or the encoder gives no gradients.
    """
    if any(plug_in.keyed for plug_in in chain):
        raise ValueError("White-box inversion needs a link without a key.")
    with torch.inference_mode(False), torch.no_grad():
        symbols, noise = (one.clone() for one in heard(received, chain))
        target = symbols * (1.0 + noise)[:, None]
        side = side or SIDES.get(domain.name, domain.native_size)
        if start is None:
            start = torch.full((len(target), domain.channels, side, side), GREY)
        elif start.shape[-1] != side:
            start = F.interpolate(start, (side, side), mode="area")

    def encode(small: Tensor) -> Tensor:
        image = domain.enlarge(small, codec.size).contiguous(memory_format=torch.channels_last)
        code = code_of(codec, image)
        for plug_in in sealed(chain):
            code = plug_in.protect(code, [None] * len(code), torch.Generator().manual_seed(0))
        return code

    weight = WEIGHTS[domain.name] if weight is None else weight
    steps = STEPS[domain.name] if steps is None else steps
    for attempt in search(encode, target, noise, start, weight, steps, rate):
        yield replace(attempt, picture=domain.enlarge(attempt.picture, domain.native_size))
