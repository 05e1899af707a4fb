"""What an attacker knows of features in general: Gaussian statistics of cells and of neighbours."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 4
GRID = 28


class FeaturePrior(nn.Module):
    r"""Second-order statistics of an encoder's features; nothing here is trained by gradients.

    ::

        cells        mean and covariance of the four features at each position
        neighbours   mean and covariance of (cell, its right neighbour) and of (cell, the one below)
        rows         mean and covariance of each whole row, and of (row, the one below)

    Whoever has the encoder and some pictures of its own can measure them. Buffers:
    ``mean (784,4)``, ``cov (784,4,4)``, ``across_mean``, ``down_mean (8,)``, ``across_cov``,
    ``down_cov (8,8)``, ``row_mean (28,112)``, ``row_cov (28,112,112)``, ``pair_mean (224,)``,
    ``pair_cov (224,224)``; a row is its 4 features × 28 cells in this order, and neighbours pool
    all positions.
    """

    def __init__(self) -> None:
        super().__init__()
        cells, pair = GRID * GRID, 2 * CHANNELS
        self.register_buffer("mean", torch.zeros(cells, CHANNELS))
        self.register_buffer("cov", torch.eye(CHANNELS).repeat(cells, 1, 1))
        for name in ("across", "down"):
            self.register_buffer(f"{name}_mean", torch.zeros(pair))
            self.register_buffer(f"{name}_cov", torch.eye(pair))
        row = CHANNELS * GRID
        self.register_buffer("row_mean", torch.zeros(GRID, row))
        self.register_buffer("row_cov", torch.eye(row).repeat(GRID, 1, 1))
        self.register_buffer("pair_mean", torch.zeros(2 * row))
        self.register_buffer("pair_cov", torch.eye(2 * row))

    @torch.no_grad()
    def fit(self, features: Tensor) -> FeaturePrior:
        """Measure the statistics of features (N,4,28,28), N ≥ 2, and return ``self``."""
        cells = features.double().flatten(2).permute(2, 0, 1)
        self.mean.copy_(cells.mean(1))
        centred = cells - cells.mean(1, keepdim=True)
        self.cov.copy_(centred.mT @ centred / (len(features) - 1))
        pairs = {
            "across": (features[..., :-1], features[..., 1:]),
            "down": (features[..., :-1, :], features[..., 1:, :]),
        }
        for name, (first, second) in pairs.items():
            both = torch.cat([first, second], 1).double().permute(1, 0, 2, 3).flatten(1)
            getattr(self, f"{name}_mean").copy_(both.mean(1))
            getattr(self, f"{name}_cov").copy_(both.cov())
        rows = features.double().transpose(1, 2).flatten(2)
        self.row_mean.copy_(rows.mean(0))
        for index in range(GRID):
            self.row_cov[index] = rows[:, index].T.cov()
        both = torch.cat([rows[:, :-1], rows[:, 1:]], 2).flatten(0, 1)
        self.pair_mean.copy_(both.mean(0))
        self.pair_cov.copy_(both.T.cov())
        return self
