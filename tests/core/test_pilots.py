"""Secret pilots: no cost but channel uses, the stated false-alarm rate, and what they notice and miss."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chi2, kstest

from semcom_core.attacks.tampering import TAMPERINGS, dense, scaling, sparse, towards
from semcom_core.channels import CHANNELS, complex_normal, propagate
from semcom_core.ciphers.keys import SeedKey
from semcom_core.defenses.pilots import PilotCheck, SecretPilots, roc
from semcom_core.defenses.rotation import QuickRotation

N, SNR_DB, TRIALS = 256, 10.0, 400
PILOTS = SecretPilots(count=32, false_alarm=0.05)
LEVEL = 1e-4


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def keys(count: int, start: int = 0) -> list[SeedKey]:
    return [SeedKey((start + number).to_bytes(32, "little")) for number in range(count)]


def messages(count: int = TRIALS) -> torch.Tensor:
    return complex_normal((count, N), generator(1))


def checked(channel: str = "awgn", tamper: Callable[[torch.Tensor], torch.Tensor] = lambda x: x) -> PilotCheck:
    x = tamper(PILOTS.protect(messages(), keys(TRIALS), generator()))
    return PILOTS.check(propagate(CHANNELS[channel], x, SNR_DB, generator(2)), keys(TRIALS))


def rate(check: PilotCheck) -> float:
    return float(check.tampered.float().mean())


def test_message_comes_back_and_power_is_kept() -> None:
    s = messages(5)
    x = PILOTS.protect(s, keys(5), generator())
    assert x.shape == (5, N + 32)
    assert torch.equal(PILOTS.recover(x, keys(5)), s)
    added = x.abs().square().sum(1) - s.abs().square().sum(1)
    torch.testing.assert_close(added, torch.full((5,), 32.0), rtol=1e-4, atol=0)  # unit power each


def test_positions_and_phases_depend_on_the_key() -> None:
    marked = PILOTS.protect(torch.zeros(2, N, dtype=torch.complex64), keys(2), generator())
    assert (marked != 0).sum(1).tolist() == [32, 32]
    both = (marked[0] != 0) & (marked[1] != 0)
    assert int(both.sum()) < 16
    assert not torch.equal(marked[0][both], marked[1][both])


@pytest.mark.parametrize("channel", ["awgn", "rayleigh", "rayleigh_per_symbol", "rayleigh_no_csi"])
def test_untouched_messages_follow_the_chi_square_law(channel: str) -> None:
    """The statistic's law by Kolmogorov–Smirnov, and the alarm rate, at level 1e-4."""
    check = checked(channel)
    degrees = 2 * (32 - (channel == "rayleigh_no_csi"))
    assert kstest(check.statistic.numpy(), chi2(degrees).cdf).pvalue > LEVEL
    assert binomtest(int(check.tampered.sum()), TRIALS, 0.05).pvalue > LEVEL
    assert torch.equal(check.tampered, check.p_value < 0.05)


@pytest.mark.parametrize("strength", [0.1, 0.2, 0.4])
def test_dense_tampering_is_found_as_often_as_computed(strength: float) -> None:
    """A dense Gaussian δ is noise of larger variance: the statistic is a scaled chi-square."""
    found = rate(checked(tamper=lambda x: dense(x, strength, generator(3))))
    expected = chi2.sf(PILOTS.threshold() / (1 + strength**2 * 10 ** (SNR_DB / 10)), 64)
    assert abs(found - expected) < 4 * math.sqrt(max(expected * (1 - expected), 1e-3) / TRIALS)


@pytest.mark.parametrize("strength", [-0.1, 0.1, 0.2])
def test_scaling_is_found_as_often_as_computed(strength: float) -> None:
    found = rate(checked(tamper=lambda x: scaling(x, strength, generator())))
    expected = PILOTS.detection_probability(32 * strength**2, 10 ** (-SNR_DB / 10))
    assert abs(found - expected) < 4 * math.sqrt(max(expected * (1 - expected), 1e-3) / TRIALS)


