"""Readers of ciphertexts: class and picture from features whose positions or axes a key has mixed."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from semcom_core.ciphers.confusion import reindex
from semcom_core.networks.attackers import picture_head
from semcom_core.networks.blocks import ResBlock
from semcom_core.networks.decoders import FEATURE_CHANNELS

CELLS = 28 * 28
SEED_RANK, MIX_RANK = 64, 128


def narrow(inputs: int, outputs: int, rank: int) -> nn.Sequential:
    """A linear layer through ``rank`` values: the wide ones would be most of what is stored."""
    return nn.Sequential(nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs))


class Reader(nn.Module):
    r"""A summary of the ciphertext, then a class and a picture from the summary.

    ::

        F_en ─ embedding (subclass) ─┬─ FC ─ class logits
                                     └─ FC ─ 7×7 ─ ConvT ×2 ─ 28×28 ─ picture

    Shape: ``(B, 4, 28, 28) -> logits (B, classes), picture (B, image_channels, size, size)``.
    """

    def __init__(self, summary: int, image_channels: int, size: int, classes: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.LayerNorm(summary), nn.Dropout(0.1), nn.Linear(summary, classes))
        self.seed = nn.Sequential(nn.LayerNorm(summary), narrow(summary, 64 * 7 * 7, SEED_RANK))
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(64, 64, 4, 2, 1), ResBlock(64, 64), nn.ConvTranspose2d(64, 64, 4, 2, 1), ResBlock(64, 64)
        )
        self.head = picture_head(64, image_channels, size)

    @abstractmethod
    def embedding(self, F_en: Tensor) -> Tensor:
        """What the reader makes of a ciphertext, (B, summary)."""

    def picture(self, embedding: Tensor) -> Tensor:
        """The attacker's best guess of the picture from its summary."""
        return self.head(self.grow(self.seed(embedding).reshape(-1, 64, 7, 7)))

    def logits(self, F_en: Tensor) -> Tensor:
        """The class alone, (B, classes): the picture costs most of the time."""
        return self.fc(self.embedding(F_en))

    def forward(self, F_en: Tensor) -> tuple[Tensor, Tensor]:
        summary = self.embedding(F_en)
        return self.fc(summary), self.picture(summary)


class RowSetReader(Reader):
    r"""Against the confusion-offset cipher: invariant to *any* of its keys.

    ::

        F_en ─ public re-index ─ 28 rows × 28 cells × 4 values
          ─ cell embedding ─ pool over each row (mean, max: its cells are a set)
          ─ 28 row vectors ─ attention between rows (rows are a set) ─ pool (mean, max) ─ summary

    Re-indexing is the attacker's knowledge of the algorithm: each row of ``reindex(F_en)`` is
    one whole row of the plain map with its cells in another order. Without positional codes
    the network is exactly invariant to both orders, hence to the key: training it under one
    key *is* training it under fresh keys (tested).
    """

    def __init__(
        self, image_channels: int, size: int, classes: int = 10, width: int = 128, rows: int = 256, layers: int = 2
    ) -> None:
        super().__init__(2 * rows, image_channels, size, classes)
        self.embed = nn.Sequential(nn.Linear(FEATURE_CHANNELS, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.to_row = nn.Sequential(nn.Linear(2 * width, rows), nn.LayerNorm(rows), nn.ReLU(), nn.Linear(rows, rows))
        layer = nn.TransformerEncoderLayer(
            rows, 4, 2 * rows, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        # No positional codes: the encoder is equivariant to the order of the rows.
        self.between_rows = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def embedding(self, F_en: Tensor) -> Tensor:
        cells = self.embed(reindex(F_en).permute(0, 2, 3, 1))
        rows = torch.cat([cells.mean(2), cells.amax(2)], 2)
        rows = self.between_rows(self.to_row(rows))
        return torch.cat([rows.mean(1), rows.amax(1)], 1)


class CellSetReader(Reader):
    r"""Against a shuffling of all positions: the 784 four-vectors are a set, and nothing more.

    ::

        F_en ─ 784 cells × 4 ─ cell embedding ─ pool ─ context, given back to every cell
          ─ second embedding ─ pool (mean, max) ─ summary

    The second look at each cell in the light of all others makes it more than one pooled
    histogram (Zaheer et al., Deep Sets, NeurIPS 2017, Sec. 3). Exactly invariant to the key.
    """

    def __init__(self, image_channels: int, size: int, classes: int = 10, width: int = 128) -> None:
        super().__init__(4 * width, image_channels, size, classes)
        self.embed = nn.Sequential(nn.Linear(FEATURE_CHANNELS, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.context = nn.Sequential(nn.Linear(2 * width, width), nn.LayerNorm(width), nn.ReLU())
        self.second = nn.Sequential(
            nn.Linear(2 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, 2 * width), nn.ReLU()
        )

    def embedding(self, F_en: Tensor) -> Tensor:
        cells = self.embed(F_en.flatten(2).mT)
        context = self.context(torch.cat([cells.mean(1), cells.amax(1)], 1))
        cells = self.second(torch.cat([cells, context[:, None].expand_as(cells)], 2))
        return torch.cat([cells.mean(1), cells.amax(1)], 1)


class DenseReader(Reader):
    r"""A non-local first layer that sees every entry: for keys that stay, and for rotations.

    ::

        F_en ─ 3,136 values ─ FC ─ FC ─ summary

    Trained under one fixed key it learns that key's inverse with no knowledge of the cipher; a
    convolutional decoder, which only looks at neighbours, cannot.
    """

    def __init__(self, image_channels: int, size: int, classes: int = 10, width: int = 512) -> None:
        super().__init__(width, image_channels, size, classes)
        self.mix = nn.Sequential(
            narrow(FEATURE_CHANNELS * CELLS, width, MIX_RANK), nn.LayerNorm(width), nn.GELU(),
            nn.Dropout(0.2), nn.Linear(width, width), nn.GELU(),
        )  # fmt: skip

    def embedding(self, F_en: Tensor) -> Tensor:
        return self.mix(F_en.flatten(1))
