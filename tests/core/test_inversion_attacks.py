"""Attacks common to all defenses, against closed forms and on signals that hold nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semcom_core import models as registry
from semcom_core.attacks import EAVESDROPPERS, THREATS, needed_against, networks_against
from semcom_core.attacks.base import Knowledge
from semcom_core.attacks.inversion import heard, sealed
from semcom_core.attacks.ridge import Ridge
from semcom_core.channels import CHANNELS, Received, complex_normal, propagate
from semcom_core.datasets import ATTACKER_IMAGES
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.networks.attackers import picture_head
from semcom_core.networks.inversion_reader import DenseInversion, MixerReader, real_values, unit_values
from semcom_core.networks.ridge import RidgeInversion
from semcom_core.training import observations, recipe
from semcom_core.training.inversion import DefenseReaderTask, RidgeTask
from semcom_core.training.observations import Observations
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Trainer

NEW = ("ridge", "inversion", "conv", "diffusion_prior")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- Ridge -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear_world() -> tuple[Tensor, Tensor, Tensor]:
    """4×4 pictures p with known covariance, and real codes s = A p + small noise (24 values), 3 classes."""
    rng = np.random.default_rng(0)
    pictures = 0.5 + 0.1 * rng.normal(size=(4000, 16)) @ rng.normal(size=(16, 16))
    codes = pictures @ rng.normal(size=(16, 24)) + 0.2 * rng.normal(size=(4000, 24))
    labels = pictures[:, :3].argmax(1)
    return tuple(torch.from_numpy(one) for one in (pictures, codes, labels))


def fitted(pictures: Tensor, codes: Tensor, labels: Tensor, rank: int = 24) -> RidgeInversion:
    targets = torch.cat([pictures, torch.nn.functional.one_hot(labels, 3).double()], 1)
    both = torch.cat([codes, targets], 1).T.cov(correction=0)
    network = RidgeInversion(channel_uses=12, rank=rank, image_channels=1, small=4, size=4, classes=3)
    return network.fit(codes.mean(0), both[:24, :24], targets.mean(0), both[:24, 24:], seeded())


def as_symbols(values: Tensor) -> Tensor:
    real, imag = (values.float() / 2**0.5).chunk(2, 1)
    return torch.complex(real, imag)


def test_ridge_equals_least_squares(linear_world: tuple[Tensor, Tensor, Tensor]) -> None:
    """Without noise and penalty, at full rank: numpy's lstsq, for pictures and for classes."""
    pictures, codes, labels = linear_world
    network = fitted(*linear_world)
    design = np.c_[codes.numpy(), np.ones(len(codes))]
    targets = np.c_[pictures.numpy(), np.eye(3)[labels.numpy()]]
    expected = design @ np.linalg.lstsq(design, targets, rcond=None)[0]
    with torch.no_grad():
        coordinates = network.coordinates(as_symbols(codes), torch.zeros(len(codes)))
        found = network.small_picture(coordinates).flatten(1)
        scores = network(as_symbols(codes), torch.zeros(len(codes)))[0].exp()
    np.testing.assert_allclose(found.numpy(), expected[:, :16], atol=2e-3)
    np.testing.assert_allclose(scores.numpy(), np.maximum(expected[:, 16:], 1e-3), atol=5e-3)


@pytest.mark.parametrize("noise", [0.03, 0.1, 1.0, 5.0])
def test_ridge_is_the_lmmse_at_every_noise_level(linear_world: tuple[Tensor, Tensor, Tensor], noise: float) -> None:
    """One fit, any noise: the estimate is ``p̄ + PᵀC(C+vI)⁻¹(u−ū)`` and its error has the known trace."""
    pictures, codes, _ = linear_world
    network = fitted(*linear_world)
    u = codes + noise**0.5 * torch.from_numpy(np.random.default_rng(1).normal(size=codes.shape))
    both = torch.cat([codes, pictures], 1).T.cov(correction=0)
    C, P = both[:24, :24] + noise * torch.eye(24), both[:24, 24:]
    expected = pictures.mean(0) + (u - codes.mean(0)) @ torch.linalg.solve(C, P)
    level = torch.full((len(u),), noise)
    found = network.small_picture(network.coordinates(as_symbols(u / (1 + noise)), level)).flatten(1)
    torch.testing.assert_close(found.double(), expected, atol=3e-3, rtol=0)
    error = (both[24:, 24:] - P.T @ torch.linalg.solve(C, P)).trace()
    assert float((found - pictures).square().sum(1).mean()) == pytest.approx(float(error), rel=0.05)


