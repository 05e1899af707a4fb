"""DiffSem-style: diffusion against another library and closed forms, noise levels against statistics."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from semcom_core import diffusion, link, manifest, models
from semcom_core.channels import CHANNELS, complex_normal, noise_variance, propagate
from semcom_core.codecs.repobe import normalise_power, pack, unpack
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.diffsem import Denoise, DiffSemReceiver, SelfNoise
from semcom_core.evaluation import paired
from semcom_core.evaluation.paired import Difference
from semcom_core.link import LinkModels
from semcom_core.networks.denoiser import DiffSemNetworks
from semcom_core.settings import LinkSettings
from semcom_core.training.denoiser import DenoiserTask, noisy_features
from tests.untrained import identical, textured


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_denoiser(x: Tensor, abar: Tensor, label: Tensor | None = None) -> Tensor:
    """Nothing trained; depends on everything that a denoiser is given."""
    shift = 0.0 if label is None else label.sum(1)[:, None]
    return torch.sin(3.0 * x) * abar[:, None] + 0.5 * x + shift


def features(count: int) -> Tensor:
    return normalise_power(torch.randn(count, 4, 28, 28, generator=seeded(9)))


@pytest.fixture(scope="module")
def networks(models: LinkModels) -> DiffSemNetworks:
    """Untrained, but every part has an effect; both tunings start as the codec's classifier."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        built = DiffSemNetworks()
        torch.nn.init.normal_(built.denoiser.leave.weight, std=0.05)
    for tuning in (built.denoised, built.noisy):
        tuning.start_from(models.codec.classifier)
    built.denoised.fc.bias.data[3] += 100.0
    return built.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def diffsem(models: LinkModels, networks: DiffSemNetworks) -> LinkModels:
    parts = {"codec": models.codec, "diffsem": networks}
    return replace(models, codec=DEFENSES["diffsem"].receiver(models.codec, parts), parts=parts)


# --- Diffusion ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 4, 25])
def test_ddim_is_the_ddim_of_diffusers(steps: int) -> None:
    """With our levels as its schedule, from the same state, for a denoiser that heeds the level."""
    from diffusers import DDIMScheduler

    x, abar = torch.randn(3, 50, generator=seeded()), torch.full((3,), 0.2)
    levels = diffusion.path(abar, steps)[:, 0].double()
    betas = 1.0 - levels[:-1].flip(0) / torch.cat([torch.ones(1), levels[1:-1].flip(0)])
    scheduler = DDIMScheduler(num_train_timesteps=steps, trained_betas=betas.numpy(), clip_sample=False)
    scheduler.set_timesteps(steps)
    theirs = x
    for t in scheduler.timesteps:
        theirs = scheduler.step(some_denoiser(theirs, scheduler.alphas_cumprod[t].expand(3)), t, theirs).prev_sample
    torch.testing.assert_close(diffusion.ddim(some_denoiser, x, abar, steps), theirs.float(), rtol=1e-4, atol=1e-4)


def test_following_the_linear_schedule_is_what_diffusers_does() -> None:
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False)
    torch.testing.assert_close(diffusion.linear_schedule().float(), scheduler.alphas_cumprod, rtol=1e-4, atol=1e-7)
    scheduler.set_timesteps(10)
    theirs = x = torch.randn(2, 50, generator=seeded())
    for t in scheduler.timesteps:
        theirs = scheduler.step(some_denoiser(theirs, scheduler.alphas_cumprod[t].expand(2)), t, theirs).prev_sample
    levels = torch.cat([diffusion.linear_schedule()[scheduler.timesteps], torch.ones(1)]).float()
    ours = diffusion.follow(some_denoiser, x, levels[:, None].expand(-1, 2))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_with_the_true_denoiser_of_a_gaussian_one_step_is_its_mean_and_many_its_quantile() -> None:
    """For s ~ N(0,v): one step gives E[s|x]; the limit maps x's distribution onto s's, monotonically."""
    v, abar = 0.3, torch.tensor([0.1, 0.5, 0.9])

    def exact(x: Tensor, a: Tensor, label: Tensor | None) -> Tensor:
        return (1 - a).sqrt()[:, None] * x / (a * v + 1 - a)[:, None]

    x = torch.randn(3, 20, generator=seeded())
    power = abar * v + 1 - abar
    mean = abar.sqrt() * v / power
    torch.testing.assert_close(diffusion.ddim(exact, x, abar, 1), mean[:, None] * x)
    quantile = (v / power).sqrt()[:, None] * x
    torch.testing.assert_close(diffusion.ddim(exact, x, abar, 400), quantile, rtol=0.02, atol=0.0)


def test_a_path_rises_in_equal_angles_to_one() -> None:
    levels = diffusion.path(torch.tensor([0.05, 0.7, 1.0]), 7)
    angles = torch.arccos(levels.clamp(0, 1).sqrt().double())
    assert torch.allclose(angles.diff(dim=0), (-angles[0] / 7).expand(7, 3), atol=1e-3)
    assert torch.equal(levels[-1], torch.ones(3))
    with pytest.raises(ValueError, match="At least one"):
        diffusion.ddim(some_denoiser, torch.zeros(1, 2), torch.ones(1), 0)


