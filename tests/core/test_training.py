"""Recipes, the trainer (resume, log, averaging) and one whole run on drawn digits."""

from __future__ import annotations

import csv
import inspect
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core import datasets, precision, weights
from semcom_core.attacks import NETWORKS
from semcom_core.attacks.adaptive import PRIOR
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.defenses import DEFENSES
from semcom_core.models import build
from semcom_core.networks.feature_prior import FeaturePrior
from semcom_core.training import features, recipe, run
from semcom_core.training.air import SNR_RANGE_DB
from semcom_core.training.codec import at_fixed_snr, random_link
from semcom_core.training.downstream import _cutmix, _mixture
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, Trainer, learning_rate, shuffled
from tests.shards import write_shards


class Interrupted(Exception):
    """What stands for a power cut in these tests."""


class TinyTask(Task):
    """Two classes of points, a network with batch norm and dropout; may fail in one batch."""

    def __init__(self, fail_at: int | None = None, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
        rng = np.random.default_rng(1)
        self.points = rng.normal(size=(70, 6)).astype(np.float32)
        self.labels = (self.points[:, 0] > 0).astype(np.int64)
        self.fail_at, self.batches_seen = fail_at, 0

    def epoch_size(self, stage: Stage) -> int:
        return len(self.points) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[Any]:
        for index in shuffled(len(self.points), stage.batch, rng):
            if self.batches_seen == self.fail_at:
                raise Interrupted
            self.batches_seen += 1
            yield torch.from_numpy(self.points[index]), torch.from_numpy(self.labels[index])

    def loss(self, batch: Any, stage: Stage, generator: torch.Generator) -> dict[str, Tensor]:
        points, labels = batch
        noisy = points + 0.1 * torch.randn(points.shape, generator=generator)
        ce = F.cross_entropy(self.model(noisy).float(), labels)
        return {"loss": ce, "ce": ce}

    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        with torch.inference_mode():
            right = model(torch.from_numpy(self.points)).argmax(1).numpy() == self.labels
        return {"score": float(right.mean()), "accuracy": float(right.mean())}


RECIPE = Recipe(
    "digits/tiny", "tiny", "digits", lr=0.01, stages=(Stage(1, 16, size=28), Stage(3, 10, size=56)), ema=0.9, bf16=False
)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# --- The trainer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fail_at", [4, 5, 13, 24])  # between epochs, and in the middle of the second to the last
def test_an_interrupted_run_ends_like_an_uninterrupted_one(tmp_path: Path, fail_at: int) -> None:
    whole = Trainer(TinyTask(), RECIPE, tmp_path / "whole")
    expected = whole.run().state_dict()

    with pytest.raises(Interrupted):
        Trainer(TinyTask(fail_at), RECIPE, tmp_path / "parts").run()
    resumed = Trainer(TinyTask(seed=9), RECIPE, tmp_path / "parts")  # other initial weights: none of them may survive
    assert 0 < resumed.epochs_done < 4
    again = resumed.run().state_dict()
    assert expected.keys() == again.keys()
    for name, value in expected.items():
        assert torch.equal(value, again[name]), name
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name

    logs = [rows(tmp_path / part) for part in ("whole", "parts")]
    for row in (*logs[0], *logs[1]):
        del row["seconds"]
    assert logs[0] == logs[1]


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = Trainer(TinyTask(), RECIPE, tmp_path).run().state_dict()
    task = TinyTask(fail_at=0)
    second = Trainer(task, RECIPE, tmp_path).run().state_dict()
    assert task.batches_seen == 0
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_log(tmp_path: Path) -> None:
    Trainer(TinyTask(), replace(RECIPE, validate_every=2), tmp_path).run()
    log = rows(tmp_path)
    assert [int(row["epoch"]) for row in log] == [1, 2, 3, 4]
    assert [int(row["size"]) for row in log] == [28, 56, 56, 56]
    assert [int(row["images"]) for row in log] == [64, 134, 204, 274]
    assert all(math.isfinite(float(row["loss"])) for row in log)
    assert [bool(row["held_out_accuracy"]) for row in log] == [False, True, False, True]
    assert not (tmp_path / "checkpoint.partial").exists()


def test_another_recipe_never_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    Trainer(TinyTask(), RECIPE, tmp_path).run()
    with pytest.raises(RuntimeError, match="another version of the recipe digits/tiny"):
        Trainer(TinyTask(), replace(RECIPE, lr=0.02), tmp_path)


def test_an_attacker_never_goes_on_against_another_link(tmp_path: Path) -> None:
    Trainer(TinyTask(), RECIPE, tmp_path, builds_on={"digits/base": "a" * 64}).run()
    assert Trainer(TinyTask(), RECIPE, tmp_path, builds_on={"digits/base": "a" * 64}).epochs_done == 4
    with pytest.raises(RuntimeError, match="other weights of digits/base than are there now"):
        Trainer(TinyTask(), RECIPE, tmp_path, builds_on={"digits/base": "b" * 64})


def test_average_is_exponential_with_a_warm_start(tmp_path: Path) -> None:
    """``avg ← keep·avg + (1−keep)·w``, ``keep = min(ema, (1+steps)/(10+steps))``; counters are copied."""
    trainer = Trainer(TinyTask(), RECIPE, tmp_path)
    weight, average = trainer.model[0].weight, trainer.average.state_dict()["0.weight"]
    expected = average.clone().double()
    for steps in (1, 2, 50, 1000):
        trainer.steps = steps
        with torch.no_grad():
            weight.add_(1.0)
            trainer.model[1].num_batches_tracked.fill_(steps)
        trainer._update_average()
        keep = min(0.9, (1 + steps) / (10 + steps))
        expected = keep * expected + (1 - keep) * weight.detach().double()
        torch.testing.assert_close(average.double(), expected, rtol=1e-5, atol=1e-6)
        assert int(trainer.average[1].num_batches_tracked) == steps


def test_the_best_epoch_of_the_last_stage_is_kept(tmp_path: Path) -> None:
    """Scores at other image sizes do not count, and of the last stage the best one does."""

    class Scripted(TinyTask):
        scores = iter([0.9, 0.2, 0.8, 0.4])

        def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
            return {"score": next(self.scores)}

    trainer = Trainer(Scripted(), RECIPE, tmp_path)
    trainer.run()
    assert trainer.best["epoch"] == 3
    assert trainer.best["score"] == 0.8


def test_learning_rate_schedule() -> None:
    assert learning_rate(0.04, 1.0) == pytest.approx(1.0)
    assert learning_rate(1.0, 1.0) == pytest.approx(0.01)
    assert learning_rate(0.52, 1.0) == pytest.approx(0.505)
    rates = [learning_rate(step / 1000, 2.0) for step in range(1001)]
    assert min(rates) > 0
    assert max(rates) <= 2.0
    assert rates[:41] == sorted(rates[:41])
    assert rates[40:] == sorted(rates[40:], reverse=True)


def test_shuffled_gives_whole_batches_without_repeats() -> None:
    batches = list(shuffled(25, 4, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [4] * 6
    assert len(set(np.concatenate(batches).tolist())) == 24


# --- Recipes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", recipe.known())
def test_every_recipe_fits_its_task(key: str) -> None:
    one = recipe.read(key)
    assert one.domain == key.partition("/")[0]
    assert bool(one.stages) is (one.task not in recipe.CLOSED_FORM)
    inspect.signature(run.TASKS[one.task]).bind(one, Path(), **one.options)
    assert one.path.is_file()


@pytest.mark.parametrize("key", recipe.known())
def test_a_recipe_is_the_one_that_its_weights_were_made_with(key: str) -> None:
    """What ``train`` would do is what was done: a recipe changed without training is noticed."""
    one = recipe.read(key)
    folder = weights.root() / (one.publishes or key)
    tuned = {recipe.read(other).publishes for other in recipe.known()}
    beside = folder / ("recipe-base.toml" if key in tuned else "recipe.toml")
    if not beside.is_file():
        pytest.skip(f"{beside.name} of {folder.name} was not kept; the README says so")
    assert beside.read_text() == one.path.read_text()


@pytest.mark.parametrize("domain", ["digits", "objects", "photographs"])
def test_a_domain_trains_in_order(domain: str) -> None:
    """Each recipe starts from weights that an earlier one publishes, and nothing that a defense needs is missing."""
    published: set[str] = set()
    for key in run.in_order(domain):
        one = recipe.read(key)
        assert "codec" not in one.options or one.options["codec"] in published
        if "defense" in one.options:
            defense = DEFENSES[one.options["defense"]]
            assert {f"{domain}/{name}" for name in (defense.codec, *defense.networks)} <= published
        published.add(one.publishes or one.key)
    needed = {part for one in DEFENSES.values() if one.available(domain) for part in (one.codec, *one.networks)}
    assert {f"{domain}/{name}" for name in {*needed, "judge", "naive", PRIOR}} <= published
    if domain != "objects":
        assert {f"{domain}/{name}" for name in NETWORKS} <= published


def test_a_domain_without_recipes_is_named() -> None:
    with pytest.raises(ValueError, match="no recipes for 'sounds'"):
        run.in_order("sounds")


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no recipe 'digits/bas'.*digits/base"):
        recipe.read("digits/bas")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("task = 'judge'\nlr = 1\ntypo = 2\n[[stage]]\nepochs = 1\nbatch = 2\n", "typo"),
        ("task = 'judge'\nlr = 1\n[[stage]]\nepochs = 1\nbatch = 2\nbtach = 3\n", "btach"),
        ("task = 'judge'\nlr = 1\n", "stage"),
        ("task = 'judge'\n[[stage]]\nepochs = 1\nbatch = 2\n", "lr"),
        ("lr = 1\n[[stage]]\nepochs = 1\nbatch = 2\n", "task"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, reason: str
) -> None:
    monkeypatch.setattr(recipe, "RECIPES", tmp_path)
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "bad.toml").write_text(content)
    with pytest.raises(ValueError, match=f"bad.toml: .*{reason}"):
        recipe.read("digits/bad")


def test_an_unknown_task_or_option_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMCOM_RUNS", str(tmp_path))
    for task, options in (("magic", {}), ("judge", {"sice": 28})):
        with pytest.raises(ValueError, match=r"tiny\.toml: .*(magic|sice)"):
            run._train_one(replace(RECIPE, task=task, options=options), "cpu")


def test_the_digest_follows_the_content() -> None:
    assert RECIPE.digest == replace(RECIPE).digest
    for change in ({"lr": 0.011}, {"stages": (Stage(1, 16),)}, {"options": {"x": 1}}, {"seed": 2}):
        assert replace(RECIPE, **change).digest != RECIPE.digest


# --- What the tasks share ------------------------------------------------------------------------------


def test_random_link_is_half_awgn_half_rayleigh() -> None:
    """Even rows see AWGN at their SNR, odd rows fade; the equaliser's scale is the MMSE's."""
    z = torch.randn(600, 4, 14, 14, generator=torch.Generator().manual_seed(0))
    ours = random_link(z, torch.Generator().manual_seed(1))
    again = random_link(z, torch.Generator().manual_seed(1))
    assert torch.equal(ours, again)
    error = (ours - z).square().mean((1, 2, 3))
    snr_db = torch.empty(600, 1).uniform_(*SNR_RANGE_DB, generator=torch.Generator().manual_seed(1))[:, 0]
    expected = 1 / (1 + 10 ** (snr_db / 10))  # the least squared error of AWGN at this SNR
    torch.testing.assert_close(error[::2] / expected[::2], torch.ones(300), rtol=0, atol=0.35)
    assert float((error[1::2] / expected[1::2]).mean()) > 1.2  # fading is worse on average


def test_at_fixed_snr_is_reproducible() -> None:
    z = torch.randn(2, 4, 28, 28)
    assert torch.equal(at_fixed_snr(z, 10.0, 3), at_fixed_snr(z, 10.0, 3))
    assert not torch.equal(at_fixed_snr(z, 10.0, 3), at_fixed_snr(z, 10.0, 4))


@pytest.fixture
def drawn_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_shards(tmp_path / "data", "digits", "train", 30, shards=1)
    for name in ("data", "runs", "weights"):
        monkeypatch.setenv(f"SEMCOM_{name.upper()}", str(tmp_path / name))
    monkeypatch.delenv("SEMCOM_HUB_REPO", raising=False)
    datasets.load.cache_clear()
    yield tmp_path
    datasets.load.cache_clear()


def test_features_are_encoded_once(drawn_digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    codec = RepObECodec(1).eval()
    runs, plain = drawn_digits / "runs", datasets.load("digits", "train")
    cache = features.build(runs, codec, "digits", "train", copies=2, limit=6, seed=1)
    assert len(cache) == 12
    assert cache.images == 6
    index = np.array([0, 5, 6, 11])
    assert cache.z(index).shape == (4, 4, 28, 28)
    torch.testing.assert_close(cache.z(index).square().sum((1, 2, 3)), torch.full((4,), 3136.0), rtol=1e-2, atol=0)
    assert cache.label(index).tolist() == plain.labels[[0, 5, 0, 5]].tolist()
    shown = (cache.targets(index)[:, 0] * 255).round().byte().numpy()
    assert np.array_equal(shown[:2], plain.images[[0, 5]])  # copy 0 is the plain picture …
    assert not np.array_equal(shown[2:], shown[:2])  # … and copy 1 a changed one
    assert cache.targets_at(index).shape == (4, 1, 224, 224)

    def refuse(*arguments: object) -> None:
        pytest.fail("the encoder ran again")

    monkeypatch.setattr(features, "_encode_copy", refuse)
    again = features.build(runs, codec, "digits", "train", copies=2, limit=6, seed=1)
    assert torch.equal(again.z(index), cache.z(index))
    with torch.no_grad():
        codec.encoder.refine[-1].bias.add_(0.1)
    with pytest.raises(pytest.fail.Exception, match="the encoder ran again"):
        features.build(runs, codec, "digits", "train", copies=2, limit=6, seed=1)


def test_from_a_recipe_to_weights_that_load(drawn_digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``train digits/judge`` on 27 drawn pictures, twice: trained, published, loaded, and not trained again."""
    recipes = drawn_digits / "recipes"
    (recipes / "digits").mkdir(parents=True)
    (recipes / "digits" / "judge.toml").write_text(
        "task = 'judge'\nlr = 1e-3\nbf16 = false\n[options]\nsize = 28\n[[stage]]\nsize = 28\nepochs = 2\nbatch = 9\n"
    )
    monkeypatch.setattr(recipe, "RECIPES", recipes)
    run.train("digits/judge")
    assert [row["epoch"] for row in rows(drawn_digits / "runs" / "digits" / "judge")] == ["1", "2"]
    loaded = weights.load("digits/judge")
    assert loaded.config["recipe"] == "digits/judge"
    assert loaded.config["recipe_digest"] == recipe.read("digits/judge").digest
    assert float(loaded.module.energy_threshold) != 0
    assert not any(part.training for part in loaded.module.modules())
    assert loaded.module(torch.rand(1, 1, 28, 28)).shape == (1, 10)
    first = loaded.located.sha256
    run.train("digits/judge")
    assert weights.load("digits/judge").located.sha256 == first


def test_published_networks_are_in_the_registry() -> None:
    assert isinstance(build("repobe_codec", {"image_channels": 1, "classes": 10}), RepObECodec)


class TestReceiver:
    def test_cutmix_keeps_the_share_that_it_says(self) -> None:
        generator = torch.Generator().manual_seed(0)
        for _ in range(20):
            z = torch.arange(6.0)[:, None, None, None].expand(6, 4, 28, 28).contiguous()
            mixed, partner, share = _cutmix(z, generator)
            for row in range(6):
                own = (mixed[row] == row).float().mean() if partner[row] != row else torch.tensor(share)
                assert own == pytest.approx(share)
                assert set(mixed[row].unique().tolist()) <= {float(row), float(partner[row])}
            assert 0.0 < share < 1.0

    def test_a_mixture_lies_between_its_ends(self) -> None:
        before = {"w": torch.zeros(3), "count": torch.tensor(1)}
        after = {"w": torch.ones(3), "count": torch.tensor(5)}
        assert torch.equal(_mixture(before, after, 1.0)["w"], after["w"])
        assert torch.allclose(_mixture(before, after, 0.4)["w"], torch.full((3,), 0.4))
        assert _mixture(before, after, 0.4)["count"] == 5


def test_bf16_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for capabilities, pays in (({}, False), ({"amx_bf16": True}, True), ({"avx512_bf16": True}, True)):
        precision.bf16_pays.cache_clear()
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found)
        with precision.autocast("cpu"):
            assert torch.is_autocast_enabled("cpu") is pays
        with precision.autocast("cpu", wanted=False):
            assert not torch.is_autocast_enabled("cpu")
    precision.bf16_pays.cache_clear()


def test_statistics_of_features_are_those_of_numpy() -> None:
    z = torch.randn(50, 4, 28, 28, generator=torch.Generator().manual_seed(0))
    prior = FeaturePrior().fit(z)
    cell = z[:, :, 3, 5].double().numpy()
    assert np.allclose(prior.mean[3 * 28 + 5].numpy(), cell.mean(0), atol=1e-6)
    assert np.allclose(prior.cov[3 * 28 + 5].numpy(), np.cov(cell.T), atol=1e-5)
    left, right = z[..., :-1], z[..., 1:]
    pairs = torch.cat([left, right], 1).permute(1, 0, 2, 3).reshape(8, -1).double().numpy()
    assert np.allclose(prior.across_cov.numpy(), np.cov(pairs), atol=1e-5)
    above, below = z[..., :-1, :], z[..., 1:, :]
    pairs = torch.cat([above, below], 1).permute(1, 0, 2, 3).reshape(8, -1).double().numpy()
    assert np.allclose(prior.down_mean.numpy(), pairs.mean(1), atol=1e-6)
