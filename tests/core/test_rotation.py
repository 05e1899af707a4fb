"""The one-time rotation: unitary, Haar by its closed-form laws, free for the receiver, hiding everything."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import beta, binomtest, expon, kstest, uniform

from semcom_core.channels import CHANNELS, Received, complex_normal, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource, KeyStream, SeedKey
from semcom_core.ciphers.rotation import FastRotation, HaarRotation
from semcom_core.ciphers.shuffling import ShufflingKey
from semcom_core.codecs.repobe import CHANNEL_USES
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.rotation import ExactRotation, QuickRotation
from semcom_core.defenses.shuffling import ShufflingCipher

LEVEL = 1e-4
"""Each test of a law rejects a correct program with this probability, and none with these keys."""
FORMS = [HaarRotation, FastRotation]
PLUG_INS = [ExactRotation, QuickRotation]
Form = type[HaarRotation] | type[FastRotation]


def seed_key(number: int) -> SeedKey:
    return SeedKey(number.to_bytes(32, "little"))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return complex_normal(shape, torch.Generator().manual_seed(seed))


def matrix(rotation: HaarRotation | FastRotation) -> np.ndarray:
    """U itself: a message a row, so its columns come out as rows."""
    return rotation.apply(np.eye(rotation.n)).T


def structured(n: int) -> dict[str, np.ndarray]:
    """Signals of norm 1 that a bad rotation would leave traces of."""
    ramp = np.linspace(-1.0, 1.0, n)
    signals = {
        "first coordinate": np.eye(n)[0],
        "last coordinate": np.eye(n)[-1],
        "constant": np.ones(n),
        "tone": np.exp(2j * np.pi * 3 * np.arange(n) / n),
        "smooth": np.exp(-8.0 * ramp**2) + 0.3j * ramp,
    }
    return {name: signal / np.linalg.norm(signal) for name, signal in signals.items()}


# --- Algebra -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64])
@pytest.mark.parametrize("form", FORMS)
def test_unitary(form: Form, n: int) -> None:
    U = matrix(form(seed_key(n), n))
    tolerance = 1e-13 * n if form is HaarRotation else 1e-5
    np.testing.assert_allclose(U @ U.conj().T, np.eye(n), atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_norm_and_inverse_at_full_size(form: Form) -> None:
    """Relative error of the norm and largest difference of the inverse: rounding only."""
    s = normal(3, CHANNEL_USES).numpy().astype(np.complex128)
    rotation = form(seed_key(5), CHANNEL_USES)
    x = rotation.apply(s)
    tolerance = 1e-12 if form is HaarRotation else 1e-5
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), np.linalg.norm(s, axis=1), rtol=tolerance)
    np.testing.assert_allclose(rotation.invert(x), s, atol=tolerance * 10)
    alone = np.concatenate([rotation.apply(one[None]) for one in s])
    np.testing.assert_allclose(alone, x, atol=tolerance * 10)  # in a batch or alone


def test_first_column_is_the_first_vector() -> None:
    """``H_0 D_0 e_1 = v_0/‖v_0‖``: with the phase right, the column is the Gaussian vector itself."""
    n, key = 9, seed_key(1)
    v = key.stream().complex_normal(n * (n + 1) // 2)[:n]
    np.testing.assert_allclose(matrix(HaarRotation(key, n))[:, 0], v / np.linalg.norm(v), atol=1e-14)


@pytest.mark.parametrize("form", FORMS)
def test_keys_decide(form: Form) -> None:
    s = normal(1, 64).numpy()
    once, again, other = (form(seed_key(k), 64).apply(s) for k in (1, 1, 2))
    assert np.array_equal(once, again)
    assert np.abs(np.vdot(once, other)) < 0.5 * np.linalg.norm(once) ** 2


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="must have 32 bytes, not 16"):
        SeedKey(bytes(16))
    with pytest.raises(ValueError, match="messages of 8 symbols"):
        HaarRotation(seed_key(0), 8).apply(np.ones((1, 9)))
    with pytest.raises(ValueError, match="at least 2 rounds"):
        FastRotation(seed_key(0), 8, rounds=1)
    with pytest.raises(ValueError, match="one SeedKey a message: 2"):
        ExactRotation().protect(normal(2, 8), [seed_key(0)], torch.Generator())


def test_a_seed_is_never_printed() -> None:
    assert "SeedKey()" in f"{[seed_key(0x4142434445)]}"


# --- The key stream's numbers ----------------------------------------------------------------------------


def test_gaussians_and_phases_follow_their_laws() -> None:
    """|g|² ~ Exp(1), phase uniform, at level 1e-4 on 20,000 samples."""
    stream = KeyStream(bytes(32))
    g = stream.complex_normal(20_000)
    assert kstest(np.abs(g) ** 2, expon.cdf).pvalue > LEVEL
    assert kstest(np.angle(g), uniform(-np.pi, 2 * np.pi).cdf).pvalue > LEVEL
    assert abs(np.corrcoef(g.real[:-1], g.imag[1:])[0, 1]) < 4 / np.sqrt(len(g))
    phases = stream.phases(20_000)
    np.testing.assert_allclose(np.abs(phases), 1.0, atol=1e-15)
    assert kstest(np.angle(phases), uniform(-np.pi, 2 * np.pi).cdf).pvalue > LEVEL


def test_permutations_by_sorting_are_uniform() -> None:
    stream = KeyStream(bytes(32))
    places = np.array([stream.permutation_by_sorting(5) for _ in range(4000)])
    codes, counts = np.unique(places @ 10 ** np.arange(5), return_counts=True)
    assert len(codes) == 120
    statistic = ((counts - 4000 / 120) ** 2 / (4000 / 120)).sum()
    assert statistic < 119 + 4 * np.sqrt(2 * 119)  # chi-square with 119 degrees of freedom


# --- Laws of a Haar unitary ----------------------------------------------------------------------------------


def assert_uniform_on_the_sphere(x: np.ndarray) -> None:
    """Coordinates of unit vectors (keys, n): ``|u|² ~ Beta(1, n−1)`` and a uniform phase.

    Three coordinates, tested one by one over the keys.
    """
    n = x.shape[1]
    for coordinate in (0, n // 2, n - 1):
        u = x[:, coordinate]
        assert kstest(np.abs(u) ** 2, beta(1, n - 1).cdf).pvalue > LEVEL
        assert kstest(np.angle(u), uniform(-np.pi, 2 * np.pi).cdf).pvalue > LEVEL


def rotated(form: Form, n: int, keys: int) -> dict[str, np.ndarray]:
    """Each structured signal under many keys, (keys, n)."""
    signals = structured(n)
    together = np.stack(list(signals.values()))
    out = np.stack([form(seed_key(1000 + key), n).apply(together) for key in range(keys)], axis=1)
    return dict(zip(signals, out, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_law_of_a_coordinate_dimension_64(form: Form) -> None:
    """2,000 keys; 5 signals × 3 coordinates × 2 tests, level 1e-4 each."""
    for x in rotated(form, 64, 2000).values():
        assert_uniform_on_the_sphere(x)
        # Neighbours are uncorrelated: E[x_i x_k*] = 0, so the mean has standard error 1/(64√2000).
        assert abs((x[:, :-1] * x[:, 1:].conj()).mean(0)).max() < 6 / (64 * np.sqrt(2000))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_law_of_a_coordinate_full_size(form: Form) -> None:
    """100 keys at 1,568 symbols."""
    for x in rotated(form, CHANNEL_USES, 100).values():
        assert_uniform_on_the_sphere(x)


def test_traces_are_those_of_haar() -> None:
    """tr U and tr U² of Haar on U(16) are CN(0,1) and CN(0,2) (Diaconis and Shahshahani 1994).

    Sensitive to the phases: without them U has real or wrongly distributed eigenvalues.
    """
    unitaries = [matrix(HaarRotation(seed_key(key), 16)) for key in range(2000)]
    for power, variance in ((1, 1.0), (2, 2.0)):
        trace = np.array([np.trace(np.linalg.matrix_power(U, power)) for U in unitaries])
        assert kstest(np.abs(trace) ** 2 / variance, expon.cdf).pvalue > LEVEL
        assert kstest(np.angle(trace), uniform(-np.pi, 2 * np.pi).cdf).pvalue > LEVEL


def test_trace_test_can_see_missing_phases() -> None:
    class NoPhases(HaarRotation):
        def __init__(self, key: SeedKey, n: int) -> None:
            super().__init__(key, n)
            self._phases = np.ones(n)

    trace = np.array([np.trace(matrix(NoPhases(seed_key(key), 16))) for key in range(300)])
    assert kstest(np.abs(trace) ** 2, expon.cdf).pvalue < LEVEL


# --- What it costs the receiver ---------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["awgn", "rayleigh", "rician", "rayleigh_no_csi"])
@pytest.mark.parametrize("plug_in", PLUG_INS)
def test_commutes_with_block_fading(plug_in: type, channel: str) -> None:
    """Receiving ``U s`` through noise n equals receiving s through noise ``U* n``, within 1e-3."""
    cipher, snr_db = plug_in(), 5.0
    s = normal(2, CHANNEL_USES)
    keys = [seed_key(0), seed_key(1)]
    x = cipher.protect(s, keys, torch.Generator())
    received = propagate(CHANNELS[channel], x, snr_db, torch.Generator().manual_seed(2))
    recovered = cipher.recover(received.equalise(), keys)

    noise = cipher.recover(received.y - received.h * x, keys)
    plain = Received(received.h * s + noise, received.h, received.sigma2, received.csi).equalise()
    assert float((recovered - plain).abs().max()) <= 1e-3


def test_does_not_commute_with_a_fade_per_symbol() -> None:
    """Even without noise: the equaliser shrinks weak symbols more, and the rotation mixes that."""
    cipher, s, keys = QuickRotation(), normal(1, CHANNEL_USES), [seed_key(0)]
    x = cipher.protect(s, keys, torch.Generator())
    drawn = propagate(CHANNELS["rayleigh_per_symbol"], x, 5.0, torch.Generator())
    rotated, plain = (Received(drawn.h * symbols, drawn.h, drawn.sigma2).equalise() for symbols in (x, s))
    assert float((cipher.recover(rotated, keys) - plain).abs().max()) > 0.1


@pytest.mark.parametrize("plug_in", [*PLUG_INS, ShufflingCipher])
def test_plug_in_keeps_power_and_inverts(plug_in: type) -> None:
    cipher, s = plug_in(), normal(3, CHANNEL_USES)
    stream = KeySource.published().stream(cipher.name, KeyPolicy.MESSAGE, seed=0, session=0, nonce=b"n")
    first, second = cipher.key(stream), cipher.key(stream)
    keys = [first, second, first]  # two messages under one key, one under another
    x = cipher.protect(s, keys, torch.Generator())
    assert x.dtype == torch.complex64
    torch.testing.assert_close(x.norm(dim=1), s.norm(dim=1), rtol=1e-5, atol=0)
    torch.testing.assert_close(cipher.recover(x, keys), s, rtol=0, atol=2e-5)
    torch.testing.assert_close(cipher.protect(s[1:2], [second], torch.Generator()), x[1:2], rtol=0, atol=2e-5)
    wrong = cipher.recover(x, [second, first, second])
    assert float((wrong - s).abs().mean()) > 0.5
    assert cipher == plug_in()


def test_names_differ() -> None:
    """Names are HKDF labels: no two ciphers may share a key stream."""
    assert len({cipher.name for cipher in (*PLUG_INS, ShufflingCipher, ConfusionCipher)}) == 4


@pytest.mark.parametrize(("form", "limit_s"), [(HaarRotation, 1.0), (FastRotation, 0.002)])
def test_time_for_one_message(form: Form, limit_s: float) -> None:
    """Key expansion and rotation on one core (processor time, best of several)."""
    s, times = normal(1, CHANNEL_USES).numpy(), []
    for number in range(5):
        start = time.process_time()
        form(seed_key(number), CHANNEL_USES).apply(s)
        times.append(time.process_time() - start)
    assert min(times) <= limit_s


# --- Nothing to learn under fresh keys -----------------------------------------------------------------------------


def features(x: np.ndarray) -> np.ndarray:
    """Real and imaginary parts, moduli as they stand and sorted, and moduli of the spectrum, standardised."""
    modulus = np.abs(x)
    columns = [x.real, x.imag, modulus, np.sort(modulus, 1), np.abs(np.fft.fft(x, axis=1))]
    joined = np.concatenate(columns, axis=1)
    return (joined - joined.mean(0)) / (joined.std(0) + 1e-9)


def logistic(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Ridge-penalised logistic regression by Newton's method."""
    X = np.concatenate([train, np.ones((len(train), 1))], axis=1)
    weights = np.zeros(X.shape[1])
    for _ in range(8):
        p = 1.0 / (1.0 + np.exp(-np.clip(X @ weights, -30, 30)))
        hessian = (X * (p * (1 - p))[:, None]).T @ X + 10.0 * np.eye(X.shape[1])
        weights -= np.linalg.solve(hessian, X.T @ (p - labels) + 10.0 * weights)
    return np.concatenate([test, np.ones((len(test), 1))], axis=1) @ weights > 0


