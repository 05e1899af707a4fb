"""The puzzle attack: short tours against exhaustive search, and keys from single ciphertexts."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal
from torch import Tensor

from semcom_core.attacks import jigsaw
from semcom_core.attacks.jigsaw import guess_keys
from semcom_core.attacks.tours import paths, round_trips
from semcom_core.channels import CHANNELS, propagate
from semcom_core.ciphers.confusion import ConfusionKey, encrypt
from semcom_core.ciphers.keys import KeyStream
from semcom_core.networks.feature_prior import FeaturePrior


def features(count: int, seed: int, stripes: float = 1.0) -> Tensor:
    """Smooth fields that differ, on a mean that is the same for all: (count,4,28,28), unit power.

    The second pair of features hangs on the *left* and the *upper* neighbour of the first: real
    encoders' features are not mirror images of themselves either.
    """
    rng = np.random.default_rng(seed)
    fields = gaussian_filter(rng.normal(size=(count, 4, 30, 30)), (0, 0, 1.0, 1.0))
    fields /= fields.std()
    fields[:, 2, 1:, 1:] = 0.7 * fields[:, 0, 1:, :-1] + 0.5 * fields[:, 2, 1:, 1:]
    fields[:, 3, 1:, 1:] = 0.7 * fields[:, 1, :-1, 1:] + 0.5 * fields[:, 3, 1:, 1:]
    i, j = np.indices((28, 28)) / 27.0
    mean = np.stack([np.sin(3 * i), np.cos(2 * j), i * j, np.sin(4 * j)])
    z = fields[..., 1:29, 1:29] + stripes * mean
    return torch.from_numpy(z / np.sqrt((z**2).mean((1, 2, 3), keepdims=True))).float()


def test_gains_of_moves_are_those_of_the_whole_sum() -> None:
    rng = np.random.default_rng(3)
    follows, belongs, order = rng.normal(size=(28, 28)), rng.normal(size=(28, 28)), rng.permutation(28)
    moved = order[jigsaw._moves()]
    assert len(np.unique(moved, axis=0)) >= 4000
    assert (np.sort(moved, axis=1) == np.arange(28)).all()
    gains = jigsaw._gains(follows[order][:, order], belongs[order])
    expected = jigsaw._value(moved, follows, belongs) - jigsaw._value(order[None], follows, belongs)
    np.testing.assert_allclose(gains, expected, atol=1e-12)


@pytest.fixture(scope="module")
def prior() -> FeaturePrior:
    return FeaturePrior().fit(features(400, seed=0))


class TestTours:
    def test_as_short_as_the_shortest_of_all(self) -> None:
        points = np.random.default_rng(0).uniform(size=(20, 7, 2))
        distance = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
        orders = np.array(list(permutations(range(7))))
        steps = distance[:, orders[:, :-1], orders[:, 1:]].sum(-1)
        closing = distance[:, orders[:, -1], orders[:, 0]]
        assert np.allclose(round_trips(distance)[1], (steps + closing).min(1))
        assert np.allclose(paths(distance)[1], steps.min(1))

    def test_lengths_are_those_of_the_orders(self) -> None:
        distance = np.random.default_rng(1).uniform(size=(5, 12, 12))
        distance += distance.transpose(0, 2, 1)
        each = np.arange(5)[:, None]
        order, length = round_trips(distance)
        assert np.array_equal(np.sort(order, 1), np.tile(np.arange(12), (5, 1)))
        assert np.allclose(distance[each, order, np.roll(order, -1, 1)].sum(1), length)
        order, length = paths(distance)
        assert np.array_equal(np.sort(order, 1), np.tile(np.arange(12), (5, 1)))
        assert np.allclose(distance[each, order[:, :-1], order[:, 1:]].sum(1), length)

    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
    def test_equal_distances_end(self, scale: float) -> None:
        """Rounding in sums of equal distances looks like tiny gains; chasing them never ended once."""
        flat = np.full((3, 28, 28), 0.1, dtype=np.float32) * np.float32(scale)
        assert np.allclose(round_trips(flat)[1], 2.8 * scale)


class TestMeasures:
    def test_neighbours_against_another_library(self, prior: FeaturePrior) -> None:
        F = features(1, seed=3)[0].numpy().astype(np.float64)
        ratio = jigsaw._Neighbours(prior.across_mean, prior.across_cov, 0.1)(F)
        mean, cov = prior.across_mean.numpy(), prior.across_cov.numpy() + 0.1 * np.eye(8)
        joint = multivariate_normal(mean, cov)
        left, right = multivariate_normal(mean[:4], cov[:4, :4]), multivariate_normal(mean[4:], cov[4:, 4:])
        for i, j in ((0, 1), (5, 3), (27, 0)):
            x, y = F[:, :, i].T, F[:, :, j].T
            wanted = joint.logpdf(np.concatenate([x, y], 1)) - left.logpdf(x) - right.logpdf(y)
            assert ratio[i, j] == pytest.approx(wanted.sum(), rel=1e-6)

    def test_frames_against_another_library(self, prior: FeaturePrior) -> None:
        F = features(1, seed=4)[0].numpy().astype(np.float64)
        frames = jigsaw._Places(prior, 0.1).frames(F)
        cov = prior.cov.double().numpy()
        cov = 0.9 * cov + 0.1 * cov.mean(0) + 0.1 * np.eye(4)
        mean = prior.mean.double().numpy()
        for a, b in ((0, 0), (3, 0), (0, 27), (13, 5)):
            moved = np.roll(F, (a, b), (1, 2)).reshape(4, -1).T
            wanted = sum(multivariate_normal(m, c).logpdf(v) for v, m, c in zip(moved, mean, cov, strict=True))
            log_2pi = 784 * 2 * np.log(2 * np.pi)  # a constant that the attack leaves out
            assert frames[a, b] == pytest.approx(wanted + log_2pi, rel=1e-6)


@pytest.mark.parametrize(("snr_db", "least"), [(23.0, 0.95), (10.0, 0.9)])
def test_one_ciphertext_gives_its_key(prior: FeaturePrior, snr_db: float, least: float) -> None:
    """No plaintext, a fresh key each: the share of right key entries (chance is 1/28)."""
    plain, noise = features(20, seed=1), 10 ** (-snr_db / 10)
    heard = plain + torch.randn(plain.shape, generator=torch.Generator().manual_seed(2)) * noise**0.5
    right = []
    for number, F in enumerate(heard):
        key = ConfusionKey.draw(KeyStream(bytes([number]) * 32), 28, 28)
        guesses = guess_keys(encrypt(F, key)[None], prior, torch.tensor([noise]))[0]
        assert len(guesses) == 4
        assert all(a.log_likelihood >= b.log_likelihood for a, b in pairwise(guesses))
        true, found = key.canonical(), guesses[0].key
        right.append(np.concatenate([found.K_r == true.K_r, found.K_c == true.K_c]).mean())
    assert np.mean(right) >= least


def test_noise_alone_gives_no_key(prior: FeaturePrior) -> None:
    """The attack does not find what is not there: without structure the entries are right by luck."""
    right = []
    for number in range(20):
        key = ConfusionKey.draw(KeyStream(bytes([number]) * 32), 28, 28).canonical()
        nothing = torch.randn(1, 4, 28, 28, generator=torch.Generator().manual_seed(number))
        found = guess_keys(nothing, prior, torch.tensor([0.1]))[0][0].key
        right.append(np.concatenate([found.K_r == key.K_r, found.K_c == key.K_c]).mean())
    assert np.mean(right) < 0.1


@pytest.mark.parametrize("channel", CHANNELS)
def test_effective_gain_and_noise(channel: str) -> None:
    """ŝ/gain = s + noise, with the noise that the attack is told; exact for block fading."""
    generator = torch.Generator().manual_seed(0)
    s = torch.complex(*torch.randn(2, 4, 20_000, generator=generator)) / 2**0.5
    received = propagate(CHANNELS[channel], s, 10.0, generator)
    gain, noise = received.effective()
    error = (received.equalise() / gain[:, None] - s).abs().square().mean(1)
    if CHANNELS[channel].csi:
        assert torch.allclose(error, noise, rtol=0.05)
    else:  # it cannot know its fade, and counts on none
        assert torch.allclose(noise, torch.full((4,), 0.1), rtol=1e-4)