def test_a_low_rank_keeps_what_matters(linear_world: tuple[Tensor, Tensor, Tensor]) -> None:
    """More directions never fit worse; reduced-rank regression beats the leading principal components."""
    pictures, codes, _ = linear_world
    silent = torch.zeros(len(codes))
    errors = []
    for rank in (6, 13, 16, 24):
        network = fitted(*linear_world, rank=rank)
        found = network.small_picture(network.coordinates(as_symbols(codes), silent)).flatten(1)
        errors.append(float((found - pictures).square().mean()))
    assert errors == sorted(errors, reverse=True)
    components = torch.linalg.eigh(codes.T.cov())[1][:, -10:]
    t = torch.cat([(codes - codes.mean(0)) @ components, torch.ones(len(codes), 1)], 1)
    principal = float((t @ torch.linalg.lstsq(t, pictures).solution - pictures).square().mean())
    assert errors[1] < principal  # 13: the three that tell the class, and ten


def test_ridge_on_noise_alone_gives_the_mean(linear_world: tuple[Tensor, Tensor, Tensor]) -> None:
    pictures, codes, labels = linear_world
    rng = np.random.default_rng(2)
    network = fitted(pictures, torch.from_numpy(rng.normal(size=codes.shape)), labels)
    unseen = torch.from_numpy(rng.normal(size=codes.shape))
    logits, found = network(as_symbols(unseen), torch.zeros(len(unseen)))
    error = float((found.flatten(1) - pictures.clip(0, 1)).square().mean())
    assert error >= 0.98 * float((pictures.mean(0) - pictures.clip(0, 1)).square().mean())
    prior = float(labels.bincount().max()) / len(labels)
    assert abs(float((logits.argmax(1) == labels).double().mean()) - prior) < 0.03


# --- Networks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (3, 224)])
def test_pictures_have_native_size(channels: int, size: int) -> None:
    assert picture_head(8, channels, size)(torch.randn(2, 8, 28, 28)).shape == (2, channels, size, size)
    s, noise = complex_normal((2, 1568), seeded()), torch.rand(2)
    for network in (MixerReader(channels, size), DenseInversion(1568, channels, size, 10, 16)):
        with torch.no_grad():
            logits, picture = network.eval()(s, noise)
        assert logits.shape == (2, 10)
        assert picture.shape == (2, channels, size, size)
        assert float(picture.min()) >= 0
        assert float(picture.max()) <= 1
    assert DenseInversion(32, 1, 28, 10, 16)(complex_normal((2, 32), seeded()), noise)[0].shape == (2, 10)


def test_a_picture_head_for_multiples_of_28_has_the_layout_of_its_weights() -> None:
    """Old weights of digits and photographs still fit."""
    assert list(picture_head(4, 1, 28).state_dict()) == ["0.weight", "0.bias"]
    assert picture_head(4, 3, 224)[0].out_channels == 3 * 64
    assert picture_head(4, 3, 32)[0].out_channels == 3


def test_every_symbol_reaches_every_pixel() -> None:
    """What makes a decoder non-local; a convolutional one fails this."""
    torch.manual_seed(0)
    s = complex_normal((1, 1568), seeded()).requires_grad_(True)
    for network in (MixerReader(1, 28), DenseInversion(1568, 1, 28, 10, 64)):
        (gradient,) = torch.autograd.grad(network.eval()(s, torch.zeros(1))[1][0, 0, 0, 0], s)
        assert float((gradient.abs() > 0).float().mean()) > 0.99


def test_readers_start_from_unit_power() -> None:
    s = complex_normal((4, 3000), seeded())
    noise = torch.tensor([0.0, 0.1, 1.0, 1600.0])
    e = complex_normal((4, 3000), seeded(1)) * noise.sqrt()[:, None]
    values = unit_values((s + e) / (1 + noise)[:, None], noise)
    np.testing.assert_allclose(values.square().mean(1).numpy(), 1.0, rtol=0.06)
    assert torch.equal(real_values(s), torch.cat([s.real, s.imag], 1) * 2**0.5)