# --- Self-noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["awgn", "rayleigh"])
@pytest.mark.parametrize(("sigma", "snr_db"), [(1.0, 7.0), (1.0, 15.0), (2.0, 23.0), (0.0, 10.0), (0.3, 0.0)])
def test_the_diffusion_starts_where_the_formulas_say(channel: str, sigma: float, snr_db: float) -> None:
    """The issue's form: bias divided out, input scaled by 1/√(1+σ_h²), level a/(1+σ_h²); and statistics."""
    plug_in = SelfNoise(sigma, snr_db)
    s = complex_normal((6, 40_000), seeded(1))
    x = plug_in.protect(s, [], seeded(2))
    assert abs(float(x.abs().square().mean()) - 1.0) < 0.02
    received = propagate(CHANNELS[channel], x, snr_db, seeded(3))
    s_hat = plug_in.recover(received.equalise(), [])
    noise = plug_in.noise_after(received.effective()[1])

    sigma2, g = 10 ** (-snr_db / 10), received.h.abs().square()[:, 0]
    sigma2_h = sigma2 / g
    a = min(1.0, (1.0 + sigma2) / (1.0 + sigma**2))
    abar = a / (1.0 + sigma2_h)
    state = received.equalise() / (g / (g + sigma2))[:, None] / (1.0 + sigma2_h).sqrt()[:, None]
    torch.testing.assert_close(diffusion.level(noise).expand(6), abar.expand(6), rtol=1e-4, atol=0.0)
    torch.testing.assert_close(s_hat * (1.0 + noise).sqrt().reshape(-1, 1), state.expand(6, -1), rtol=1e-4, atol=1e-5)

    found = (state * s.conj()).mean(1).real / s.abs().square().mean(1)
    left = (state - abar.sqrt().reshape(-1, 1) * s).abs().square().mean(1)
    assert torch.allclose(found, abar.sqrt().expand(6), atol=0.03)
    assert torch.allclose(left, (1.0 - abar).expand(6), atol=0.03)


def test_on_awgn_the_level_is_the_chosen_one_until_the_channel_is_noisier() -> None:
    noise = lambda sigma, snr_db: float(SelfNoise(sigma, snr_db).noise_after(noise_variance(snr_db)))  # noqa: E731
    for snr_db in (3.0, 10.0, 25.0):
        assert noise(1.0, snr_db) == pytest.approx(1.0, rel=1e-5), "worse channel, less noise of the sender"
    assert noise(1.0, -3.0) == pytest.approx(10**0.3, rel=1e-5)
    assert float(SelfNoise(1.0, -3.0).a) == 1.0


# --- The receiver ------------------------------------------------------------------------------------


def test_the_networks_are_small_and_registered() -> None:
    built = models.build("diffsem", {"classes": 10})
    count = lambda module: sum(value.numel() for value in module.state_dict().values())  # noqa: E731
    assert count(built.denoiser) <= 1_500_000
    assert 2 * count(built) < 3_000_000, "half-precision weights"


@torch.inference_mode()
def test_an_untrained_denoiser_leaves_the_direction_of_the_features() -> None:
    """v = 0: the estimate of the noise is exactly proportional to the state."""
    fresh, z = DiffSemNetworks().eval(), features(2)
    plug_in = Denoise(fresh, None, 3, False)  # type: ignore[arg-type]
    torch.testing.assert_close(unpack(plug_in.recover(pack(0.4 * z), [], torch.full((2,), 1.5))), z)


@torch.inference_mode()
def test_the_denoiser_heeds_level_and_label_and_keeps_the_power(models: LinkModels, networks: DiffSemNetworks) -> None:
    s_hat, noise = pack(0.5 * features(2)), torch.tensor([1.0, 0.2])
    plug_in = Denoise(networks, models.codec.classifier, 4, True)
    once = plug_in.recover(s_hat, [], noise)
    assert torch.equal(once, plug_in.recover(s_hat, [], noise)), "deterministic"
    assert torch.allclose(once.abs().square().mean(1), torch.ones(2), atol=1e-4)
    assert (once - plug_in.recover(s_hat, [], noise.flip(0))).abs().max() > 1e-3
    assert (once - replace(plug_in, labels=False).recover(s_hat, [], noise)).abs().max() > 1e-5
    assert not plug_in.noise_after(noise).any()
    off = replace(plug_in, steps=0)
    assert torch.equal(off.recover(s_hat, [], noise), s_hat)
    assert torch.equal(off.noise_after(noise), noise)
    with pytest.raises(ValueError, match="noise level"):
        plug_in.recover(s_hat, [])


@torch.inference_mode()
def test_the_receiver_takes_the_classifier_for_what_it_gets(models: LinkModels, networks: DiffSemNetworks) -> None:
    receiver = DiffSemReceiver(models.codec, networks)
    symbols = pack(features(2))
    plain = models.codec.decode(symbols)
    noisy = receiver.decode(symbols, torch.tensor([0.1, 0.2]))
    torch.testing.assert_close(noisy.logits, plain.logits)
    torch.testing.assert_close(noisy.image, plain.image)
    assert (receiver.decode(symbols, torch.zeros(2)).logits.argmax(1) == 3).all(), "tuned for denoised features"


