"""Channels against theory. Seeds are fixed; each tolerance is a stated number of standard errors."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm
from torch import Tensor

from semcom_core.channels import CHANNELS, RICIAN_K, Received, complex_normal, noise_variance, propagate

SIGMAS = 4.0
"""A correct program fails one check in 16,000 by luck, and none with these seeds."""
BLOCK = {"awgn", "rayleigh", "rician", "rayleigh_no_csi"}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def assert_mean(samples: Tensor, expected: float) -> None:
    """The mean of independent samples lies within ``SIGMAS`` standard errors of ``expected``."""
    samples = samples.double().flatten()
    standard_error = samples.std() / math.sqrt(len(samples))
    z = float((samples.mean() - expected) / standard_error) if standard_error > 0 else 0.0
    assert abs(z) < SIGMAS, f"mean {samples.mean():.5f}, expected {expected:.5f}, z = {z:.1f}"
    if standard_error == 0:
        assert float(samples.mean()) == pytest.approx(expected)


def symbols(batch: int, n: int, seed: int = 1) -> Tensor:
    """QPSK symbols with exactly |x|² = 1."""
    bits = torch.randint(0, 2, (2, batch, n), generator=generator(seed)) * 2.0 - 1.0
    return torch.complex(bits[0], bits[1]) / math.sqrt(2.0)


def test_complex_normal_is_circular() -> None:
    e = complex_normal((200_000,), generator())
    assert_mean(e.abs().square(), 1.0)
    assert_mean(e.real, 0.0)
    assert_mean(e.imag, 0.0)
    assert_mean(e.real.square(), 0.5)
    assert_mean((e * e).real, 0.0)  # circular: E e² = 0
    assert_mean((e * e).imag, 0.0)
    assert kstest(e.real.numpy(), norm(scale=math.sqrt(0.5)).cdf).pvalue > 1e-4


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 7.0, 23.0])
def test_noise_variance_is_one_over_snr(snr_db: float) -> None:
    assert float(noise_variance(snr_db)) == pytest.approx(10 ** (-snr_db / 10), rel=1e-6)


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("snr_db", [0.0, 10.0, 23.0])
def test_powers_and_snr(name: str, snr_db: float) -> None:
    """E|n|² = 1/SNR, E|h|² = 1, and so E|y|²/E|n|² − 1 is the SNR, on every channel."""
    x = symbols(4000, 100)
    received = propagate(CHANNELS[name], x, snr_db, generator(7))
    noise = received.y - received.h * x
    sigma2 = 10 ** (-snr_db / 10)
    assert_mean(noise.abs().square(), sigma2)
    assert_mean(noise.real.square(), sigma2 / 2)  # half of it on I, half on Q
    assert_mean(noise.imag.square(), sigma2 / 2)
    assert_mean(received.h.abs().square(), 1.0)
    # Averaged over each image first: block fading makes the symbols of an image dependent.
    assert_mean((received.h * x).abs().square().mean(1), 1.0)
    measured_db = -10 * math.log10(float(noise.abs().square().mean()))
    assert abs(measured_db - snr_db) < 0.05


@pytest.mark.parametrize("name", CHANNELS)
def test_one_fade_an_image_or_one_a_symbol(name: str) -> None:
    received = propagate(CHANNELS[name], symbols(8, 64), 10.0, generator())
    assert received.h.shape == ((8, 1) if name in BLOCK else (8, 64))
    assert received.y.shape == (8, 64)
    if name != "awgn":
        assert len(torch.unique(received.h.abs())) == received.h.numel()


def test_awgn_does_not_fade() -> None:
    assert torch.equal(CHANNELS["awgn"].fading(3, 5, generator()), torch.ones(3, 1, dtype=torch.complex64))


def test_rayleigh_gain_is_exponential_and_phase_uniform() -> None:
    for name in ("rayleigh", "rayleigh_per_symbol"):
        h = CHANNELS[name].fading(20_000, 1, generator(3)).flatten()
        assert kstest(h.abs().square().numpy(), "expon").pvalue > 1e-4
        assert kstest(h.angle().numpy(), "uniform", (-math.pi, 2 * math.pi)).pvalue > 1e-4


def test_rician_k() -> None:
    """K is the power of the mean over the power around it."""
    h = CHANNELS["rician"].fading(200_000, 1, generator(4))
    line_of_sight = math.sqrt(RICIAN_K / (RICIAN_K + 1))
    assert_mean(h.real, line_of_sight)
    assert_mean(h.imag, 0.0)
    assert_mean((h - line_of_sight).abs().square(), 1 / (RICIAN_K + 1))
    assert float(h.mean().abs() ** 2 / h.var()) == pytest.approx(RICIAN_K, rel=0.02)


def test_rayleigh_per_symbol_is_independent_between_symbols() -> None:
    h = CHANNELS["rayleigh_per_symbol"].fading(50_000, 2, generator(5))
    assert_mean((h[:, 0] * h[:, 1].conj()).real, 0.0)
    assert_mean((h[:, 0] * h[:, 1].conj()).imag, 0.0)


def test_snr_of_each_image() -> None:
    x = symbols(2, 50_000)
    snr_db = torch.tensor([[0.0], [20.0]])
    received = propagate(CHANNELS["awgn"], x, snr_db, generator())
    for image, sigma2 in enumerate((1.0, 0.01)):
        assert_mean((received.y - x)[image].abs().square(), sigma2)


# --- The equaliser ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["awgn", "rayleigh", "rician", "rayleigh_per_symbol"])
@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_equaliser_is_the_linear_mmse(name: str, snr_db: float) -> None:
    """Against the closed form E[s y*]/E[|y|²] given h, and no scaled estimate does better."""
    s = symbols(2000, 200)
    received = propagate(CHANNELS[name], s, snr_db, generator(9))
    h, sigma2 = received.h, received.sigma2
    covariance, power = h.conj(), h.abs().square() + sigma2  # of s with y, and of y, given h
    estimate = received.equalise()
    torch.testing.assert_close(estimate, covariance / power * received.y)

    # Its error is the minimum, σ²/(|h|²+σ²) …
    error = (estimate - s).abs().square()
    assert_mean((error - sigma2 / power).mean(1), 0.0)
    # … orthogonal to what was received …
    assert_mean(((estimate - s) * received.y.conj()).real.mean(1), 0.0)
    assert_mean(((estimate - s) * received.y.conj()).imag.mean(1), 0.0)
    # … and larger for any other scale or phase.
    for factor in (0.97, 1.03, complex(math.cos(0.05), math.sin(0.05))):
        assert (factor * estimate - s).abs().square().mean() > error.mean()


def test_block_fading_is_awgn_at_the_faded_snr() -> None:
    """ŝ at gain |h|² has exactly the law of an AWGN link's at SNR·|h|², given h."""
    s = symbols(1, 200_000)
    n = complex_normal(tuple(s.shape), generator(11))
    h, sigma2 = torch.tensor([[0.6 - 0.3j]]), torch.tensor(0.1)
    gain = h.abs().square()
    faded = Received(h * s + sigma2.sqrt() * n, h, sigma2).equalise()
    # The same noise, turned by the phase of h: circular, so it has the same law.
    turned = n * (h.conj() / h.abs())
    plain = Received(s + (sigma2 / gain).sqrt() * turned, torch.ones_like(h), sigma2 / gain).equalise()
    torch.testing.assert_close(faded, plain, atol=1e-5, rtol=1e-5)


