"""The VAE: its latent on the air, its loss, and one step of its training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from semcom_core import datasets
from semcom_core.codecs.vae import LATENT, VAECodec, kl_standard_normal
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.training import recipe
from semcom_core.training import vae as training


def images(count: int, seed: int = 0, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def codec() -> VAECodec:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAECodec().eval().requires_grad_(False)


@pytest.mark.parametrize("size", [24, 32])
def test_shapes_power_and_range(codec: VAECodec, size: int) -> None:
    """24 is what training starts with."""
    s = codec.encode(images(3, size=size))
    assert s.shape == (3, 1568 * size**2 // 32**2) and s.is_complex()
    assert torch.allclose(s.abs().square().mean(1), torch.ones(3), atol=1e-5)
    image, logits = codec.decode(s / 1.1, torch.full((3,), 0.1))
    assert image.shape == (3, 3, size, size) and logits.shape == (3, 10)
    assert image.min() >= 0 and image.max() <= 1


def test_sends_the_mean_without_a_draw(codec: VAECodec) -> None:
    mu, _ = codec.posterior(images(2))
    flat = mu.flatten(1)
    half = codec.channel_uses
    assert flat.shape[1] == 2 * half == np.prod(LATENT)
    expected = torch.complex(flat[:, :half], flat[:, half:])
    expected = expected / expected.abs().square().mean(1, keepdim=True).sqrt()
    assert torch.allclose(codec.encode(images(2)), expected, atol=1e-5)


def test_one_picture_does_not_depend_on_the_others(codec: VAECodec) -> None:
    assert torch.allclose(codec.encode(images(3))[:1], codec.encode(images(3)[:1]), atol=1e-5)


def test_kl_is_that_of_torch() -> None:
    generator = torch.Generator().manual_seed(1)
    mu, log_variance = (torch.randn(4, 5, 2, 2, generator=generator) for _ in range(2))
    theirs = kl_divergence(Normal(mu, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).flatten(1).mean(1)
    assert torch.allclose(kl_standard_normal(mu, log_variance), theirs, atol=1e-6)
    assert kl_standard_normal(torch.zeros(1, 3), torch.zeros(1, 3)) == 0


def test_folding_changes_nothing(codec: VAECodec) -> None:
    folded = fold_batch_norm(codec)
    s = codec.encode(images(2))
    assert torch.allclose(folded.encode(images(2)), s, atol=1e-4)
    assert torch.allclose(folded.decode(s).logits, codec.decode(s).logits, atol=1e-4)


def test_a_step_of_training_reaches_all_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(count: int, seed: int) -> datasets.ArrayDataset:
        rng = np.random.default_rng(seed)
        return datasets.ArrayDataset(rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), np.arange(count) % 10)

    data = {"train": drawn(40, 0), "held_out": drawn(12, 1)}
    monkeypatch.setattr(datasets, "load", lambda domain, split: data[split])
    monkeypatch.setitem(datasets.ATTACKER_IMAGES, "objects", 8)
    chosen = recipe.read("objects/vae")
    task = training.VAETask(chosen, tmp_path, **chosen.options)
    assert np.array_equal(task.train.images, data["train"].images[:32])
    stage = recipe.Stage(epochs=1, batch=16, size=24)
    batch = next(task.batches(stage, np.random.default_rng(0)))
    terms = task.loss(batch, stage, torch.Generator().manual_seed(0))
    options = chosen.options
    total = terms["ce"] + options["lambda_rec"] * terms["mse"] + options["beta"] * terms["kl"]
    assert terms["loss"].item() == pytest.approx(total.item(), rel=1e-5)
    terms["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in task.model.parameters())
    assert task.model.encoder[0].weight.grad.abs().sum() > 0  # through the channel
    figures = task.validate(task.model.eval(), stage)
    assert {"score", "psnr", "awgn_7", "rayleigh_7"} <= figures.keys()


def test_weights_are_small() -> None:
    assert sum(value.numel() for value in VAECodec().state_dict().values()) * 2 < 2e6