def neighbours(train: np.ndarray, labels: np.ndarray, test: np.ndarray, k: int = 15) -> np.ndarray:
    nearest = ((test**2).sum(1)[:, None] + (train**2).sum(1) - 2 * test @ train.T).argsort(1)[:, :k]
    return labels[nearest].mean(1) > 0.5


def told_apart(encrypt: Callable[[np.ndarray, int], np.ndarray], n: int = 64) -> list[float]:
    """p-values of both classifiers against guessing: two signals, 1,000 fresh keys each."""
    signals = structured(n)
    labels = np.arange(2000) % 2
    x = np.stack([encrypt(signals["smooth" if label else "tone"], key) for key, label in enumerate(labels)])
    z = features(x * np.sqrt(n))
    half = len(z) // 2
    p_values = []
    for classifier in (logistic, neighbours):
        right = int((classifier(z[:half], labels[:half], z[half:]) == labels[half:]).sum())
        p_values.append(binomtest(right, half, 0.5).pvalue)
    return p_values


@pytest.mark.parametrize("form", FORMS)
def test_signals_cannot_be_told_apart(form: Form) -> None:
    """Two very different signals, a fresh key a message: trained classifiers guess (level 1e-3 each)."""
    assert min(told_apart(lambda s, key: form(seed_key(key), len(s)).apply(s[None])[0])) > 1e-3


def test_the_classifiers_can_tell_shuffled_signals_apart() -> None:
    """Control: a permutation keeps the values, and the same classifiers see it."""

    def shuffle(s: np.ndarray, key: int) -> np.ndarray:
        return s[ShufflingKey.draw(seed_key(key).stream(), len(s)).order]

    assert max(told_apart(shuffle)) < 1e-12
