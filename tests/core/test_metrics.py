"""PSNR, SSIM, accuracy and intervals against closed forms, another library and known laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import binom
from skimage.metrics import structural_similarity

from semcom_core.metrics import (
    accuracy_interval,
    balanced_accuracy,
    bootstrap,
    chance_p_value,
    holm,
    psnr,
    ssim,
    wilson,
)


def pictures(batch: int, channels: int, size: int, seed: int = 0) -> torch.Tensor:
    """Smooth random pictures in [0,1]."""
    noise = np.random.default_rng(seed).normal(size=(batch, channels, size, size))
    return torch.from_numpy((0.5 + gaussian_filter(noise, (0, 0, 2, 2))).clip(0, 1)).float()


@given(st.floats(0.001, 0.5))
def test_psnr_of_a_constant_error(error: float) -> None:
    """An error of e at every pixel has PSNR −20 log₁₀ e."""
    reference = torch.full((2, 3, 8, 8), 0.25)
    expected = -20 * math.log10(error)
    torch.testing.assert_close(psnr(reference + error, reference), torch.full((2,), expected), rtol=1e-3, atol=1e-3)


def test_psnr_is_per_image_and_infinite_for_equal_ones() -> None:
    reference = torch.rand(3, 1, 28, 28)
    image = reference.clone()
    image[1] += 0.1
    image[2, 0, 0, 0] += 0.28  # MSE = 0.28²/784 = 1e-4
    values = psnr(image, reference)
    assert values[0] == math.inf
    assert values[1] == pytest.approx(20.0, abs=1e-3)
    assert values[2] == pytest.approx(40.0, abs=1e-3)


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (3, 224)])
@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
def test_ssim_agrees_with_scikit_image(channels: int, size: int, noise: float) -> None:
    """Same window (11×11 Gaussian, σ = 1.5) over the same interior: equal to 1e-5."""
    reference = pictures(2, channels, size)
    image = (reference + noise * torch.randn(reference.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    ours = ssim(image, reference)
    for number in range(2):
        _, every = structural_similarity(
            image[number].double().numpy(), reference[number].double().numpy(), data_range=1.0, channel_axis=0,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
        )  # fmt: skip
        inside = every[:, 5:-5, 5:-5]  # only windows that lie inside the picture
        assert float(ours[number]) == pytest.approx(inside.mean(), abs=1e-5)


def test_ssim_is_the_same_inside_mixed_precision() -> None:
    image, reference = pictures(3, 1, 28), pictures(3, 1, 28, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = ssim(image, reference)
    torch.testing.assert_close(mixed, ssim(image, reference), rtol=0, atol=0)


def test_ssim_of_equal_pictures_is_one() -> None:
    one = pictures(2, 3, 64)
    torch.testing.assert_close(ssim(one, one), torch.ones(2))
    torch.testing.assert_close(ssim(one.contiguous(memory_format=torch.channels_last), one), torch.ones(2))


def test_balanced_accuracy() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    assert balanced_accuracy(np.zeros(100), labels) == 0.5  # always the frequent class: 0.9 right, but chance
    assert balanced_accuracy(labels, labels) == 1.0
    predicted = np.where(np.arange(100) < 45, 0, 1)
    assert balanced_accuracy(predicted, labels) == pytest.approx((0.5 + 1.0) / 2)


# --- Intervals ---------------------------------------------------------------------------------------


def test_bootstrap_covers_a_known_mean() -> None:
    """Bernoulli(0.9), 200 images, 300 repetitions: a 95 % interval covers in 0.91 to 0.98 of them."""
    rng = np.random.default_rng(0)
    covered = 0
    for repetition in range(300):
        low, high = bootstrap((rng.random(200) < 0.9).astype(float), draws=400, seed=repetition)
        covered += low <= 0.9 <= high
    low, high = binom.interval(0.999, 300, 0.945)  # percentile intervals of 200 zeros and ones are a bit short
    assert low <= covered <= high


def test_bootstrap_width_and_seed() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 1000)
    low, high = bootstrap(values)
    assert high - low == pytest.approx(2 * 1.96 * 2 / math.sqrt(1000), rel=0.1)
    assert (low, high) == bootstrap(values)
    assert bootstrap(np.full(50, 0.7)) == pytest.approx((0.7, 0.7))


def test_an_accuracy_without_an_error_has_an_interval() -> None:
    low, high = accuracy_interval(np.ones(200))
    assert (low, high) == (pytest.approx(1 / (1 + 1.96**2 / 200)), pytest.approx(1.0))  # Wilson's closed form at p = 1
    assert accuracy_interval(np.zeros(200)) == (pytest.approx(0.0), pytest.approx(1 - low))
    some = np.array([1.0] * 19 + [2 / 3])
    assert accuracy_interval(some) == bootstrap(some)


@pytest.mark.parametrize(("successes", "trials", "expected"), [(8, 10, (0.4902, 0.9433)), (0, 10, (0.0, 0.2775))])
def test_wilson(successes: int, trials: int, expected: tuple[float, float]) -> None:
    """Against the published values of Wilson's interval."""
    assert wilson(successes, trials) == pytest.approx(expected, abs=1e-4)


def test_wilson_coverage_is_exact_enough() -> None:
    """Summed over the binomial law, the 95 % interval covers p in 93 % to 98 % of cases."""
    for p in (0.5, 0.9, 0.97):
        inside = [wilson(k, 300)[0] <= p <= wilson(k, 300)[1] for k in range(301)]
        assert 0.93 < float(np.dot(inside, binom.pmf(np.arange(301), 300, p))) < 0.98


def test_chance_p_value_is_uniform_under_chance_and_small_otherwise() -> None:
    rng = np.random.default_rng(2)
    labels = rng.choice(3, 150, p=(0.6, 0.3, 0.1))
    p_values = [chance_p_value(rng.choice(3, 150, p=(0.6, 0.3, 0.1)), labels, draws=99, seed=s) for s in range(100)]
    assert binom.cdf(sum(p <= 0.1 for p in p_values), 100, 0.1) < 0.999  # not too many
    assert binom.sf(sum(p <= 0.5 for p in p_values) - 1, 100, 0.5) > 0.001
    right = np.where(rng.random(150) < 0.5, labels, rng.integers(0, 3, 150))
    assert chance_p_value(right, labels, draws=199) == pytest.approx(1 / 200)
    assert chance_p_value(np.zeros(150), labels, draws=99) > 0.9  # a constant answer says nothing


def test_holm() -> None:
    """The worked example: sorted p-values times 4, 3, 2, 1, made monotone."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
