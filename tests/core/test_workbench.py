"""The small link: power, reproducible training, cancelling, recipes. On made-up pictures, seconds in all."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from semcom_core import datasets, weights
from semcom_core.attacks import default_attacker
from semcom_core.bandwidth import first_symbols
from semcom_core.channels import CHANNELS, propagate
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.codecs.small import SmallCodec
from semcom_core.defenses import DEFENSES
from semcom_core.models import build
from semcom_core.networks.small import SmallInversion
from semcom_core.training import recipe, run
from semcom_core.workbench import measure, pictures
from semcom_core.workbench.pictures import Pictures
from semcom_core.workbench.settings import LIMITS, WorkbenchSettings, from_recipe, to_toml
from semcom_core.workbench.training import Training, initialise, snapshots
from tests.shards import write_shards

TINY = WorkbenchSettings(pictures="drawn", images=200, batch=50, epochs=2, symbols=8, lr=0.01, warp=0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made_up(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """A bright block at a place that tells the class, in noise."""
    generator = seeded(seed)
    labels = torch.arange(count) % 10
    images = 0.3 * torch.rand(count, 1, 28, 28, generator=generator)
    for number, label in enumerate(labels.tolist()):
        top, left = 2 + 12 * (label // 5), 1 + 5 * (label % 5)
        images[number, 0, top : top + 10, left : left + 5] += 0.6
    return images, labels


def material() -> Pictures:
    return Pictures("drawn", *made_up(200, 1), *made_up(100, 2))


def finished(settings: WorkbenchSettings) -> tuple[Training, list]:
    training = Training(settings, material())
    return training, list(training.run())


@pytest.fixture(scope="module")
def learned() -> tuple[Training, list]:
    """A run of ten epochs; no test may change it."""
    return finished(replace(TINY, epochs=10))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


# --- Networks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 32, 128])
def test_shapes_and_the_power_of_each_picture(n: int) -> None:
    codec, attacker = SmallCodec(n).eval(), SmallInversion(n).eval()
    s = codec.encode(torch.rand(5, 1, 28, 28, generator=seeded()))
    assert s.shape == (5, n) and s.is_complex()
    torch.testing.assert_close(s.abs().square().mean(1), torch.ones(5))
    image, logits = codec.decode(s)
    assert image.shape == (5, 1, 28, 28) and logits.shape == (5, 10)
    torch.testing.assert_close(codec.classify(s), logits)
    logits, image = attacker(s, torch.full((5,), 0.1))
    assert image.shape == (5, 1, 28, 28) and logits.shape == (5, 10)
    assert 0 <= image.min() and image.max() <= 1


def test_both_are_registered_for_publishing() -> None:
    for name, kind, more in (("small_codec", SmallCodec, {"draws": 1}), ("small_inversion", SmallInversion, {})):
        assert isinstance(build(name, {"channel_uses": 16, "classes": 10} | more), kind)
        with pytest.raises(ValueError, match="from 2 to 128"):
            build(name, {"channel_uses": 1, "classes": 10} | more)


def test_initial_weights_have_pytorchs_law() -> None:
    """Uniform within ``1/√fan_in``, weights and biases alike: the deviation is ``1/√(3·fan_in)``."""
    layer = initialise(torch.nn.Linear(300, 400), seeded())
    for part in (layer.weight, layer.bias):
        assert float(part.detach().abs().max()) <= 300**-0.5
        assert float(part.detach().std()) == pytest.approx((3 * 300) ** -0.5, rel=0.1)


# --- Bandwidth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_what_was_not_sent_is_estimated_as_zero(channel: str) -> None:
    x = SmallCodec(8).encode(torch.rand(3, 1, 28, 28)).detach()
    short = propagate(CHANNELS[channel], x[:, :5], 10.0, seeded())
    whole = first_symbols(short, 8)
    torch.testing.assert_close(whole.equalise()[:, :5], short.equalise())
    assert not whole.equalise()[:, 5:].any()
    assert first_symbols(whole, 8) is whole
    assert whole.effective()[1].isfinite().all()


# --- Training ------------------------------------------------------------------------------------------


def test_200_pictures_reduce_the_loss_and_are_learned(learned: tuple[Training, list]) -> None:
    training, looks = learned
    assert len(looks) == snapshots(training.settings)
    assert [look.step for look in looks] == sorted({look.step for look in looks})
    assert looks[0].step == 0 and not looks[0].losses and looks[-1].step == 40
    assert looks[-1].losses["loss"] < 0.5 * looks[1].losses["loss"]
    assert looks[-1].losses["attack_mse"] < looks[1].losses["attack_mse"]
    assert looks[-1].figures.receiver.accuracy > 0.9 > looks[0].figures.receiver.accuracy
    assert looks[-1].figures.attacker.accuracy > 0.9
    assert looks[-1].figures.attacker.psnr > looks[0].figures.attacker.psnr + 1
    assert looks[-1].figures.receiver.looks.shape == (10, 28, 28)


@pytest.mark.parametrize(("images", "epochs"), [(100, 1), (100, 29), (100, 31), (300, 20), (5000, 15)])
def test_the_number_of_snapshots_is_known_before(images: int, epochs: int) -> None:
    settings = WorkbenchSettings(images=images, batch=100, epochs=epochs)
    assert settings.steps == images // 100 * epochs
    stride = max(1, settings.steps // 30)
    marks = {step for step in range(1, settings.steps + 1) if step % stride == 0} | {0, settings.steps}
    assert snapshots(settings) == len(marks)


def test_equal_seeds_train_equal_links_whatever_else_draws_numbers() -> None:
    one = Training(TINY, material())
    other = Training(TINY, material())
    before = torch.get_rng_state()
    for _ in one.run():
        pass
    assert torch.equal(torch.get_rng_state(), before), "the process-wide generator was used"
    for _ in other.run():
        torch.rand(3)  # another session, in the midst of it
    assert same(one.codec, other.codec) and same(one.attacker, other.attacker)
    third, _ = finished(replace(TINY, seed=2))
    assert not same(one.codec, third.codec)


def test_the_attacker_changes_nothing_in_the_link() -> None:
    one, other = (Training(replace(TINY, epochs=1), material()) for _ in range(2))
    initialise(other.attacker, seeded(99))
    for training in (one, other):
        for _ in training.run():
            pass
    assert same(one.codec, other.codec)
    assert not same(one.attacker, other.attacker)


def test_cancelling_keeps_what_was_reached() -> None:
    training = Training(replace(TINY, epochs=10), material())
    run_ = training.run()
    looks = list(itertools.islice(run_, 6))
    assert training._optimisers
    run_.close()
    assert not training._optimisers  # their memory is given back
    assert training.step == looks[-1].step == 5
    held_out = training.pictures.held_out, training.pictures.held_out_labels
    again = measure.measure(training.small(), *held_out)
    assert again.receiver.accuracy == looks[-1].figures.receiver.accuracy
    assert np.array_equal(again.attacker.looks, looks[-1].figures.attacker.looks)


def test_a_link_in_use_is_not_trained_on() -> None:
    training = Training(TINY, material())
    run_ = training.run()
    next(run_)
    small = training.small()
    before = [value.clone() for value in small.codec.parameters()]
    next(run_)
    assert all(torch.equal(a, b) for a, b in zip(before, small.codec.parameters(), strict=True))
    assert not same(small.codec, training.codec)
    assert not any(value.requires_grad for value in small.codec.parameters())


def test_later_terms_come_with_the_second_epoch() -> None:
    settings = replace(TINY, lambda_cem=4.0, sigma=0.5, beta=1.0, epochs=3)
    _, looks = finished(settings)
    first_epoch = [look for look in looks if 0 < look.step <= 4]
    later = [look for look in looks if look.step > 4]
    assert not any({"cem", "kl"} & look.losses.keys() for look in first_epoch)
    for look in later:
        assert {"cem", "kl"} <= look.losses.keys()
        assert all(np.isfinite(value) for value in look.losses.values())
        parts = look.losses["ce"] + settings.lambda_rec * look.losses["mse"]
        parts += settings.lambda_cem * look.losses["cem"] + settings.beta * look.losses["kl"]
        assert look.losses["loss"] == pytest.approx(parts, rel=1e-4)


def test_temperature_one_is_plain_cross_entropy_and_a_high_one_softens_the_loss() -> None:
    """At T → ∞ the probabilities are even: the loss is log 10 whatever the logits are."""
    _, looks = finished(replace(TINY, temperature=8.0, epochs=1, lambda_rec=0.0))
    assert looks[1].losses["ce"] == pytest.approx(np.log(10), abs=0.03)


@pytest.mark.parametrize(("channel", "fading"), [("awgn", 0.0), ("rayleigh", 1.0), ("mixed", 0.5)])
def test_each_picture_has_its_own_snr_and_channel(channel: str, fading: float) -> None:
    settings = replace(TINY, channel=channel, snr_low=3.0, snr_high=9.0)
    received = Training(settings, material())._reception(torch.ones(4000, 2, dtype=torch.complex64))
    snr_db = -10 * torch.log10(received.sigma2)
    assert 3.0 <= float(snr_db.min()) < 3.1 and 8.9 < float(snr_db.max()) <= 9.0
    assert float(snr_db.mean()) == pytest.approx(6.0, abs=0.15)
    assert float((received.h != 1).float().mean()) == pytest.approx(fading, abs=0.02)


def test_nested_training_sends_every_length() -> None:
    training = Training(replace(TINY, nested=True), material())
    seen = {training._uses() for _ in range(300)}
    assert seen == set(range(1, 9))
    assert {Training(TINY, material())._uses() for _ in range(5)} == {8}


def test_an_attacker_that_learned_nothing_takes_the_receivers_networks(learned: tuple[Training, list]) -> None:
    """A weak network of its own must not make a link look private."""
    training, _ = learned
    held_out = training.pictures.held_out, training.pictures.held_out_labels
    small = training.small()
    figures = measure.measure(small, *held_out)
    weak = measure.measure(replace(small, attacker=initialise(SmallInversion(8), seeded(99))), *held_out)
    assert not weak.attacker.own_class and not weak.attacker.own_picture
    assert weak.attacker.psnr == pytest.approx(weak.receiver.psnr, abs=0.3)  # at an antenna of its own
    assert figures.attacker.psnr >= weak.attacker.psnr and figures.attacker.accuracy >= weak.attacker.accuracy


def test_a_link_for_the_class_alone_has_no_picture_and_its_attacker_has() -> None:
    training, looks = finished(replace(TINY, lambda_rec=0.0, epochs=6))
    ours, theirs = looks[-1].figures.receiver, looks[-1].figures.attacker
    assert training.codec.painter is None and "mse" not in looks[-1].losses
    assert ours.psnr is None and ours.looks is None and ours.accuracy > 0.8
    assert theirs.own_picture and theirs.psnr > looks[0].figures.attacker.psnr
    assert default_attacker(DEFENSES["workbench"], KeyPolicy.MESSAGE) == "inversion"  # the public networks draw nothing


def test_sweeps_of_a_trained_link(learned: tuple[Training, list]) -> None:
    training, _ = learned
    small, images, labels = training.small(), training.pictures.held_out, training.pictures.held_out_labels
    over_snr = measure.sweep_snr(small, images, labels)
    assert [point.at for point in over_snr] == list(measure.SWEEP_DB)
    assert over_snr[-1].receiver_psnr > over_snr[0].receiver_psnr
    over_bandwidth = measure.sweep_bandwidth(small, images, labels)
    assert over_bandwidth[-1].at == 8
    assert over_bandwidth[-1].receiver >= over_bandwidth[0].receiver
    clean, attacked = measure.sweep_epsilon(small, images, labels, (0.0, 0.3))
    assert clean.receiver > 0.9
    assert attacked.receiver < clean.receiver


# --- Settings and recipes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbols": 1}, {"symbols": 129}, {"symbols": 8.5}, {"lr": 0.0}, {"lr": float("nan")}, {"pictures": "cats"},
        {"channel": "rician"}, {"snr_low": 10.0, "snr_high": 5.0}, {"batch": 256, "images": 200}, {"epochs": True},
        {"nested": 1}, {"temperature": "1"},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_with_a_sentence(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        WorkbenchSettings(**wrong)


def a_number(name: str) -> st.SearchStrategy:
    low, high = LIMITS[name]
    return (
        st.integers(int(low), int(high)) if isinstance(getattr(WorkbenchSettings, name), int) else st.floats(low, high)
    )


any_settings = st.builds(
    WorkbenchSettings,
    pictures=st.sampled_from(["mnist", "drawn"]),
    channel=st.sampled_from(["mixed", "awgn", "rayleigh"]),
    nested=st.booleans(),
    snr_low=st.floats(-5, 5),
    snr_high=st.floats(5, 25),
    images=st.integers(256, 5000),
    **{name: a_number(name) for name in LIMITS if name not in ("snr_low", "snr_high", "images")},
)


@given(any_settings)
def test_a_recipe_reads_back_as_the_settings(tmp_path_factory: pytest.TempPathFactory, settings) -> None:
    file = tmp_path_factory.mktemp("recipes") / "my-link.toml"
    file.write_text(to_toml(settings))
    one = recipe.read(str(file))
    assert from_recipe(one) == settings
    assert (one.key, one.domain, one.publishes) == ("digits/my-link", "digits", "digits/workbench")


def test_the_recipe_of_this_program_has_the_default_settings() -> None:
    assert from_recipe(recipe.read("digits/workbench")) == WorkbenchSettings()


def test_a_file_may_not_take_a_recipes_name_and_must_name_its_domain(tmp_path: Path) -> None:
    content = to_toml(TINY)
    for name, text, reason in (
        ("base.toml", content, "digits/base is the name of a recipe"),
        ("My Link.toml", content, "call the file something else"),
        ("mine.toml", content.replace('domain = "digits"\n', ""), "domain"),
        ("mine.toml", "task = ", "no TOML"),
        ("mine.toml", content.replace("symbols", "simbols"), None),
    ):
        (tmp_path / name).write_text(text)
        if reason:
            with pytest.raises(ValueError, match=reason):
                recipe.read(str(tmp_path / name))
        else:
            with pytest.raises(TypeError, match="simbols"):
                from_recipe(recipe.read(str(tmp_path / name)))
    with pytest.raises(ValueError, match="There is no recipe"):
        recipe.read(str(tmp_path / "none.toml"))


def test_where_a_recipe_lies_is_no_part_of_its_digest(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(TINY))
    one = recipe.read(str(tmp_path / "mine.toml"))
    assert one.path == tmp_path / "mine.toml"
    assert one.digest == replace(one, file=None).digest


def test_the_train_command_gives_the_link_that_the_page_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(pictures, "load", lambda name, images: material())
    file = tmp_path / "mine.toml"
    file.write_text(to_toml(TINY))
    run.train(str(file))
    expected, _ = finished(TINY)
    for name, part in (("digits/workbench", expected.codec), ("digits/inversion_workbench", expected.attacker)):
        loaded = weights.load(name).module
        for key, value in part.state_dict().items():
            assert torch.equal(loaded.state_dict()[key], value.half().float()), key
    assert (tmp_path / "weights/digits/workbench/recipe.toml").read_text() == file.read_text()
    run.train(str(file))  # again, over what is there


def test_a_wrong_option_in_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(TINY).replace("symbols = 8", "symbols = 800"))
    with pytest.raises(ValueError, match="symbols must be between 2 and 128"):
        run.train(str(tmp_path / "mine.toml"))


# --- Pictures --------------------------------------------------------------------------------------------


def test_drawn_digits_keep_held_out_glyphs_apart() -> None:
    drawn = pictures.load("drawn", 300)
    assert drawn.images.shape == (300, 1, 28, 28) and drawn.held_out.shape == (pictures.HELD_OUT, 1, 28, 28)
    assert 0 <= drawn.images.min() and 0.8 < drawn.images.max() <= 1.001
    assert set(drawn.labels.tolist()) == set(drawn.held_out_labels.tolist()) == set(range(10))
    assert 0.05 < float(drawn.images.mean()) < 0.3  # light ink on black, as in MNIST


def test_the_first_pictures_of_a_split_are_those_of_the_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix, count in (("train", 60), ("test", 20)):
        write_shards(tmp_path, "digits", prefix, count)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    datasets.load.cache_clear()
    for split in ("train", "held_out", "report"):
        few, whole = datasets.first("digits", split, 5), datasets.load("digits", split)
        assert np.array_equal(few.images, whole.images[:5]) and np.array_equal(few.labels, whole.labels[:5])
    assert datasets.at_hand("digits")
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "nothing"))
    assert not datasets.at_hand("digits")
    assert pictures.default() == "drawn"
    datasets.load.cache_clear()
