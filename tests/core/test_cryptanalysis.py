"""Attacks on fixed keys, on smooth synthetic features; no trained network is needed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

from semcom_core.attacks import chosen
from semcom_core.attacks.assignment import match_confusion, match_shuffling, position_scores, recover_key
from semcom_core.attacks.ciphertext_only import (
    PositionStatistics,
    recover_from_statistics,
    success_against_messages,
)
from semcom_core.attacks.fixed_chain import open_fixed_chain
from semcom_core.attacks.fixed_rotation import errors_against_pairs, fit_procrustes, fit_ridge
from semcom_core.attacks.shadow import recover_key_aligned, shadow_known_plaintext
from semcom_core.channels import CHANNELS, Received, complex_normal, propagate
from semcom_core.ciphers import keyspace
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyStream, SeedKey
from semcom_core.ciphers.rotation import FastRotation, HaarRotation
from semcom_core.ciphers.shuffling import ShufflingKey
from semcom_core.codecs.repobe import pack, unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.defenses.rotation import ExactRotation, QuickRotation
from semcom_core.defenses.shuffling import ShufflingCipher


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def stream(seed: int = 0) -> KeyStream:
    return KeyStream(seed.to_bytes(32, "little"))


def smooth(count: int, seed: int = 0) -> torch.Tensor:
    """Features (count,4,28,28): smooth fields whose mean and strength depend on the position."""
    fixed, each = np.random.default_rng(99), np.random.default_rng(seed)
    mean = gaussian_filter(fixed.normal(size=(4, 28, 28)), (0, 4, 4))
    strength = gaussian_filter(fixed.normal(size=(28, 28)), 5)
    field = gaussian_filter(each.normal(size=(count, 4, 28, 28)), (0, 0, 1.5, 1.5))
    z = 0.5 * mean / mean.std() + np.exp(0.5 * strength / strength.std()) * field / field.std()
    z *= np.sqrt(3136 / (z**2).sum((1, 2, 3), keepdims=True))
    return torch.from_numpy(z).float()


def heard(
    z: torch.Tensor, plug_in: PlugIn, key: object, snr_db: float, channel: str = "awgn", seed: int = 0
) -> Received:
    x = plug_in.protect(pack(z), [key] * len(z), generator())
    return propagate(CHANNELS[channel], x, snr_db, generator(seed))


CONFUSION = ConfusionKey.draw(stream(), 28, 28)
SHUFFLING = ShufflingKey.draw(stream(), 784)
PERMUTATIONS = [(ConfusionCipher(), CONFUSION), (ShufflingCipher(), SHUFFLING)]


# --- Known plaintext ------------------------------------------------------------------------------------


def test_assignment_finds_what_exhaustion_finds() -> None:
    """3×3 maps in heavy noise: the alternating search against all 36 keys."""
    reached = 0
    for seed in range(30):
        scores = np.random.default_rng(seed).normal(size=(9, 9))
        every = [
            ConfusionKey(np.array(K_r), np.array(K_c), 0, 0)
            for K_r in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
            for K_c in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        ]
        totals = [scores[np.arange(9), key.permutation()].sum() for key in every]
        match = match_confusion(scores)
        assert match.score == pytest.approx(scores[np.arange(9), match.key.permutation()].sum())
        assert match.score <= max(totals) + 1e-9
        reached += match.score == pytest.approx(max(totals))
    assert reached >= 15  # a local optimum from one start; pure noise is the worst case


def test_one_known_picture_gives_the_key() -> None:
    for seed in range(5):
        key, z = ConfusionKey.draw(stream(seed), 28, 28), smooth(1, seed)
        received = heard(z, ConfusionCipher(), key, 7.0, seed=seed)
        assert keyspace.agreement(key, recover_key(z.numpy(), unpack(received.equalise()).numpy())) == 1.0


def test_shuffling_takes_more_known_pictures() -> None:
    """784 free positions instead of 56 entries: one picture is not enough in noise, a few are."""
    z = smooth(8)
    received = unpack(heard(z, ShufflingCipher(), SHUFFLING, 10.0).equalise()).numpy()
    one, eight = (
        match_shuffling(position_scores(z[:count].numpy(), received[:count])).key.permutation() for count in (1, 8)
    )
    assert (one == SHUFFLING.order).mean() < 0.5
    assert (eight == SHUFFLING.order).mean() > 0.95


def test_only_square_maps_have_the_canonical_key() -> None:
    with pytest.raises(ValueError, match="square"):
        match_confusion(np.zeros((12, 12)))


# --- Chosen plaintext --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("positions", "levels", "planes"),
    [(784, 256, 2), (784, 28, 2), (784, 27, 3), (784, 16, 3), (784, 2, 10), (1024, 2, 10)],
)
def test_jolfaei_bound(positions: int, levels: int, planes: int) -> None:
    assert chosen.jolfaei_bound(positions, levels) == planes


def test_a_plane_of_one_level_says_nothing() -> None:
    with pytest.raises(ValueError, match="at least 2 levels"):
        chosen.jolfaei_bound(784, 1)


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_digit_maps_keep_power_and_levels(levels: int) -> None:
    sent, carried = chosen.digit_maps(levels)
    assert set(carried.ravel()) == set(range(chosen.jolfaei_bound(784, levels)))
    torch.testing.assert_close(sent.square().sum((1, 2, 3)), torch.full((len(sent),), 3136.0), rtol=1e-5, atol=0)
    assert max(len(plane.unique()) for plane in sent.flatten(0, 1)) <= levels


@pytest.mark.parametrize(("plug_in", "key"), PERMUTATIONS)
@pytest.mark.parametrize("levels", [2, 16])
def test_without_noise_the_bound_is_reached(plug_in: PlugIn, key: ConfusionKey | ShufflingKey, levels: int) -> None:
    def oracle(symbols: torch.Tensor) -> Received:
        return heard(unpack(symbols), plug_in, key, 80.0)

    found = chosen.recover_by_digits(oracle, levels)
    assert found.complete
    assert found.maps_sent == found.maps_without_noise == -(-found.bound // 4)
    assert np.array_equal(found.order, key.permutation())
    assert (keyspace.key_of_permutation(found.order, 28) is not None) == isinstance(key, ConfusionKey)


@pytest.mark.parametrize(("channel", "snr_db"), [("awgn", 7.0), ("rayleigh", 10.0)])
def test_noise_costs_repetitions(channel: str, snr_db: float) -> None:
    noise = iter(range(1000))

    def oracle(symbols: torch.Tensor) -> Received:
        return heard(unpack(symbols), ShufflingCipher(), SHUFFLING, snr_db, channel, seed=next(noise))

    rounds: list[int] = []
    hard = chosen.recover_by_digits(oracle, 2, on_round=rounds.append)
    assert hard.complete
    assert np.array_equal(hard.order, SHUFFLING.order)
    assert hard.maps_sent == 3 * len(rounds) > hard.maps_without_noise

    soft = chosen.recover_by_digits(oracle, 2, soft=True)
    assert np.array_equal(soft.order, SHUFFLING.order)


def test_giving_up_returns_the_likeliest_permutation() -> None:
    found = chosen.recover_by_digits(
        lambda symbols: heard(unpack(symbols), ShufflingCipher(), SHUFFLING, 10.0), 256, max_rounds=1
    )
    assert not found.complete
    assert np.array_equal(np.sort(found.order), np.arange(784))


def test_chosen_pictures_leave_less_in_doubt() -> None:
    z = smooth(12).numpy()
    picked = chosen.choose_images(z, 7.0, 3)
    assert len(set(picked)) == 3
    in_doubt = [chosen.expected_confusions(z[picked[:count]], 7.0) for count in (1, 2, 3)]
    assert in_doubt == sorted(in_doubt, reverse=True)
    assert in_doubt[0] == min(chosen.expected_confusions(one[None], 7.0) for one in z)
    assert in_doubt[2] < chosen.expected_confusions(z[:3], 7.0)


# --- Ciphertext only -----------------------------------------------------------------------------------------


@cache
def others() -> PositionStatistics:
    """What the attacker knows of its own pictures."""
    return PositionStatistics.of(smooth(400, seed=1).numpy())


def test_statistics_are_those_of_the_positions() -> None:
    z = smooth(50).numpy().reshape(50, 4, -1).astype(np.float64)
    found = PositionStatistics.of(smooth(50).numpy())
    np.testing.assert_allclose(found.maps[0], z.mean(0)[0] - z.mean(0)[0].mean(), atol=1e-5)
    np.testing.assert_allclose(found.maps[4], z.var(0)[0] - z.var(0)[0].mean(), atol=1e-4)
    expected = sum(np.cov(z[:, a, 3], z[:, a, 700], bias=True)[0, 1] for a in range(4))
    assert found.pairs[3, 700] == pytest.approx(expected, abs=1e-3)
    assert found.errors[0] == pytest.approx(z[:, 0].var(0).mean() / 50, rel=1e-4)
    with pytest.raises(ValueError, match="at least 2 messages, not 1"):
        PositionStatistics.of(smooth(1).numpy())


def test_ciphertexts_alone_give_a_fixed_key() -> None:
    ciphertexts = unpack(heard(smooth(200), ConfusionCipher(), CONFUSION, 10.0).equalise()).numpy()
    rates = success_against_messages(
        ciphertexts, others(), (2, 20, 200), lambda match: keyspace.agreement(CONFUSION, match.key)
    )
    assert rates == sorted(rates)
    assert rates[-1] == 1.0


def test_pairs_of_positions_help() -> None:
    """With few messages the covariances of pairs add what single positions lack."""
    ciphertexts = unpack(heard(smooth(8, seed=4), ConfusionCipher(), CONFUSION, 10.0).equalise()).numpy()
    few = PositionStatistics.of(ciphertexts)
    single, pairs = (recover_from_statistics(few, others(), pairs=pairs).key for pairs in (False, True))
    assert keyspace.agreement(CONFUSION, pairs) > keyspace.agreement(CONFUSION, single)


def test_ciphertexts_alone_give_a_fixed_shuffle() -> None:
    ciphertexts = unpack(heard(smooth(300), ShufflingCipher(), SHUFFLING, 10.0).equalise()).numpy()
    found = recover_from_statistics(PositionStatistics.of(ciphertexts), others(), match_shuffling).key
    assert (found.permutation() == SHUFFLING.order).mean() > 0.8


def test_fresh_keys_have_no_position_statistics() -> None:
    z = smooth(100)
    keys = [ConfusionKey.draw(stream(seed), 28, 28) for seed in range(100)]
    x = ConfusionCipher().protect(pack(z), keys, generator())
    found = recover_from_statistics(PositionStatistics.of(unpack(x).numpy()), others()).key
    assert max(keyspace.agreement(key, found) for key in keys) < 0.25


# --- A shadow encoder -------------------------------------------------------------------------------------------


def test_shadow_encoder_with_other_channels() -> None:
    """The attacker's encoder mixes the channels in an unknown way, and adds what it gets wrong."""
    z = smooth(4)
    mix = torch.linalg.qr(torch.randn(4, 4, generator=generator(5)))[0] * torch.tensor([2.0, 1.0, 0.5, 1.0])
    received = unpack(heard(z, ConfusionCipher(), CONFUSION, 15.0).equalise()).numpy()

    def encoder(images: torch.Tensor) -> torch.Tensor:
        return torch.einsum("ab,pbij->paij", mix, images) + 0.2 * torch.randn(images.shape, generator=generator(6))

    naive = recover_key(encoder(z).numpy(), received)
    match = shadow_known_plaintext(encoder, z, received)
    assert keyspace.agreement(CONFUSION, naive) < 0.5
    assert keyspace.agreement(CONFUSION, match.key) == 1.0
    assert 0.5 < match.score <= 1.0