def test_without_csi_the_receiver_ignores_the_fade() -> None:
    received = propagate(CHANNELS["rayleigh_no_csi"], symbols(4, 100), 10.0, generator())
    assert not received.csi
    torch.testing.assert_close(received.equalise(), received.y / (1 + received.sigma2))
    other = Received(received.y, received.h * 1j + 2, received.sigma2, csi=False)
    assert torch.equal(received.equalise(), other.equalise())
    with_csi = Received(received.y, received.h, received.sigma2)
    assert not torch.allclose(received.equalise(), with_csi.equalise())


# --- Bit errors against the closed forms ------------------------------------------------------------


def q_function(x: float) -> float:
    return 0.5 * math.erfc(x / math.sqrt(2))


BIT_ERROR_RATES = {
    ("bpsk", "awgn"): lambda g: q_function(math.sqrt(2 * g)),
    ("qpsk", "awgn"): lambda g: q_function(math.sqrt(g)),
    ("bpsk", "rayleigh_per_symbol"): lambda g: 0.5 * (1 - math.sqrt(g / (1 + g))),
    ("qpsk", "rayleigh_per_symbol"): lambda g: 0.5 * (1 - math.sqrt(g / (2 + g))),
    ("bpsk", "rayleigh"): lambda g: 0.5 * (1 - math.sqrt(g / (1 + g))),
    ("qpsk", "rayleigh"): lambda g: 0.5 * (1 - math.sqrt(g / (2 + g))),
}
BITS = 1_000_000