def test_the_link_is_a_pure_function_of_its_settings(diffsem: LinkModels) -> None:
    settings = LinkSettings(defense="diffsem", noise=1.0, steps=2, channel="rayleigh")
    first, second = (link.transmit(diffsem, textured(1), settings) for _ in range(2))
    assert identical(first, second)
    assert first.reception.reading.logits.argmax(1).item() == 3
    off = link.transmit(diffsem, textured(1), replace(settings, steps=0))
    assert torch.equal(off.sent.x, first.sent.x), "the receiver's choices do not reach the sender"
    assert torch.equal(off.reception.received.y, first.reception.received.y)
    assert off.reception.reading.logits.argmax(1).item() != 3


# --- Evaluation --------------------------------------------------------------------------------------


def test_the_gap_pairs_all_arms_on_one_reception(diffsem: LinkModels) -> None:
    """A denoised reception is always read as 3 here: accuracies and differences are known."""
    from semcom_core.evaluation.diffsem import gap
    from semcom_core.evaluation.measure import Measured

    encoded = link.encode(diffsem, textured(4))
    measured = Measured(diffsem, (encoded,), np.array([3, 3, 3, 5]), encoded)
    results = gap(measured, (1.0,), (("awgn", 15.0),), ())
    cell, over_links = results["cells"][0], results["noises"][0]
    without = cell["receiver"]["without"]["accuracy"]
    assert cell["receiver"]["with"]["accuracy"] == cell["attacker"]["with_labels"]["accuracy"] == 0.75
    assert cell["gain"]["with"]["difference"] == pytest.approx(0.75 - without)
    assert cell["lead"]["with"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    assert over_links["receiver"] == cell["receiver"], "one link: the mean over links is that link"


# --- Training ----------------------------------------------------------------------------------------


def test_training_sees_the_law_of_the_link() -> None:
    z = features(64)
    estimate, noise = noisy_features(z, 3.0, seeded(4))
    error = (estimate * (1.0 + noise)[:, None, None, None] - z).square().mean((1, 2, 3))
    usable = noise < 30
    assert usable.sum() > 50
    assert torch.allclose(error[usable] / noise[usable], torch.ones(1), atol=0.15)
    assert float(noise.min()) < 0.05 < 3.0 < float(noise[usable].max())


class _Labels:
    def __init__(self, labels: Tensor) -> None:
        self.labels = labels

    def label(self, index: np.ndarray) -> Tensor:
        return self.labels[index]


def test_no_classifier_reads_a_label_that_it_was_told(models: LinkModels) -> None:
    """Labels that only the denoiser is told change its loss, and neither cross entropy."""
    task = object.__new__(DenoiserTask)
    task.codec, task.lambda_eps, task.sigma_max, task.smoothing = copy.deepcopy(models.codec), 1.0, 3.0, 0.0
    task.model = DiffSemNetworks()
    torch.nn.init.normal_(task.model.denoiser.leave.weight, std=0.05)
    for tuning in (task.model.denoised, task.model.noisy):
        tuning.start_from(models.codec.classifier)
    labels, told = torch.arange(8) % 10, torch.randperm(8, generator=seeded(7))[:4]
    changed = labels.clone()
    changed[told] = 9
    terms = []
    for given in (labels, changed):
        task.cache = _Labels(given)
        terms.append(task.loss((np.arange(8), features(8)), None, seeded(7)))
    for name in ("ce_noisy", "ce_denoised"):
        torch.testing.assert_close(terms[0][name], terms[1][name], rtol=0, atol=0)
    assert terms[0]["eps"] != terms[1]["eps"]
    terms[0]["loss"].backward()
    assert all(p.grad is None for p in models.codec.parameters())


def test_paired_gains_are_read_for_these_weights_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path))
    folder = tmp_path / "digits" / "diffsem"
    folder.mkdir(parents=True)
    assert paired.read("digits") == ()
    told = {"accuracy": 0.9, "interval": [0.8, 1.0]}
    both, change = {"without": told, "with": told}, {"difference": 0.01, "interval": [-0.01, 0.03]}
    row = {"noise": 1.0, "links": 6, "images": 1000, "receiver": both, "labels_gain": change}
    row |= {name: {"with": change} for name in ("gain", "attacker_gain", "lead")}
    file = manifest.files_of("digits/diffsem")[0]
    for sha256, there in (("ab", 1), ("cd", 0)):
        (tmp_path / manifest.MANIFEST).write_bytes(manifest.dump({file: manifest.Entry(sha256 * 32, 1)}))
        (folder / "results.json").write_text(json.dumps({"weights": {"diffsem": "ab" * 32}, "noises": [row]}))
        assert len(paired.read("digits")) == there
        manifest._parsed.cache_clear()
    assert not Difference(0.01, (-0.01, 0.03)).beyond_chance and Difference(0.01, (0.001, 0.03)).beyond_chance