def test_sizes_within_budget() -> None:
    for name, arguments in {
        "mixer_reader": {"image_channels": 3, "size": 224, "classes": 10},
        "dense_inversion": {"image_channels": 1, "size": 28, "classes": 10, "channel_uses": 1568, "width": 160},
        "ridge_inversion": {
            "image_channels": 1, "size": 28, "small": 28, "classes": 10, "channel_uses": 1568, "rank": 128,
        },
    }.items():  # fmt: skip
        halves = sum(value.numel() for value in registry.build(name, arguments).state_dict().values())
        assert 2 * halves <= 1.8e6, name


# --- What is heard ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trained(PlugIn):
    """A plug-in with a network."""

    network: nn.Module
    name: ClassVar[str] = "trained"

    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        return -s

    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        raise AssertionError("nobody but the receiver undoes this")


def test_what_everybody_can_undo_is_undone() -> None:
    noise, cipher, trained = AdditiveNoise(0.5), ConfusionCipher(), Trained(nn.Identity())
    assert sealed(()) == ()
    assert sealed((noise,)) == ()
    assert sealed((noise, cipher)) == (noise, cipher)
    assert sealed((cipher, noise)) == (cipher,)
    assert sealed((trained, noise, noise)) == (trained,)

    s = complex_normal((64, 1568), seeded())
    x = noise.protect(s, [None] * 64, seeded(1))
    received = propagate(CHANNELS["rayleigh"], x, 10.0, seeded(2))
    symbols, level = heard(received, (noise,))
    scaled = symbols * (1 + level)[:, None]
    error = (scaled - s).abs().square().mean(1)
    np.testing.assert_allclose(error.numpy(), level.numpy(), rtol=0.15)
    assert float(level.min()) > 0.25
    kept, unchanged = heard(received, (trained,))
    assert torch.equal(kept, received.equalise())
    assert torch.equal(unchanged, received.effective()[1])


def test_threat_models_are_declared() -> None:
    assert set(THREATS) == set(EAVESDROPPERS)
    for name in NEW:
        threat = THREATS[name]
        assert threat.encoder
        assert threat.algorithm
        assert not threat.key
        assert not threat.known_plaintexts
        assert threat.training != "nothing"


def test_no_defense_is_offered_without_an_attack_on_it() -> None:
    """A key of the codec's own, or an encoder of a defense's own: only what was trained on it can attack it."""
    needed = {name: needed_against(one) for name, one in DEFENSES.items()}
    assert needed["escs"] == ("inversion_escs",)
    assert set(needed["repobe_complete"]) >= {"prior_repobe_complete", "adaptive_repobe_complete"}
    assert not needed["none"] and not needed["repobe"] and not needed["necst"]  # the receiver's own networks attack


@pytest.mark.parametrize("defense", DEFENSES)
def test_every_defense_faces_attackers_trained_on_it(defense: str) -> None:
    roles = networks_against(DEFENSES[defense])
    assert roles["ridge"] == f"ridge_{defense}"
    own = {f"inversion_{defense}", f"adaptive_{defense}"}
    assert roles["inversion"] in own | {"adaptive", "adaptive_shuffling", "adaptive_rotation"}
    if DEFENSES[defense].own_encoder:  # an attacker trained on another encoder's features would be a weak one
        assert all(name.endswith(f"_{defense}") for name in roles.values())
    assert ("diffusion_prior" in roles) == (defense in {"none", "noise", "diffsem"})


@pytest.mark.parametrize(
    "key", [key for key in recipe.known() if "ridge_" in key or "inversion_" in key or "conv_" in key]
)
def test_a_recipe_is_about_the_defense_in_its_name(key: str) -> None:
    one = recipe.read(key)
    assert key.endswith(f"_{one.options['defense']}")
    assert DEFENSES[one.options["defense"]].available(one.domain)
    assert key.partition("/")[2] in networks_against(DEFENSES[one.options["defense"]]).values()


# --- Neighbours --------------------------------------------------------------------------------------------