@pytest.mark.parametrize("snr_db", [0.0, 4.0, 7.0])
@pytest.mark.parametrize(("modulation", "channel"), BIT_ERROR_RATES)
def test_bit_error_rate(modulation: str, channel: str, snr_db: float) -> None:
    """γ = Es/N0. Binomial tolerance: 4 √(p(1−p)/bits). One symbol an image: bits are independent."""
    expected = BIT_ERROR_RATES[modulation, channel](10 ** (snr_db / 10))
    bits = torch.randint(0, 2, (2, BITS, 1), generator=generator(21)).bool()
    sign = bits * 2.0 - 1.0
    # On QPSK only the I bit is counted: with fading the two bits of a symbol are dependent.
    s = torch.complex(sign[0], torch.zeros_like(sign[0])) if modulation == "bpsk" else torch.complex(*sign) / 2**0.5
    estimate = propagate(CHANNELS[channel], s, snr_db, generator(22)).equalise()
    errors = float(((estimate.real > 0) != bits[0]).double().mean())
    tolerance = SIGMAS * math.sqrt(expected * (1 - expected) / BITS)
    assert abs(errors - expected) < tolerance, f"{errors:.5f}, expected {expected:.5f} ± {tolerance:.5f}"


# --- Randomness ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANNELS)
def test_the_generator_alone_decides(name: str) -> None:
    x = symbols(3, 100)
    torch.manual_seed(1)
    first = propagate(CHANNELS[name], x, 5.0, generator(5))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = propagate(CHANNELS[name], x, 5.0, generator(5))
    assert torch.equal(torch.get_rng_state(), state), "the process-wide generator was used"
    assert torch.equal(first.y, second.y)
    assert torch.equal(first.h, second.h)
    other = propagate(CHANNELS[name], x, 5.0, generator(6))
    assert not torch.equal(first.y, other.y)


def test_noise_scales_with_the_snr_and_nothing_else() -> None:
    """Moving the SNR slider keeps the noise's direction: pictures change smoothly, not at random."""
    x = symbols(2, 100)
    unit = [
        (received.y - received.h * x) / received.sigma2.sqrt()
        for received in (propagate(CHANNELS["rayleigh"], x, snr_db, generator(3)) for snr_db in (0.0, 10.0, 20.0))
    ]
    for one, other in pairwise(unit):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_eight_threads_give_what_one_gives() -> None:
    names = list(CHANNELS)

    def run(job: int) -> np.ndarray:
        x = symbols(2, 500, seed=job)
        return propagate(CHANNELS[names[job % len(names)]], x, 10.0, generator(job)).equalise().numpy()

    alone = [run(job) for job in range(200)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, range(200)))
    assert sum(not np.array_equal(a, b) for a, b in zip(alone, together, strict=True)) == 0
