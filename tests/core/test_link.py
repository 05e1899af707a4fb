"""The signal path on untrained networks: purity, secrecy, and what the cipher does not change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from semcom_core import link
from semcom_core.channels import CHANNELS, Received, complex_normal, noise_variance, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.defenses.noise import AdditiveNoise
from semcom_core.link import Encoded, LinkModels, Sent, decode_reception, eavesdrop, encode, receive, send, transmit
from semcom_core.settings import LinkSettings
from tests.untrained import fingerprint, identical, textured

SOURCE = KeySource.published()
EVERY_DEFENSE = [
    LinkSettings(defense="none", channel="rayleigh"),
    LinkSettings(defense="noise", noise=0.7),
    LinkSettings(defense="repobe", channel="rician"),
    LinkSettings(defense="repobe", policy=KeyPolicy.SESSION, channel="rayleigh_per_symbol"),
    LinkSettings(defense="repobe", policy=KeyPolicy.FIXED, attacker="naive"),
    LinkSettings(defense="repobe", attacker="key_holder", eve_snr_db=3.0, channel="rayleigh_no_csi"),
]


# --- Determinism and purity --------------------------------------------------------------------------


@pytest.mark.parametrize("settings", EVERY_DEFENSE, ids=lambda s: f"{s.defense}-{s.policy}-{s.chosen_attacker}")
def test_equal_settings_give_equal_numbers(models: LinkModels, known: Encoded, settings: LinkSettings) -> None:
    before, state = fingerprint(models), torch.get_rng_state()
    native = textured(1)
    torch.manual_seed(1)
    first = transmit(models, native, settings, SOURCE, known)
    torch.manual_seed(2)
    second = transmit(models, native.clone(), replace(settings), KeySource.published(), known)
    assert identical(first, second)
    assert fingerprint(models) == before, "a shared model was changed"
    assert torch.equal(native, textured(1)), "the picture was changed"
    torch.set_rng_state(state)
    transmit(models, native, settings, SOURCE, known)
    assert torch.equal(torch.get_rng_state(), state), "the process-wide generator was used"


def test_stages_are_pure(models: LinkModels, encoded: Encoded, known: Encoded) -> None:
    """Each stage gives the same again and leaves its inputs as they were."""
    settings = LinkSettings(policy=KeyPolicy.SESSION, channel="rayleigh")
    symbols = encoded.symbols.clone()
    sent = send(encoded, settings, SOURCE)
    x = sent.x.clone()
    assert identical(receive(models, encoded, sent, settings), receive(models, encoded, sent, settings))
    attack = [eavesdrop(models, encoded, sent, settings, SOURCE, known) for _ in range(2)]
    assert identical(*attack)
    assert identical(send(encoded, settings, SOURCE), sent)
    assert torch.equal(sent.x, x)
    assert torch.equal(encoded.symbols, symbols)


def test_transmit_composes_the_stages(models: LinkModels, known: Encoded) -> None:
    settings = LinkSettings(channel="rayleigh", policy=KeyPolicy.FIXED)
    native = textured(1)
    whole = transmit(models, native, settings, SOURCE, known)
    encoded = encode(models, native)
    sent = send(encoded, settings, SOURCE)
    assert identical(whole.sent, sent)
    assert identical(whole.reception, receive(models, encoded, sent, settings))
    assert identical(whole.eavesdropping, eavesdrop(models, encoded, sent, settings, SOURCE, known))
    assert torch.equal(whole.sent_judged, models.judge(native))
    assert whole.eavesdropping.attacker == "known_plaintext"


def test_new_noise_and_new_key_are_separate(models: LinkModels, encoded: Encoded) -> None:
    settings = LinkSettings(channel="rayleigh")
    sent = send(encoded, settings, SOURCE)
    new_key = replace(settings, message=1)
    resent = send(encoded, new_key, SOURCE)
    assert not torch.equal(sent.x, resent.x)
    one, other = (receive(models, encoded, s, c).received for s, c in ((sent, settings), (resent, new_key)))
    assert torch.equal(one.h, other.h)
    torch.testing.assert_close(one.y - one.h * sent.x, other.y - other.h * resent.x, atol=1e-5, rtol=0)
    assert not torch.equal(receive(models, encoded, sent, replace(settings, seed=1)).received.h, one.h)


def test_each_picture_has_its_own_key_under_the_message_policy(models: LinkModels) -> None:
    pictures = textured(1).repeat(2, 1, 1, 1)
    pictures[1, 0, 14, 14] += 0.01  # one pixel
    encoded = encode(models, pictures)
    assert encoded.digests[0] != encoded.digests[1]
    for policy, differ in ((KeyPolicy.MESSAGE, True), (KeyPolicy.SESSION, False), (KeyPolicy.FIXED, False)):
        (keys,) = send(encoded, LinkSettings(policy=policy), SOURCE).keys
        assert differ != np.array_equal(keys[0].permutation(), keys[1].permutation())


def test_eight_threads_give_what_one_gives(models: LinkModels, known: Encoded) -> None:
    jobs = EVERY_DEFENSE + [LinkSettings()] * 8
    native = textured(1)

    def run(settings: LinkSettings) -> link.Transmission:
        return transmit(models, native, settings, SOURCE, known)

    alone = [run(settings) for settings in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, jobs))
    assert sum(not identical(a, b) for a, b in zip(alone, together, strict=True)) == 0


# --- What the cipher changes for the receiver: nothing ------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("policy", KeyPolicy)
def test_cipher_changes_no_receiver_figure(
    models: LinkModels, encoded: Encoded, channel: str, policy: KeyPolicy
) -> None:
    """With noise (and, where each symbol has one, fades) permuted alike, every bit is the same."""
    generator = torch.Generator().manual_seed(5)
    x = encoded.symbols
    h = CHANNELS[channel].fading(*x.shape, generator)
    sigma2 = noise_variance(7.0)
    noise = complex_normal(tuple(x.shape), generator) * sigma2.sqrt()
    plain_sent = send(encoded, LinkSettings(defense="none"), SOURCE)
    plain = decode_reception(
        models, encoded.native, plain_sent, Received(h * x + noise, h, sigma2, CHANNELS[channel].csi)
    )

    sent = send(encoded, LinkSettings(policy=policy), SOURCE)
    (cipher,), (keys,) = sent.chain, sent.keys

    def permuted(values: Tensor) -> Tensor:
        return cipher.protect(values, keys, generator)

    assert torch.equal(sent.x, permuted(x))
    assert not torch.equal(sent.x, x)
    faded = permuted(h) if h.shape[1] > 1 else h
    received = Received(faded * sent.x + permuted(noise), faded, sigma2, CHANNELS[channel].csi)
    ciphered = decode_reception(models, encoded.native, sent, received)
    assert torch.equal(ciphered.recovered, plain.recovered)
    assert identical(ciphered.reading, plain.reading)


def test_a_wrong_key_changes_everything(models: LinkModels, encoded: Encoded) -> None:
    settings = LinkSettings(snr_db=30.0)
    sent = send(encoded, settings, SOURCE)
    right = receive(models, encoded, sent, settings)
    wrong_keys = Sent(sent.x, sent.chain, send(encoded, settings, KeySource.agreed()).keys)
    wrong = decode_reception(models, encoded.native, wrong_keys, right.received)
    error = [(r.recovered - encoded.symbols).abs().square().mean() for r in (right, wrong)]
    assert error[0] < 2e-3
    assert error[1] > 0.5


# --- Bob and Eve ------------------------------------------------------------------------------------


def test_bob_and_eve_are_independent(models: LinkModels, encoded: Encoded) -> None:
    """Noise uncorrelated within 4 standard errors, fades different, and neither moves the other."""
    settings = LinkSettings(channel="rayleigh", snr_db=10.0)
    sent = send(encoded, settings, SOURCE)
    bob = receive(models, encoded, sent, settings).received
    eve = eavesdrop(models, encoded, sent, settings, SOURCE).received
    assert not torch.isclose(bob.h, eve.h).any()
    noise = [(r.y - r.h * sent.x).flatten() / r.sigma2.sqrt() for r in (bob, eve)]
    correlation = (noise[0] * noise[1].conj()).mean()
    assert correlation.abs() < 4 / len(noise[0]) ** 0.5
    assert torch.equal(bob.sigma2, eve.sigma2)

    quieter = replace(settings, eve_snr_db=20.0)
    assert identical(receive(models, encoded, sent, quieter).received, bob)
    assert eavesdrop(models, encoded, sent, quieter, SOURCE).received.sigma2 == pytest.approx(0.01)


# --- Additive noise ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0, 3.0])
def test_additive_noise_keeps_the_power_and_the_mmse_scale(sigma: float) -> None:
    """E|x|² = 1, and ŝ is the linear MMSE estimate of s: E[s ŝ*] = E|ŝ|². Both within 4 σ."""
    generator = torch.Generator().manual_seed(3)
    s = complex_normal((400, 500), generator)
    s = s / s.abs().square().mean(1, keepdim=True).sqrt()
    plug_in = AdditiveNoise(sigma)
    x = plug_in.protect(s, [None] * len(s), generator)
    power = x.abs().square().mean(1)
    assert abs(power.mean() - 1) < 4 * power.std() / len(s) ** 0.5 + 1e-5
    for channel in ("awgn", "rayleigh", "rayleigh_per_symbol"):
        received = propagate(CHANNELS[channel], x, 10.0, generator)
        estimate = plug_in.recover(received.equalise(), [None] * len(s))
        orthogonality = ((s - estimate) * estimate.conj()).real.mean(1)
        assert abs(orthogonality.mean()) < 4 * orthogonality.std() / len(s) ** 0.5


def test_noise_comes_from_the_seed_and_differs_by_image(encoded: Encoded) -> None:
    settings = LinkSettings(defense="noise", noise=1.0)
    first, second = send(encoded, settings, SOURCE).x, send(encoded, settings, KeySource.agreed()).x
    assert torch.equal(first, second)  # no key material enters
    added = first * 2**0.5 - encoded.symbols
    assert not torch.isclose(added[0], added[1]).any()
    assert not torch.equal(first, send(encoded, replace(settings, seed=1), SOURCE).x)
