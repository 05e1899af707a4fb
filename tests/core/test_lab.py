"""The lab's experiments against closed forms, and on real features of the committed encoders."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import beta, kstest

from semcom_core import link
from semcom_core.channels import complex_normal
from semcom_core.codecs.repobe import pack, unpack
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.pilots import SecretPilots
from semcom_core.lab import any_key, chosen, ciphertext_only, known_plaintext, learned, material, rotation, tampering
from semcom_core.lab.readings import leftover, reorder, restore, wrong_positions
from semcom_core.lab.stock import Stock
from semcom_core.link import Encoded

REPOBE = known_plaintext.CIPHERS["repobe"]


@lru_cache
def stock(domain: str) -> Stock:
    return Stock(link.load_models(domain))


def few(domain: str, count: int) -> Encoded:
    """The first samples of a domain, through the trained encoder."""
    for _ in stock(domain).grow(count):
        pass
    return stock(domain).pictures(count)


def part(pictures: Encoded, number: int) -> Encoded:
    one = slice(number, number + 1)
    return Encoded(pictures.native[one], pictures.symbols[one], pictures.digests[one])


# --- Material ----------------------------------------------------------------------------------------


def test_keys_of_trials_and_messages_differ_and_repeat() -> None:
    orders = [material.lab_key(REPOBE, *which).permutation() for which in ((0,), (1,), (0, 0), (0, 1))]
    assert all((a != b).any() for k, a in enumerate(orders) for b in orders[:k])
    assert (material.lab_key(REPOBE, 1).permutation() == orders[1]).all()


def test_sender_and_attacker_share_no_picture_but_all_classes_with_two() -> None:
    labels = [7, 0, 1, 7, 0, 1, 7, 0, 4]
    sender, attacker = material.two_parties(labels)
    assert sorted(sender + attacker) == list(range(9))
    for side in (sender, attacker):
        assert {0, 1, 7} <= {labels[k] for k in side}


def test_a_pool_repeats_and_grows_by_chunks() -> None:
    pictures = few("digits", 3)
    pools = [material.Pool(stock("digits").models, pictures.native, [7, 0, 1], seed=1) for _ in range(2)]
    assert [list(pool.grow(20)) for pool in pools] == [[16, 32]] * 2
    one, other = (pool.take(20) for pool in pools)
    assert torch.equal(one.z, other.z)
    assert one.z.shape == (20, 4, 28, 28)
    torch.testing.assert_close(one.z.square().sum((1, 2, 3)), torch.full((20,), 3136.0), rtol=1e-4, atol=0)
    assert float(one.grey.min()) >= 0.0
    assert float(one.grey.max()) <= 1.0
    with pytest.raises(ValueError, match="at most"):
        next(pools[0].grow(material.MOST + 1))
    with pytest.raises(ValueError, match="There are 32"):
        pools[0].take(33)


def test_reordering_is_the_cipher() -> None:
    z = torch.randn(2, 4, 28, 28, generator=torch.Generator().manual_seed(0))
    key = material.lab_key(REPOBE, 3)
    sent = unpack(ConfusionCipher().protect(pack(z), [key] * 2, torch.Generator()))
    torch.testing.assert_close(reorder(z, key.permutation()), sent)
    torch.testing.assert_close(restore(sent, key.permutation()), z)
    assert leftover(z, key.permutation(), key.permutation()) == 0.0
    assert leftover(z, key.permutation(), material.lab_key(REPOBE, 4).permutation()) == pytest.approx(2.0, abs=0.2)


# --- Permutations on real features --------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["photographs", "digits"])
def test_one_known_picture_at_11_db_gives_all_56_entries(domain: str) -> None:
    """By the key itself, which no attack sees; and the next message reads as with the true key."""
    pictures = few(domain, 2)
    result = known_plaintext.break_once(
        stock(domain).models, REPOBE, unpack(pictures.symbols[:1]), part(pictures, 1), 11.0, trial=0
    )
    assert result.entries is not None
    assert result.entries.shape == (2, 28)
    assert result.entries.all()
    assert result.wrong == 0.0
    torch.testing.assert_close(result.attacker.native, result.holder.native)
    assert float(result.scrambled.psnr) < float(result.holder.psnr) - 5.0
    assert int(result.attacker.logits.argmax()) == stock(domain).labels[1]


def test_an_attacker_that_knows_another_picture_finds_no_key() -> None:
    """The control: nothing of the true key reaches the attack."""
    pictures = few("digits", 2)
    own = torch.randn(1, 4, 28, 28, generator=torch.Generator().manual_seed(0))
    result = known_plaintext.break_once(
        stock("digits").models, REPOBE, unpack(pictures.symbols[:1]), part(pictures, 1), 11.0, trial=0, own=own
    )
    assert result.wrong > 0.9


def test_chosen_maps_find_every_position() -> None:
    broken = chosen.break_by_digits(REPOBE, 4, 19.0, 0, soft=False)
    assert broken.result.bound == 5  # 4⁵ = 1,024 ≥ 784 > 4⁴
    assert broken.wrong == 0.0
    assert broken.result.maps_sent >= broken.result.maps_without_noise == 2


def test_several_starts_are_never_worse() -> None:
    scores = np.random.default_rng(1).normal(size=(784, 784))
    one, many = (ciphertext_only.matcher(REPOBE, starts)(scores).score for starts in (0, 3))
    assert many >= one


def test_ciphertexts_alone_on_real_features() -> None:
    """Heard messages from the very pool whose statistics the attacker has: the easy case must work."""
    pictures = few("digits", 6)
    pool = material.Pool(stock("digits").models, pictures.native, stock("digits").labels[:6], seed=1)
    list(pool.grow(112))
    whole = pool.take(112)
    points = list(
        ciphertext_only.ciphertext_points(
            stock("digits").models, REPOBE, whole.part(0, 48), whole.part(48, 104), whole.part(104, 112), 1, (2, 48)
        )
    )
    assert [one.messages for one in points] == [2, 48]
    assert points[1].entries > 0.9
    assert points[1].leftover < 0.1


def test_wrong_positions() -> None:
    order = np.arange(784)
    assert wrong_positions(order, order) == 0.0
    assert wrong_positions(order, np.roll(order, 1)) == 1.0


# --- A learned decoder -----------------------------------------------------------------------------------


def test_ridge_learns_a_linear_map_and_a_fixed_unitary_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    s = rng.normal(size=(300, 40)) + 1j * rng.normal(size=(300, 40))
    pictures = np.concatenate([s.real, s.imag], 1) @ rng.normal(size=(80, 9))
    unitary = np.linalg.qr(rng.normal(size=(40, 40)) + 1j * rng.normal(size=(40, 40)))[0]
    plain, turned = (learned.fit_pictures(x[:200], pictures[:200], x[200:]) for x in (s, s @ unitary))
    error = np.square(plain - pictures[200:]).mean() / pictures[200:].var()
    assert error < 1e-3
    np.testing.assert_allclose(plain, turned, atol=1e-6)


def test_ridge_falls_back_to_the_mean_when_there_is_nothing_to_learn() -> None:
    rng = np.random.default_rng(0)
    x, pictures = rng.normal(size=(120, 60)) + 0j, rng.normal(size=(120, 5))
    found = learned.fit_pictures(x[:80], pictures[:80], x[80:])
    assert np.square(found - pictures[:80].mean(0)).mean() < 0.3


# --- Rotation ----------------------------------------------------------------------------------------------


def test_the_law_on_the_sphere_is_a_density_and_a_beta_law() -> None:
    n = 50
    assert quad(lambda r: float(rotation.sphere_density(np.array(r), n)), 0, np.sqrt(n))[0] == pytest.approx(1.0)
    below = quad(lambda r: float(rotation.sphere_density(np.array(r), n)), 0, 1.0)[0]
    assert below == pytest.approx(beta(1, n - 1).cdf(1.0 / n))  # |x_k|²/n is Beta(1, n−1)


def test_distance_to_the_sphere_is_kolmogorovs() -> None:
    x = complex_normal((1, 400), torch.Generator().manual_seed(0)).numpy()[0]
    expected = kstest(np.abs(x) ** 2 / 400, beta(1, 399).cdf).statistic
    assert rotation.distance_to_sphere(x) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("form", ["fast", "exact"])
def test_the_receiver_is_the_same_within_a_thousandth(form: str) -> None:
    pictures = few("digits", 2)
    for channel in ("awgn", "rayleigh", "rayleigh_no_csi"):
        check = rotation.receiver_check(stock("digits").models, pictures, form, channel, 10.0)
        assert check.difference <= 1e-3
        assert check.same_answer


def test_permutations_keep_the_values_and_rotations_do_not() -> None:
    symbols = few("digits", 1).symbols
    kept = {}
    for name, plug_in in rotation.PROTECTIONS.items():
        turned = rotation.turn(symbols, plug_in, 0)
        assert turned.norms[1] == pytest.approx(turned.norms[0], rel=1e-5)
        kept[name] = rotation.values_kept(turned.plain, turned.turned) < 1e-6
    assert kept == {
        "none": True, "shuffling": True, "repobe": True, "rotation_fast": False, "rotation": False,
    }  # fmt: skip


def test_a_fixed_rotation_falls_after_n_pairs() -> None:
    points = {one.pairs: one.error for one in rotation.fixed_rotation_synthetic(32, (1, 16, 32, 128), 60.0)}
    assert points[1] > 0.9
    assert points[16] == pytest.approx(0.5, abs=0.1)
    assert points[128] < 1e-4


# --- Any key, and tampering ---------------------------------------------------------------------------------


def test_the_class_is_read_under_fresh_keys() -> None:
    pictures = few("digits", 1)
    models = stock("digits").models
    reading = any_key.read_without_key(models, any_key.keyless_attacks()[0], REPOBE, pictures, 23.0, keys=8)
    assert reading.logits is not None
    assert int((reading.logits.argmax(1) == stock("digits").labels[0]).sum()) >= 6


def test_pulling_a_plain_message_all_the_way_replaces_it() -> None:
    pictures = few("digits", 2)
    models, labels = stock("digits").models, stock("digits").labels
    message, target = part(pictures, 0), part(pictures, 1)
    plain = tampering.pulled(models, None, message, target, (0.0, 1.0), 15.0)
    assert plain.logits.argmax(1).tolist() == labels[:2]
    turned = tampering.pulled(models, tampering.ROTATION, message, target, (0.0, 1.0), 15.0)
    assert int(turned.logits[0].argmax()) == labels[0]
    assert float(turned.psnr[1]) < float(turned.psnr[0]) - 3.0


def test_pilots_notice_scaling_as_often_as_computed() -> None:
    pilots = SecretPilots(64, 0.05)
    s = complex_normal((150, 256), torch.Generator().manual_seed(0))
    points = list(tampering.detection_points(s, pilots, 10.0, ["scaling"]))
    assert [one.alarms for one in points] == sorted(one.alarms for one in points)
    for one in points:
        expected = pilots.detection_probability(64 * one.strength**2, 0.1)
        assert abs(one.alarms - expected) < 4 * np.sqrt(max(expected * (1 - expected), 2e-3) / 150)
        assert one.added == pytest.approx(one.strength**2, rel=1e-3)
