"""Readers of other ciphers: what each can see, and that its training data have the right law."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from semcom_core.ciphers.confusion import encrypt
from semcom_core.ciphers.keys import KeyPolicy, KeySource, SeedKey
from semcom_core.ciphers.rotation import HaarRotation
from semcom_core.codecs.repobe import pack
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.networks.readers import CellSetReader, DenseReader
from semcom_core.training.readers import CIPHERS, fixed_key


def features(count: int) -> torch.Tensor:
    z = torch.randn(count, 4, 28, 28, generator=torch.Generator().manual_seed(0))
    return z * (3136**0.5 / z.flatten(1).norm(dim=1))[:, None, None, None]


@pytest.fixture
def shuffled_and_plain() -> tuple[torch.Tensor, torch.Tensor]:
    z = features(3)
    order = torch.randperm(784, generator=torch.Generator().manual_seed(1))
    return z.flatten(2)[:, :, order].reshape(z.shape), z


@torch.inference_mode()
def test_a_reader_of_sets_does_not_see_the_order(shuffled_and_plain: tuple[torch.Tensor, torch.Tensor]) -> None:
    shuffled, plain = shuffled_and_plain
    reader = CellSetReader(1, 28).eval()
    for one, other in zip(reader(shuffled), reader(plain), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert (reader(plain)[0] - reader(plain.roll(1, 1))[0]).abs().max() > 1e-3, "but it does see the values"


@torch.inference_mode()
def test_a_dense_reader_sees_the_order(shuffled_and_plain: tuple[torch.Tensor, torch.Tensor]) -> None:
    shuffled, plain = shuffled_and_plain
    reader = DenseReader(1, 28).eval()
    assert (reader(shuffled)[0] - reader(plain)[0]).abs().max() > 1e-2


def test_the_rotation_reader_trains_on_the_law_of_true_ciphertexts() -> None:
    """Coordinates of its training points and of Haar rotations of one vector: the same distribution."""
    z = features(40)
    _, _, scramble = CIPHERS["rotation"]
    trained_on = pack(scramble(z, torch.Generator().manual_seed(2)))
    assert torch.allclose(trained_on.abs().square().mean(1), torch.ones(40), atol=1e-4)
    fixed = pack(z[:1]).numpy()
    true = np.concatenate([HaarRotation(SeedKey(bytes([k]) * 32), 1568).apply(fixed) for k in range(10)])
    # |u|² of a coordinate on the complex unit sphere of dimension n: 1 − (1 − x)^(n−1)
    law = lambda x: 1.0 - (1.0 - np.clip(x, 0, 1)) ** 1567  # noqa: E731
    for sample in (trained_on.numpy(), true):
        assert kstest((np.abs(sample) ** 2).ravel() / 1568, law).pvalue > 1e-3


def test_the_fixed_key_is_the_one_that_the_link_uses() -> None:
    from semcom_core.link import Encoded, send
    from semcom_core.settings import LinkSettings

    z = features(2)
    encoded = Encoded(torch.zeros(2, 1, 28, 28), pack(z), (b"one", b"two"))
    settings = LinkSettings(policy=KeyPolicy.FIXED, seed=5, session=3, message=7)
    sent = send(encoded, settings, KeySource.published())
    torch.testing.assert_close(sent.x, pack(encrypt(z, fixed_key())))
    assert isinstance(sent.chain[0], ConfusionCipher)
