"""A small world of its own for evaluations: shards of drawn digits, and networks that learned nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn

from semcom_core import datasets, weights
from semcom_core import models as registry
from tests.shards import write_shards

CODEC = ("repobe_codec", {"image_channels": 1, "classes": 10})


@contextmanager
def small_world(
    monkeypatch: pytest.MonkeyPatch, folder: Path, images: int, networks: dict[str, tuple[str, dict[str, int]]]
) -> Iterator[Path]:
    """Point weights, data and runs into ``folder``, and fill it.

    Args:
        images: pictures of the reporting split.
        networks: registry name and arguments of each network to save, by its name in ``digits/``.
    """
    for name in ("weights", "data", "runs"):
        monkeypatch.setenv(f"SEMCOM_{name.upper()}", str(folder / name))
    write_shards(folder / "data", "digits", "train", 40)
    write_shards(folder / "data", "digits", "test", images)
    datasets.load.cache_clear()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name, (network, arguments) in networks.items():
            save(name, registry.build(network, arguments), network, arguments)
    yield folder
    datasets.load.cache_clear()


def save(name: str, module: nn.Module, network: str, arguments: dict[str, int]) -> None:
    config = {"network": network, "arguments": arguments, "domain": "digits"}
    weights.save(f"digits/{name}", module, config | {"recipe": f"digits/{name}", "recipe_digest": "0" * 16})
