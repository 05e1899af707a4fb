"""How many ciphers there are, which keys are the same, and how wrong a wrong key is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semcom_core.ciphers import keyspace
from semcom_core.ciphers.confusion import ConfusionKey, decrypt, encrypt
from semcom_core.ciphers.keys import KeyStream

COUNTED = {
    (2, 2): (4, 16), (3, 3): (36, 324), (4, 4): (576, 9216), (4, 2): (48, 384), (2, 3): (24, 72),
    (3, 2): (36, 72), (3, 4): (432, 1728), (4, 3): (576, 1728), (2, 4): (96, 384),
}  # fmt: skip
"""Distinct permutations, and keys by Theorem 1."""


def stream(seed: int = 0) -> KeyStream:
    return KeyStream(seed.to_bytes(32, "little"))


@pytest.mark.parametrize(("size", "counts"), COUNTED.items())
def test_counts(size: tuple[int, int], counts: tuple[int, int]) -> None:
    assert (keyspace.exhaustive_count(*size), keyspace.claimed_count(*size)) == counts
    assert keyspace.true_count(*size) == counts[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (1, 5), (5, 2), (6, 2), (6, 3), (2, 6), (5, 3)])
def test_closed_form_by_exhaustion(size: tuple[int, int]) -> None:
    assert keyspace.true_count(*size) == keyspace.exhaustive_count(*size)


def test_paper_size() -> None:
    assert keyspace.true_count(28, 28) == math.factorial(28) ** 2
    assert keyspace.log2_count(keyspace.true_count(28, 28)) == pytest.approx(195.9, abs=0.05)
    excess = keyspace.log2_count(keyspace.claimed_count(28, 28)) - keyspace.log2_count(keyspace.true_count(28, 28))
    assert excess == pytest.approx(math.log2(784))


def test_bits_of_huge_counts() -> None:
    assert keyspace.log2_count(math.factorial(784)) == pytest.approx(math.lgamma(785) / math.log(2), rel=1e-12)
    assert keyspace.log2_count(1) == 0.0


def test_too_many_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 500,000 are tried"):
        keyspace.exhaustive_count(6, 6)


@given(seed=st.integers(0, 2**32), height=st.integers(1, 9), width=st.integers(1, 9), amount=st.integers(-9, 9))
def test_compensating_changes(seed: int, height: int, width: int, amount: int) -> None:
    key = ConfusionKey.draw(stream(seed), height, width)
    F = torch.arange(height * width).reshape(1, height, width)
    changed = keyspace.compensate_c(key, amount)
    assert changed.c == (key.c + amount) % width
    assert torch.equal(decrypt(encrypt(F, key), changed), F)
    if height % width == 0:
        changed = keyspace.compensate_r(key, amount)
        assert changed.r == (key.r + amount) % height
        assert keyspace.same_cipher(key, changed)
        assert keyspace.agreement(key, changed) == 1.0
    else:
        with pytest.raises(ValueError, match="W must divide H"):
            keyspace.compensate_r(key, amount)


def test_shifted_offsets_are_wrong_keys() -> None:
    """Alone, a shift of c moves every column, a shift of r every row: nothing comes back."""
    key = ConfusionKey.draw(stream(), 28, 28)
    for wrong in (keyspace.shift_c(key, 1), keyspace.shift_r(key, 1)):
        assert keyspace.cells_right(key, wrong) == 0.0
        assert not keyspace.same_cipher(key, wrong)
    assert keyspace.same_cipher(keyspace.shift_c(key, 28), key)


@pytest.mark.parametrize("count", [0, 2, 3, 14, 28])
def test_wrong_entries(count: int) -> None:
    """m wrong rows cost exactly m/28 of the cells, and so do m wrong columns."""
    key = ConfusionKey.draw(stream(), 28, 28)
    rows = keyspace.wrong_key(key, stream(1), rows=count)
    columns = keyspace.wrong_key(key, stream(1), columns=count)
    assert (rows.K_r != key.K_r).sum() == (columns.K_c != key.K_c).sum() == count
    assert keyspace.cells_right(key, rows) == pytest.approx(1 - count / 28)
    assert keyspace.cells_right(key, columns) == pytest.approx(1 - count / 28)
    assert keyspace.agreement(key, rows) == pytest.approx(1 - count / 56)


@pytest.mark.parametrize("count", [1, -1, 29])
def test_impossible_wrong_entries_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"K_r can have 0 or 2…28 wrong entries"):
        keyspace.wrong_key(ConfusionKey.draw(stream(), 28, 28), stream(1), rows=count)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 12))
def test_key_of_permutation(seed: int, size: int) -> None:
    key = ConfusionKey.draw(stream(seed), size, size)
    found = keyspace.key_of_permutation(key.permutation(), size)
    assert found is not None
    assert np.array_equal(found.K_r, key.canonical().K_r)
    assert np.array_equal(found.K_c, key.canonical().K_c)


def test_most_permutations_have_no_key() -> None:
    assert keyspace.key_of_permutation(stream().permutation(784), 28) is None
    one_swap = ConfusionKey.draw(stream(), 28, 28).permutation()
    one_swap[[500, 501]] = one_swap[[501, 500]]
    assert keyspace.key_of_permutation(one_swap, 28) is None
