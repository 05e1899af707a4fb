"""Bounds on model inversion: closed forms, Monte Carlo and numerical integration."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from torch import nn

from semcom_core.datasets import ArrayDataset
from semcom_core.entropy import GaussianToy, certificates, information_bound, mse_floor, toy, toy_curve
from semcom_core.figures_privacy import Certified, certificate_figure, gaussian_toy_figure
from semcom_core.networks.private_head import PrivateLink
from tests.untrained import textured, untrained

SIGMAS = (0.05, 0.3, 1.0, 3.0, 20.0)


def dense_toy(seed: int = 0, d: int = 5, m: int = 4) -> GaussianToy:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(d, d))
    return GaussianToy(factor @ factor.T + 0.1 * np.eye(d), rng.normal(size=(m, d)))


# --- The toy -----------------------------------------------------------------------------------------


def test_floor_of_a_gaussian_is_its_variance() -> None:
    # H of N(0, 3 I) in 7 dimensions, from the textbook formula
    assert mse_floor(7 / 2 * math.log(2 * math.pi * math.e * 3.0), 7) == pytest.approx(3.0)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_posterior_in_information_form(sigma: float) -> None:
    one = dense_toy()
    precision = np.linalg.inv(one.Sigma) + one.A.T @ one.A / sigma**2
    np.testing.assert_allclose(one.posterior(sigma), np.linalg.inv(precision), rtol=1e-6, atol=1e-9)
    expected = 0.5 * (one.d * math.log(2 * math.pi * math.e) - np.linalg.slogdet(precision)[1])
    assert one.conditional_entropy(sigma) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_bound_lies_below_the_optimum_and_both_grow_with_noise(sigma: float) -> None:
    one = dense_toy()
    assert one.floor(sigma) < one.optimum(sigma)
    assert one.floor(sigma) < one.floor(1.1 * sigma) and one.optimum(sigma) < one.optimum(1.1 * sigma)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_bound_is_tight_where_all_directions_are_alike(sigma: float) -> None:
    one = toy(6, 0.0, 6, np.random.default_rng(1))
    assert one.optimum(sigma) == pytest.approx(sigma**2 / (1 + sigma**2))
    assert one.floor(sigma) == pytest.approx(one.optimum(sigma))


def test_least_squares_on_samples_reaches_the_optimum_and_no_less() -> None:
    one, rng, count = dense_toy(), np.random.default_rng(2), 40_000
    x = rng.multivariate_normal(np.zeros(one.d), one.Sigma, count)
    z = x @ one.A.T + 0.7 * rng.normal(size=(count, len(one.A)))
    fit = np.linalg.lstsq(z[::2], x[::2], rcond=None)[0]
    reached = ((x[1::2] - z[1::2] @ fit) ** 2).mean()
    assert reached == pytest.approx(one.optimum(0.7), rel=0.03)


def test_directions_that_are_not_sent_keep_their_whole_variance() -> None:
    one = GaussianToy(np.diag([4.0, 1.0, 0.5]), np.eye(3)[:1])
    assert one.optimum(1e-3) == pytest.approx((1.0 + 0.5) / 3, rel=1e-4)


def test_spectrum_and_curve() -> None:
    one = toy(16, 2.0, 8, np.random.default_rng(3))
    values = np.sort(np.linalg.eigvalsh(one.Sigma))[::-1]
    np.testing.assert_allclose(values / values[0], np.arange(1, 17) ** -2.0, rtol=1e-9)
    assert values.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(one.A @ one.A.T, np.eye(8), atol=1e-12)
    curve = toy_curve(one, SIGMAS)
    assert curve.floor[2] == one.floor(1.0) and curve.optimum[2] == one.optimum(1.0)


# --- Features ----------------------------------------------------------------------------------------


def samples(count: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes in the plane, each a correlated Gaussian."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=count)
    centres = spread * np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    shape = np.array([[0.5, 0.2], [0.2, 0.3]])
    return centres[labels] + rng.normal(size=(count, 2)) @ shape.T, labels


@cache
def true_information(spread: float, noise: float) -> float:
    """``I(z; z+n)`` of :func:`samples` by integration on a grid."""
    centres = spread * np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    shape = np.array([[0.5, 0.2], [0.2, 0.3]])
    covariance = shape @ shape.T + noise * np.eye(2)
    axis = np.linspace(-spread - 6, spread + 6, 301)
    points = np.stack(np.meshgrid(axis, axis), -1)
    gaps = points[..., None, :] - centres
    square = np.einsum("...i,ij,...j", gaps, np.linalg.inv(covariance), gaps)
    log_density = logsumexp(-0.5 * square, axis=-1) - math.log(3) - 0.5 * np.linalg.slogdet(covariance)[1]
    log_density -= math.log(2 * math.pi)
    total = np.exp(log_density).sum() * (axis[1] - axis[0]) ** 2
    assert total == pytest.approx(1.0, abs=1e-3)
    entropy = -(np.exp(log_density) * log_density).sum() * (axis[1] - axis[0]) ** 2
    return float(entropy - math.log(2 * math.pi * math.e * noise))


@pytest.mark.parametrize("spread", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("noise", [0.05, 0.4])
@pytest.mark.parametrize("clusters", [1, 3])
def test_information_bound_is_above_the_integral(spread: float, noise: float, clusters: int) -> None:
    z, labels = samples(6000, spread)
    found = information_bound(z, labels, noise, np.random.default_rng(1), clusters)
    assert found.nats > true_information(spread, noise) - 0.02  # sampling error of the variances


def test_information_bound_is_close_where_classes_are_apart() -> None:
    z, labels = samples(6000, 6.0)
    found = information_bound(z, labels, 0.1, np.random.default_rng(1))
    assert found.nats == pytest.approx(true_information(6.0, 0.1), abs=0.05)
    assert found.label_nats == pytest.approx(math.log(3), abs=0.01)


def test_information_bound_of_one_gaussian_is_its_capacity() -> None:
    rng = np.random.default_rng(0)
    spectrum = np.geomspace(3.0, 0.01, 12)
    turned = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    z = (rng.normal(size=(8000, 12)) * np.sqrt(spectrum)) @ turned.T
    expected = 0.5 * np.log1p(spectrum / 0.2).sum()
    whole = information_bound(z, np.zeros(8000, int), 0.2, rng)
    assert whole.nats == pytest.approx(expected, rel=0.02)
    coarse = information_bound(z, np.zeros(8000, int), 0.2, rng, rank=4)
    assert coarse.nats > whole.nats  # directions taken together are bounded from above


def test_information_bound_grows_with_spread_and_falls_with_noise() -> None:
    z, labels = samples(2000, 1.0)
    nats = [information_bound(z * scale, labels, 0.3, np.random.default_rng(0)).nats for scale in (0.5, 1.0, 2.0)]
    assert nats == sorted(nats)
    nats = [information_bound(z, labels, noise, np.random.default_rng(0)).nats for noise in (0.1, 0.3, 1.0)]
    assert nats == sorted(nats, reverse=True)
    found = information_bound(z, labels, 0.3, np.random.default_rng(0))
    assert found.ratio(100) == pytest.approx(math.exp(-0.02 * found.nats))


def test_few_samples_do_not_flatter() -> None:
    """With fewer features than dimensions a sample covariance would be singular; this stays above."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(120, 300))
    exact = 0.5 * 300 * math.log1p(1 / 0.5)
    found = information_bound(z, np.zeros(120, int), 0.5, rng)
    assert exact * 0.98 < found.nats < exact * 1.3