def test_without_csi_scaling_cannot_be_seen() -> None:
    """The receiver fits the gain, and the change with it."""
    found = checked("rayleigh_no_csi", tamper=lambda x: scaling(x, 0.5, generator()))
    assert binomtest(int(found.tampered.sum()), TRIALS, 0.05).pvalue > LEVEL


def test_sparse_tampering_slips_through_unless_pilots_are_rotated() -> None:
    """Eight strong changes among 288 symbols miss 32 pilots with probability 0.39; behind a rotation none do."""

    def tamper(x: torch.Tensor) -> torch.Tensor:
        return sparse(x, 6.0, generator(4), count=8)

    outermost = rate(checked(tamper=tamper))
    missed = math.comb(N, 8) / math.comb(N + 32, 8)
    expected = 1 - missed * 0.95
    assert abs(outermost - expected) < 4 * math.sqrt(expected * (1 - expected) / TRIALS)

    rotation, rotation_keys = QuickRotation(), keys(TRIALS, 10_000)
    x = rotation.protect(PILOTS.protect(messages(), keys(TRIALS), generator()), rotation_keys, generator())
    received = propagate(CHANNELS["rayleigh"], tamper(x), SNR_DB, generator(2))
    symbols = rotation.recover(received.y / received.h, rotation_keys)
    inside = PILOTS.check_symbols(symbols, received.sigma2 / received.h.abs().square(), keys(TRIALS))
    assert rate(inside) > outermost + 0.1


def test_detection_is_not_authentication() -> None:
    """A change below the noise passes almost as often as nothing does; who has the key changes anything."""
    assert rate(checked(tamper=lambda x: dense(x, 0.03, generator(3)))) < 0.15
    x = PILOTS.protect(messages(20), keys(20), generator())
    forged = PILOTS.protect(-PILOTS.recover(x, keys(20)), keys(20), generator())
    check = PILOTS.check(propagate(CHANNELS["awgn"], forged, SNR_DB, generator(2)), keys(20))
    assert rate(check) < 0.3


def test_roc() -> None:
    clean = checked().statistic
    areas = []
    for strength in (0.0, 0.1, 0.2, 0.6):
        false_alarm, detection = roc(clean, checked(tamper=lambda x, a=strength: dense(x, a, generator(3))).statistic)
        assert false_alarm[0] == detection[0] == 0.0
        assert false_alarm[-1] == detection[-1] == 1.0
        assert (np.diff(false_alarm) >= 0).all()
        assert (np.diff(detection) >= 0).all()
        areas.append(np.trapezoid(detection, false_alarm))
    assert areas == sorted(areas)
    assert areas[0] == pytest.approx(0.5, abs=0.01)
    assert areas[-1] > 0.99


@pytest.mark.parametrize("name", TAMPERINGS)
def test_no_strength_changes_nothing(name: str) -> None:
    x = messages(3)
    torch.testing.assert_close(TAMPERINGS[name](x, 0.0, generator()), x)


def test_tampering_models() -> None:
    x = messages(50)
    assert float((dense(x, 0.3, generator()) - x).abs().square().mean()) == pytest.approx(0.09, rel=0.05)
    changed = sparse(x, 2.0, generator(), count=7) - x
    assert ((changed.abs() > 1e-3).sum(1) == 7).all()
    assert float(changed.abs().max()) == pytest.approx(2.0, rel=1e-4)
    torch.testing.assert_close(scaling(x, -0.2, generator()), 0.8 * x)
    torch.testing.assert_close(towards(x, x.flip(0), 1.0), x.flip(0))


@pytest.mark.parametrize(
    ("arguments", "reason"), [({"count": 1}, "At least 2"), ({"false_alarm": 0.0}, "between 0 and 1")]
)
def test_impossible_settings_are_refused(arguments: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SecretPilots(**arguments)