def test_shadow_encoder_with_another_number_of_channels() -> None:
    z = smooth(4)
    received = unpack(heard(z, ConfusionCipher(), CONFUSION, 15.0).equalise()).numpy()
    eight = torch.einsum("ab,pbij->paij", torch.randn(8, 4, generator=generator(7)), z)
    eight = eight + 0.1 * torch.randn(eight.shape, generator=generator(8))
    assert keyspace.agreement(CONFUSION, recover_key_aligned(eight.numpy(), received).key) == 1.0


# --- A fixed rotation ------------------------------------------------------------------------------------------


def pairs(form: type, count: int, n: int = 64, sigma2: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    s = complex_normal((count, n), generator(1)).numpy()
    noise = complex_normal((count, n), generator(2)).numpy() * np.sqrt(sigma2)
    return s, form(SeedKey(bytes(32)), n).apply(s) + noise


@pytest.mark.parametrize("form", [HaarRotation, FastRotation])
def test_fixed_rotation_falls_after_n_pairs(form: type) -> None:
    """Without noise: each pair opens one more dimension, and the 64th the last."""
    s, y = pairs(form, 164)
    errors = errors_against_pairs(s[:100], y[:100], (s[100:], y[100:]), 0.0, (16, 32, 63, 64, 100))
    assert errors[0] == pytest.approx(1 - 16 / 64, abs=0.08)
    assert errors[1] == pytest.approx(1 - 32 / 64, abs=0.08)
    assert 0.001 < errors[2] < 0.1
    assert errors[3] < 1e-6
    assert errors[4] < 1e-9
    found = fit_procrustes(s[:64], y[:64]).decrypt(y[100:])
    assert np.abs(found - s[100:]).max() < 1e-4


def test_noise_costs_more_pairs_and_procrustes_needs_fewest() -> None:
    sigma2 = 0.1
    s, y = pairs(HaarRotation, 700, sigma2=sigma2)
    errors = errors_against_pairs(s[:600], y[:600], (s[600:], y[600:]), sigma2, (16, 64, 200, 600))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1.2 * sigma2  # what is left is the noise on the message itself
    unitary = fit_procrustes(s[:200], y[:200]).decrypt(y[600:])
    error = np.square(np.abs(unitary - s[600:])).sum() / np.square(np.abs(s[600:])).sum()
    assert error < 1.5 * sigma2


def test_signals_of_few_dimensions_fall_earlier() -> None:
    """Messages in an 8-dimensional subspace: a dozen pairs open all of them."""
    basis = complex_normal((8, 64), generator(3)).numpy() / np.sqrt(8)
    s = complex_normal((40, 8), generator(4)).numpy() @ basis
    y = HaarRotation(SeedKey(bytes(32)), 64).apply(s)
    assert errors_against_pairs(s[:12], y[:12], (s[12:], y[12:]), 0.0, (12,))[0] < 1e-6


def test_fresh_rotations_give_nothing_to_fit() -> None:
    s = complex_normal((300, 64), generator(1)).numpy()
    fresh = [HaarRotation(SeedKey(i.to_bytes(32, "little")), 64) for i in range(300)]
    y = np.concatenate([rotation.apply(one[None]) for rotation, one in zip(fresh, s, strict=True)])
    assert fit_ridge(s[:200], y[:200], 0.0).decrypt(y[200:]).shape == (100, 64)
    assert errors_against_pairs(s[:200], y[:200], (s[200:], y[200:]), 0.0, (200,))[0] > 0.95


def test_ridge_is_the_same_from_both_sides() -> None:
    """With exactly n pairs the small and the large system agree."""
    s, y = pairs(HaarRotation, 65, sigma2=0.1)
    few, many = fit_ridge(s[:64], y[:64], 0.1), fit_ridge(s, y, 0.1)
    direct = s.T @ y.conj() @ np.linalg.inv(y.T @ y.conj() + 6.4 * np.eye(64))
    np.testing.assert_allclose(many.decrypt(y), y @ direct.T, atol=1e-5)
    direct = s[:64].T @ y[:64].conj() @ np.linalg.inv(y[:64].T @ y[:64].conj() + 6.4 * np.eye(64))
    np.testing.assert_allclose(few.decrypt(y), y @ direct.T, atol=1e-5)


# --- Whatever cipher stands in the chain ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plug_in", "key", "pictures"),
    [(ConfusionCipher(), CONFUSION, 1), (ShufflingCipher(), SHUFFLING, 8), (None, None, 1)],
)
def test_open_fixed_permutation(plug_in: PlugIn | None, key: object, pictures: int) -> None:
    z = smooth(pictures + 2)
    noise = AdditiveNoise(0.0)
    chain = [noise] if plug_in is None else [noise, plug_in]
    x = pack(z) if plug_in is None else plug_in.protect(pack(z), [key] * len(z), generator())
    equalised = propagate(CHANNELS["awgn"], x, 15.0, generator()).equalise()
    found, recovered = open_fixed_chain(equalised[pictures:], chain, pack(z[:pictures]), equalised[:pictures], 0.03)
    assert float((found - pack(z[pictures:])).abs().square().mean()) < 0.05
    assert isinstance(recovered, ConfusionKey) == isinstance(key, ConfusionKey)


@pytest.mark.parametrize("plug_in", [ExactRotation(), QuickRotation()])
def test_open_fixed_rotation_of_few_dimensions(plug_in: PlugIn) -> None:
    basis = complex_normal((5, 1568), generator(3))
    s = complex_normal((12, 5), generator(4)) @ basis
    s = s * (1568**0.5 / s.norm(dim=1, keepdim=True))
    x = plug_in.protect(s, [SeedKey(bytes(32))] * 12, generator())
    received = propagate(CHANNELS["awgn"], x, 20.0, generator())
    found, key = open_fixed_chain(received.equalise()[10:], [plug_in], s[:10], received.equalise()[:10], 0.01)
    assert key is None
    assert float((found - s[10:]).abs().square().mean()) < 0.05


def test_hungarian_convention() -> None:
    """Scores are [cipher position, plain position]: a wrong axis would transpose every key."""
    order = np.array([2, 0, 1])
    plain = np.random.default_rng(0).normal(size=(5, 1, 3))
    assert np.array_equal(linear_sum_assignment(position_scores(plain, plain[:, :, order]), maximize=True)[1], order)
