"""Task ``prior``: statistics of an encoder's features, in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from semcom_core.networks.feature_prior import FeaturePrior
from semcom_core.training import features
from semcom_core.training.recipe import Recipe


class PriorTask:
    """Measures what the puzzle attack knows of features in general.

    Options:
        codec: weights whose encoder makes the features.
        images: how many plain training pictures to use at most.
    """

    network = "feature_prior"
    arguments: ClassVar[dict[str, int]] = {}

    def __init__(self, recipe: Recipe, runs: Path, codec: str, images: int = 20_000) -> None:
        encoder = features.load_codec(codec)
        self.cache = features.build(runs / recipe.domain, encoder, recipe.domain, "train", 1, images, recipe.seed)

    def solve(self) -> FeaturePrior:
        """The statistics of the plain training pictures' features."""
        return FeaturePrior().fit(self.cache.z(np.arange(len(self.cache))))
