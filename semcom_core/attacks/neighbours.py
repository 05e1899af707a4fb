"""Class by nearest neighbours among own labelled messages: no training at all."""

from __future__ import annotations

import torch
from torch import Tensor

from semcom_core.attacks.base import ThreatModel
from semcom_core.networks.inversion_reader import real_values

NEIGHBOURS = 5
THREAT = ThreatModel(encoder=True, algorithm=True, training="20,000 other pictures, as this defense sends them")


class NearestMessages:
    """k-nearest-neighbour class reader on symbols; a check for codes like IBAL's.

    Short, almost binary codes lie in clusters, so that counting neighbours reads the class nearly
    as well as the receiver does. Evaluation only: it keeps its messages, 125 MB at 1,568 symbols.

    Args:
        symbols: complex (N,n), as heard.
        labels: their classes (N,).
    """

    def __init__(self, symbols: Tensor, labels: Tensor, classes: int = 10, k: int = NEIGHBOURS) -> None:
        self._known = real_values(symbols)
        self._squared = self._known.square().sum(1)
        self._labels, self._classes, self._k = labels, classes, k

    def votes(self, symbols: Tensor) -> Tensor:
        """How many of the k nearest messages belong to each class, (B,n) complex -> (B,K).

        The nearest one decides between equal counts.
        """
        asked = real_values(symbols)
        distance = self._squared - 2.0 * asked @ self._known.mT  # the asked message's own norm is the same for all
        nearest = self._labels[distance.topk(self._k, largest=False, sorted=True).indices]
        weight = torch.ones(self._k)
        weight[0] += 0.5
        counts = torch.zeros(len(symbols), self._classes)
        return counts.scatter_add(1, nearest, weight.expand(len(symbols), -1))
