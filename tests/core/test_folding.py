"""Folding batch norms: the same function, without them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from semcom_core.codecs.repobe import RepObECodec
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.networks.judge import Judge
from semcom_core.networks.readers import RowSetReader

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "encoder": (lambda: RepObECodec(3).encoder, (2, 3, 64, 64)),
    "classifier": (lambda: RepObECodec(1).classifier, (2, 4, 28, 28)),
    "reconstructor": (lambda: RepObECodec(3).reconstructor, (2, 4, 28, 28)),
    "judge of digits": (lambda: Judge(1, 28), (2, 1, 28, 28)),
    "judge of photographs": (lambda: Judge(3, 128), (2, 3, 224, 224)),
    "inversion decoder": (lambda: InversionDecoder(1, 28), (2, 4, 28, 28)),
    "row-set reader": (lambda: RowSetReader(1, 28), (2, 4, 28, 28)),
}


def trained_like(make: Callable[[], nn.Module]) -> nn.Module:
    """Fixed weights and batch-norm statistics far from their initial values."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = make()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.3)
                part.running_var.uniform_(0.3, 3.0)
                nn.init.uniform_(part.weight, -1.5, 1.5)
                nn.init.normal_(part.bias, 0, 0.3)
    return module.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_network_agrees(name: str) -> None:
    """In float64 to rounding (1e-10), in float32 to 1e-4 of the largest output."""
    make, shape = NETWORKS[name]
    network = trained_like(make)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1))

    def outputs(module: nn.Module, given: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            result = module(given)
        return torch.cat([one.flatten() for one in (result if isinstance(result, tuple) else (result,))])

    folded = fold_batch_norm(network)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    exact, approximate = outputs(network, x), outputs(folded, x)
    assert (approximate - exact).abs().max() < 1e-4 * exact.abs().max().clamp_min(1)
    assert not torch.equal(exact, torch.zeros_like(exact))

    double = network.double()
    torch.testing.assert_close(
        outputs(fold_batch_norm(double), x.double()), outputs(double, x.double()), rtol=1e-9, atol=1e-10
    )
    network.float()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items()), "it was changed"


def test_folding_keeps_what_inference_needs() -> None:
    folded = fold_batch_norm(trained_like(lambda: RepObECodec(3)))
    assert not any(part.training for part in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    weight = folded.encoder.stage1[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_folding_refuses_a_module_in_training() -> None:
    with pytest.raises(ValueError, match="evaluation mode"):
        fold_batch_norm(RepObECodec(1))
