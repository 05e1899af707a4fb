"""Picture decoders in bf16 where the processor has hardware for it: what the pages run, not what is measured."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.decoders import ReconstructionDecoder
from semcom_core.precision import autocast, bf16_pays

_DECODERS = (ReconstructionDecoder, InversionDecoder)


class Quick(nn.Module):
    """One picture decoder under autocast to bf16; the plain float32 one where gradients are wanted.

    Of all networks only these win: with AMX they take less than half their time on one picture. Class
    readers and judges are small and lose by converting back and forth. The encoder would win as well,
    but then what is sent would depend on the machine.

    Shape: as the decoder's own; float32 out. A picture differs by less than a grey level on average and
    by less than three anywhere (tested).
    """

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.plain = plain

    def forward(self, z: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return self.plain(z)
        with autocast(z.device.type):
            return self.plain(z).float()


def quicken(module: nn.Module) -> nn.Module:
    """A network as the pages use it: its picture decoders are wrapped, if that pays on this processor.

    Args:
        module: for inference, from :func:`semcom_core.link.load_network`; its children are replaced.
    """
    if not bf16_pays("cpu"):
        return module
    if isinstance(module, _DECODERS):
        return Quick(module).eval()
    for part in list(module.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, _DECODERS) and not isinstance(part, Quick):
                setattr(part, name, Quick(child).eval())
    return module
