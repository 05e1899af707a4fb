"""Attacks without training: nearest messages, and the search for a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from semcom_core.attacks.neighbours import NearestMessages
from semcom_core.attacks.white_box import code_of, search, total_variation, white_box
from semcom_core.channels import CHANNELS, Received, complex_normal, propagate
from semcom_core.ciphers.keys import KeySource
from semcom_core.codecs.necst import NECSTCodec
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.link import Encoded, LinkModels, send
from semcom_core.settings import LinkSettings
from tests.untrained import textured


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- Ridge -------------------------------------------------------------------------------------------


def test_nearest_messages_equal_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, 16)) + 1j * rng.normal(size=(10, 16))
    labels = rng.integers(10, size=400)
    known = centres[labels] + rng.normal(size=(400, 16)) + 1j * rng.normal(size=(400, 16))
    asked = known[:50] + 0.3 * rng.normal(size=(50, 16))
    votes = NearestMessages(torch.from_numpy(known), torch.from_numpy(labels)).votes(torch.from_numpy(asked))
    order = np.abs(asked[:, None] - known[None]).__pow__(2).sum(2).argsort(1)[:, :5]
    expected = np.zeros((50, 10))
    for row, near in enumerate(order):
        np.add.at(expected[row], labels[near], 1.0)
        expected[row, labels[near[0]]] += 0.5
    np.testing.assert_allclose(votes.numpy(), expected)


def test_nearest_messages_are_at_chance_on_noise() -> None:
    heard_, asked = complex_normal((2000, 32), seeded()), complex_normal((2000, 32), seeded(1))
    labels = torch.randint(10, (4000,), generator=seeded(2))
    found = NearestMessages(heard_, labels[:2000]).votes(asked).argmax(1)
    assert abs(float((found == labels[2000:]).float().mean()) - 0.1) < 0.03  # 4 standard deviations


# --- White box ---------------------------------------------------------------------------------------------


def test_total_variation_of_a_step() -> None:
    picture = torch.zeros(1, 1, 5, 5)
    picture[..., 2:] = 1.0
    assert float(total_variation(picture)) == pytest.approx(4 / 16, abs=2e-3)  # one of four columns of gradients


def test_the_search_finds_the_least_squares_picture() -> None:
    """For a linear code inside [0,1] and without a prior it must end where lstsq does."""
    rng = np.random.default_rng(0)
    A = torch.from_numpy(rng.normal(size=(16, 20)) + 1j * rng.normal(size=(16, 20))).to(torch.complex64)
    truth = torch.from_numpy(rng.uniform(0.3, 0.7, (2, 1, 4, 4))).float()

    def encode(picture: Tensor) -> Tensor:
        return picture.flatten(1).to(torch.complex64) @ A

    *_, last = search(encode, encode(truth), torch.zeros(2), torch.full_like(truth, 0.3), 0.0, 600)
    torch.testing.assert_close(last.picture, truth, atol=5e-3, rtol=0)
    assert float(last.distance.max()) < 1e-3


def test_the_search_lowers_the_distance_through_the_whole_encoder(models: LinkModels, encoded: Encoded) -> None:
    received = propagate(CHANNELS["awgn"], encoded.symbols[:1], 20.0, seeded())
    distances = [
        float(attempt.distance[0]) for attempt in white_box(models.codec, models.domain, received, steps=12, weight=0.0)
    ]
    assert len(distances) == 13
    assert distances[-1] < 0.7 * distances[0]


def test_no_search_against_a_key_or_without_gradients(models: LinkModels, encoded: Encoded) -> None:
    received = Received(encoded.symbols, torch.ones(2, 1), torch.tensor(0.1))
    with pytest.raises(ValueError, match="without a key"):
        next(white_box(models.codec, models.domain, received, (ConfusionCipher(),)))
    with pytest.raises(ValueError, match="no gradients"):
        next(
            search(lambda p: p.detach().flatten(1), torch.zeros(1, 4), torch.zeros(1), torch.zeros(1, 1, 2, 2), 0.0, 1)
        )


def test_gradients_pass_straight_through_hard_bits() -> None:
    torch.manual_seed(0)
    codec = NECSTCodec().eval()
    image = textured(2).requires_grad_(True)
    code = code_of(codec, image)
    torch.testing.assert_close(code.detach(), codec.encode(image).detach())
    (gradient,) = torch.autograd.grad(code.real.sum(), image)
    assert float(gradient.abs().sum()) > 0


def test_the_search_changes_no_network_and_may_be_stopped(models: LinkModels, encoded: Encoded) -> None:
    """It also works where the caller has switched gradients off, on what was made there."""
    before = [parameter.clone() for parameter in models.codec.encoder.parameters()]
    with torch.inference_mode():
        settings = LinkSettings(defense="noise")
        sent = send(encoded, settings, KeySource.published())
        received = propagate(CHANNELS["rayleigh"], sent.x, 10.0, seeded())
        attempts = white_box(models.codec, models.domain, received, sent.chain, steps=100)
        found = [next(attempts) for _ in range(3)]
        attempts.close()
    assert [attempt.step for attempt in found] == [0, 1, 2]
    assert all(attempt.picture.shape == encoded.native.shape for attempt in found)
    assert all(torch.equal(a, b) for a, b in zip(before, models.codec.encoder.parameters(), strict=True))


# --- Training ----------------------------------------------------------------------------------------------
