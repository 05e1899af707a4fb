"""Networks of the eavesdroppers: inversion decoder, and a reader that no permutation stops."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semcom_core.ciphers.confusion import reindex
from semcom_core.networks.blocks import ResBlock
from semcom_core.networks.decoders import FEATURE_CHANNELS


def picture_head(in_channels: int, image_channels: int, size: int) -> nn.Sequential:
    """From a 28×28 map to a picture of side ``size`` (a multiple of 28), values in [0,1]."""
    factor = size // 28
    return nn.Sequential(
        nn.Conv2d(in_channels, image_channels * factor**2, 3, 1, 1), nn.PixelShuffle(factor), nn.Sigmoid()
    )


class InversionDecoder(nn.Module):
    r"""Convolutional model inversion: features to the native-size picture.

    ::

        ẑ 4×28×28 ─ ResBlock 64 ─ ResBlock 64 ×(depth−1) ─ conv ─ pixel shuffle ─ sigmoid

    A shorter ``res_normN8C64`` (He et al.; CEM's code); convolutions only, so it can use
    nothing of a map whose positions are permuted: a *naive* attacker by construction.

    Shape: ``(B, 4, 28, 28) -> (B, image_channels, size, size) in [0, 1]``.
    """

    def __init__(self, image_channels: int, size: int, depth: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(ResBlock(FEATURE_CHANNELS, 64), *(ResBlock(64, 64) for _ in range(depth - 1)))
        self.head = picture_head(64, image_channels, size)

    def forward(self, z: Tensor) -> Tensor:
        return self.head(self.body(z))


class RowSetReader(nn.Module):
    r"""Class and picture from features whose positions were confused under *any* key.

    ::

        F_en ─ public re-index ─ 28 rows × 28 cells × 4 values
          ─ cell embedding ─ pool over each row (mean, max: its cells are a set)
          ─ 28 row vectors ─ attention between rows (rows are a set) ─ pool (mean, max)
                              ┬─ FC ─ class logits
                              └─ FC ─ 7×7 ─ ConvT ×2 ─ 28×28 ─ picture

    Re-indexing is the attacker's knowledge of the algorithm: each row of ``reindex(F_en)`` is
    one whole row of the plain map with its cells in another order. Without positional codes
    the network is exactly invariant to both orders, hence to the key: training it under one
    key *is* training it under fresh keys (tested).

    Shape: ``(B, 4, 28, 28) -> logits (B, classes), picture (B, image_channels, size, size)``.
    """

    def __init__(
        self, image_channels: int, size: int, classes: int = 10, width: int = 128, rows: int = 256, layers: int = 2
    ) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(FEATURE_CHANNELS, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.to_row = nn.Sequential(nn.Linear(2 * width, rows), nn.LayerNorm(rows), nn.ReLU(), nn.Linear(rows, rows))
        layer = nn.TransformerEncoderLayer(
            rows, 4, 2 * rows, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        # No positional codes: the encoder is equivariant to the order of the rows.
        self.between_rows = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.fc = nn.Sequential(nn.LayerNorm(2 * rows), nn.Dropout(0.1), nn.Linear(2 * rows, classes))
        self.seed = nn.Sequential(nn.LayerNorm(2 * rows), nn.Linear(2 * rows, 64 * 7 * 7))
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(64, 64, 4, 2, 1), ResBlock(64, 64), nn.ConvTranspose2d(64, 64, 4, 2, 1), ResBlock(64, 64)
        )
        self.head = picture_head(64, image_channels, size)

    def embedding(self, F_en: Tensor) -> Tensor:
        """The invariant summary of a ciphertext, (B, 2·rows)."""
        cells = self.embed(reindex(F_en).permute(0, 2, 3, 1))
        rows = torch.cat([cells.mean(2), cells.amax(2)], 2)
        rows = self.between_rows(self.to_row(rows))
        return torch.cat([rows.mean(1), rows.amax(1)], 1)

    def picture(self, embedding: Tensor) -> Tensor:
        """The attacker's best guess of the picture from its summary."""
        return self.head(self.grow(self.seed(embedding).reshape(-1, 64, 7, 7)))

    def forward(self, F_en: Tensor) -> tuple[Tensor, Tensor]:
        summary = self.embedding(F_en)
        return self.fc(summary), self.picture(summary)
