"""A network's own floor: its convolutions and matrix products alone, one after another, on tensors that are there.

What a network takes beyond it is what could be saved without other weights: activations, additions,
pooling, Python. Layers inside a fused kernel (attention) are not seen, so such a ratio is too high, not too low.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from semcom_core.networks.quick import Quick
from semcom_core.precision import autocast
from semcom_core.timing import Timing, timed

KERNELS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def calls(network: nn.Module, given: Tensor) -> list[tuple[nn.Module, Tensor]]:
    """Every convolution and matrix product of one forward pass with a copy of what it is given, in order."""
    seen: list[tuple[nn.Module, Tensor]] = []

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        seen.append((module, inputs[0].detach().clone(memory_format=torch.preserve_format)))

    hooks = [part.register_forward_hook(note) for part in network.modules() if isinstance(part, KERNELS)]
    try:
        network(given)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


@torch.inference_mode()
def floor(network: nn.Module, given: Tensor, runs: int) -> Timing:
    """Time those calls alone, in the precision that the network runs in."""
    kernels = calls(network, given)
    with autocast(given.device.type) if isinstance(network, Quick) else nullcontext():
        return timed(lambda _: [module.forward(x) for module, x in kernels], runs)
