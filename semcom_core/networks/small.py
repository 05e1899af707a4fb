"""The attacker that is trained beside a small link: what was heard, back to picture and class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semcom_core.networks.inversion_reader import unit_values


class SmallInversion(nn.Module):
    r"""Non-local inversion of any code for 28×28 digits, cheap enough to train beside the link.

    ::

        ŝ, v ─ unit power, 2n values, noise level ─ FC ─ ReLU ─(+ FC ─ ReLU)─┬─ FC ─────────── logits
                                                                             └─ FC 784 ─ sigmoid ─ picture

    Dense from end to end: every symbol reaches every pixel, so that it is no weaker for symbols
    that lie in no order. Takes and gives what an
    :class:`~semcom_core.networks.inversion_reader.InversionReader` does.

    Args:
        channel_uses: symbols a picture, n.
        classes: number of classes.
        width: of the hidden layers.

    Shape: ``(B, n) complex, (B,) -> logits (B, classes), picture (B, 1, 28, 28)``.
    """

    def __init__(self, channel_uses: int, classes: int = 10, width: int = 384) -> None:
        super().__init__()
        self.first = nn.Linear(2 * channel_uses + 2, width)
        self.second = nn.Linear(width, width)
        self.reader, self.painter = nn.Linear(width, classes), nn.Linear(width, 784)

    def forward(self, symbols: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        level = torch.stack([1.0 / (1.0 + noise), noise / (1.0 + noise)], 1).sqrt()
        hidden = self.first(torch.cat([unit_values(symbols, noise), level], 1)).relu()
        hidden = hidden + self.second(hidden).relu()
        return self.reader(hidden), self.painter(hidden).sigmoid().reshape(-1, 1, 28, 28)