def test_refusals() -> None:
    z, labels = samples(100, 1.0)
    with pytest.raises(ValueError, match="infinite"):
        information_bound(z, labels, 0.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="features or more"):
        information_bound(z[:20], labels[:20], 0.1, np.random.default_rng(0))


def test_certificate_of_a_link() -> None:
    models = untrained()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        part: nn.Module = PrivateLink(10).eval()
    models = replace(models, parts={"cem": part})
    pictures = (textured(24)[:, 0] * 255).byte().numpy()
    images = ArrayDataset(pictures, np.zeros(24, int))
    words = ("digits", "cem", (0.5, 2.0))
    (loud, louder), (quiet, _) = (certificates(models, *words, snr, images, clusters=(1,)) for snr in (0.0, 20.0))
    assert 0.0 < quiet["ratio"] < loud["ratio"] < louder["ratio"] < 1.0
    assert loud["pixels"] == 784 and loud["ratio"] == pytest.approx(math.exp(-2 * loud["nats"] / 784))
    with pytest.raises(ValueError, match="key"):
        certificates(models, "digits", "rotation", (0.5,), 10.0, images)


# --- Figures -----------------------------------------------------------------------------------------


def test_toy_figure_draws_bound_under_optimum() -> None:
    one = toy(8, 2.0, 8, np.random.default_rng(0))
    curve, here = toy_curve(one, SIGMAS), toy_curve(one, [0.5])
    figure = gaussian_toy_figure(curve, ("bound", "best attack"), "noise", "error", here)
    low, high, marked = figure.data
    assert [low.name, high.name] == ["bound", "best attack"]
    assert all(below <= above for below, above in zip(low.y, high.y, strict=True)) and high.fill == "tonexty"
    assert marked.x == (0.5, 0.5) and marked.y == (one.floor(0.5), one.optimum(0.5))
    assert figure.layout.xaxis.title.text == "noise" and figure.layout.yaxis.type == "log"


def test_certificate_figure_points_from_without_to_with() -> None:
    points = [Certified("off", 0.1, 0.02), Certified("on", 0.3, 0.03, (0.029, 0.032), without="off")]
    figure = certificate_figure(points, "certified", "reached")
    assert [trace.name for trace in figure.data] == ["off", "on"]
    assert figure.data[1].error_y.array[0] == pytest.approx(0.002)
    arrow, *names = figure.layout.annotations
    assert {name.text for name in names} == {"off", "on"}
    assert (arrow.ax, arrow.ay, arrow.x, arrow.y) == (0.1, 0.02, 0.3, 0.03)
    (name,) = certificate_figure(points[1:], "certified", "reached").layout.annotations
    assert name.text == "on"