class TinyObservations(Observations):
    """A defense on symbols made here: the class sits in the sign of a few of them, or there is nothing."""

    def __init__(self, domain: str, defense: str, split: str, runs: Path, images: int | None = None) -> None:
        from semcom_core.datasets import ArrayDataset
        from semcom_core.domains import DOMAINS

        self.domain, self.defense, self.parts = DOMAINS[domain], DEFENSES[defense], {}
        count, rng = images or 1200, np.random.default_rng(0 if split == "train" else 1)
        self.rows = np.arange(count)
        labels = rng.integers(10, size=count)
        pictures = np.zeros((count, 28, 28), np.uint8)
        pictures[np.arange(count), 2 * labels + 3] = 255
        self.data = ArrayDataset(pictures, labels)
        reals = 3136 if defense == "repobe" else 256
        pattern = np.random.default_rng(5).normal(size=(10, reals))
        mixed = rng.normal(size=(count, reals)) + 0.7 * pattern[labels]
        self.symbols = (mixed / np.sqrt(2 * 1.49)).astype(np.float16)
        self.teacher = torch.eye(10)[torch.from_numpy(labels)]


RECIPE = Recipe("digits/tiny", "defense_reader", "digits", lr=2e-3, stages=(Stage(2, 32),), ema=0.9, bf16=False)


@pytest.mark.parametrize(("defense", "readable"), [("none", True), ("rotation", False)])
def test_attackers_learn_what_is_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defense: str, readable: bool
) -> None:
    """The same features: read in the clear, and at chance behind a one-time rotation."""
    monkeypatch.setattr("semcom_core.training.inversion.Observations", TinyObservations)
    torch.manual_seed(0)
    task = DefenseReaderTask(
        RECIPE, tmp_path, defense, network="dense_inversion", width=32, images=800, held_out=200, picture_share=0.1
    )
    trained = Trainer(task, RECIPE, tmp_path).run()
    linear = RidgeTask(RECIPE, tmp_path, defense, rank=24, draws=1, images=800, held_out=200)
    found = linear.solve()
    symbols, noise = linear.unseen.check(np.arange(200))
    labels = linear.unseen.labels(np.arange(200))
    ridge = float((found(symbols, noise)[0].argmax(1) == labels).float().mean())
    reader = task.validate(trained, RECIPE.stages[0])["accuracy"]
    if readable:
        assert min(reader, ridge) > 0.9
    else:
        assert max(reader, ridge) < 0.2  # chance 0.1, standard deviation 0.02


def test_attackers_have_pictures_of_their_own_and_fresh_keys(tmp_path: Path) -> None:
    assert ATTACKER_IMAGES["digits"] == ATTACKER_IMAGES["objects"] == 20_000
    observed = TinyObservations("digits", "repobe", "train", tmp_path, images=8)
    index = np.zeros(4, dtype=int)
    chain = observed.chain(observations.Choice())
    x = observed.protect(index, chain, seeded())
    plain = observed.plain(index)
    for row in x:  # the same picture each time: the same values in ever other orders
        np.testing.assert_allclose(row.abs().sort()[0].numpy(), plain[0].abs().sort()[0].numpy())
    assert len({tuple(row.real.tolist()) for row in x}) == 4
    turned = observed.protect(index, DEFENSES["rotation"].chain(observations.Choice(), {}), seeded())
    np.testing.assert_allclose(turned.norm(dim=1).numpy(), plain.norm(dim=1).numpy(), rtol=1e-5)


def test_ridge_as_an_eavesdropper(linear_world: tuple[Tensor, Tensor, Tensor]) -> None:
    """It takes the noise level from its own antenna: in a deep fade it answers the mean picture."""
    pictures, codes, _ = linear_world
    network = fitted(*linear_world)
    s = as_symbols(codes[:2])
    h = torch.tensor([[1.0], [1e-4]]).to(torch.complex64)
    received = Received(h * s, h, torch.full((2, 1), 1e-3))
    loot = Ridge(network).intercept(received, Knowledge(codec=None, chain=()))
    mean = pictures.mean(0).clip(0, 1).float()
    assert float((loot.image[1].flatten() - mean).abs().max()) < 0.02
    assert float((loot.image[0].flatten() - mean).abs().max()) > 0.1
