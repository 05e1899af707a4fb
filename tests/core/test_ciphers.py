"""RepObE's confusion-offset cipher, eqs. (4)–(11), against the paper's text and by exhaustion."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from semcom_core.ciphers import confusion
from semcom_core.ciphers.confusion import ConfusionKey, decrypt, encrypt, reindex
from semcom_core.ciphers.keys import KeyStream
from semcom_core.codecs.repobe import pack, unpack
from semcom_core.defenses.confusion import ConfusionCipher

SIZES = [(1, 1), (2, 2), (3, 5), (5, 3), (4, 2), (6, 4), (7, 7), (28, 28), (28, 20)]


def key_for(height: int, width: int, seed: int = 0) -> ConfusionKey:
    return ConfusionKey.draw(KeyStream(seed.to_bytes(32, "little")), height, width)


def numbered(channels: int, height: int, width: int) -> Tensor:
    """A map in which every cell is different, so that any misplaced cell shows."""
    return torch.arange(channels * height * width, dtype=torch.float32).reshape(channels, height, width)


@st.composite
def keys(draw: st.DrawFn, largest: int = 12) -> ConfusionKey:
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return ConfusionKey(
        np.array(draw(st.permutations(range(height)))),
        np.array(draw(st.permutations(range(width)))),
        draw(st.integers(0, height - 1)),
        draw(st.integers(0, width - 1)),
    )


# --- The paper's text, written out once more as loops over every index -------------------------------


def literal(F: np.ndarray, cell) -> np.ndarray:
    """``out[a,i,j] = cell(a,i,j)`` for every index."""
    out = np.full_like(F, -1)
    for a in range(F.shape[0]):
        for i in range(F.shape[1]):
            for j in range(F.shape[2]):
                out[a, i, j] = cell(a, i, j)
    return out


def scatter(F: np.ndarray, target) -> np.ndarray:
    """``out[target(a,i,j)] = F[a,i,j]`` for every index, as eqs. (9) and (11) are written."""
    out = np.full_like(F, -1)
    for a in range(F.shape[0]):
        for i in range(F.shape[1]):
            for j in range(F.shape[2]):
                out[target(a, i, j)] = F[a, i, j]
    return out


PAPER = {
    4: lambda F, k: literal(F, lambda a, i, j: F[a, k.K_r[i], j]),
    5: lambda F, k: literal(F, lambda a, i, j: F[a, i, (j + i + k.c) % F.shape[2]]),
    6: lambda F, k: literal(F, lambda a, i, j: F[a, i, k.K_c[j]]),
    7: lambda F, k: literal(F, lambda a, i, j: F[a, (i + j + k.r) % F.shape[1], j]),
    8: lambda F, k: literal(F, lambda a, i, j: F[a, (i - j - k.r) % F.shape[1], j]),
    9: lambda F, k: scatter(F, lambda a, i, j: (a, i, k.K_c[j])),
    10: lambda F, k: literal(F, lambda a, i, j: F[a, i, (j - i - k.c) % F.shape[2]]),
    11: lambda F, k: scatter(F, lambda a, i, j: (a, k.K_r[i], j)),
}
OURS = {
    4: lambda F, k: confusion.row_confusion(F, k.K_r),
    5: lambda F, k: confusion.column_offset(F, k.c),
    6: lambda F, k: confusion.column_confusion(F, k.K_c),
    7: lambda F, k: confusion.row_offset(F, k.r),
    8: lambda F, k: confusion.inverse_row_offset(F, k.r),
    9: lambda F, k: confusion.inverse_column_confusion(F, k.K_c),
    10: lambda F, k: confusion.inverse_column_offset(F, k.c),
    11: lambda F, k: confusion.inverse_row_confusion(F, k.K_r),
}


@pytest.mark.parametrize("equation", PAPER)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_equation(equation: int, height: int, width: int) -> None:
    F, key = numbered(2, height, width), key_for(height, width)
    expected = PAPER[equation](F.numpy(), key)
    assert np.array_equal(OURS[equation](F, key).numpy(), expected)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_encryption_and_decryption_are_the_equations_in_order(height: int, width: int) -> None:
    F, key = numbered(4, height, width), key_for(height, width, 1)
    step = F.numpy()
    for equation in (4, 5, 6, 7):
        step = PAPER[equation](step, key)
    assert np.array_equal(encrypt(F, key).numpy(), step)
    for equation in (8, 9, 10, 11):
        step = PAPER[equation](step, key)
    assert np.array_equal(step, F.numpy())


def test_equation_11_as_printed_does_not_decrypt() -> None:
    """``F_de[a,K_r,:] = F_3'[a,i,:]`` writes every row i to all rows of K_r: the last one wins."""
    F, key = numbered(1, 4, 4), key_for(4, 4)
    step = encrypt(F, key).numpy()
    for equation in (8, 9, 10):
        step = PAPER[equation](step, key)
    printed = np.empty_like(step)
    for i in range(4):
        printed[0, key.K_r, :] = step[0, i, :]
    assert not np.array_equal(printed, F.numpy())
    # Another reading, a gather F_de[a,i,:] = F_3'[a,K_r[i],:], is wrong as well.
    assert not np.array_equal(step[:, key.K_r], F.numpy())


# --- Properties ------------------------------------------------------------------------------------


@given(key=keys())
def test_decryption_is_the_exact_inverse(key: ConfusionKey) -> None:
    F = torch.randn(2, 3, key.height, key.width, generator=torch.Generator().manual_seed(0))
    assert torch.equal(decrypt(encrypt(F, key), key), F)
    assert torch.equal(encrypt(decrypt(F, key), key), F)


@given(key=keys())
def test_closed_form(key: ConfusionKey) -> None:
    """``F_en[a,i,j] = F_s[a, K_r[t], (K_c[j]+t+c) mod W]``, ``t = (i+j+r) mod H``."""
    F = numbered(2, key.height, key.width)
    encrypted = encrypt(F, key)
    for i in range(key.height):
        for j in range(key.width):
            t = (i + j + key.r) % key.height
            assert torch.equal(encrypted[:, i, j], F[:, key.K_r[t], (key.K_c[j] + t + key.c) % key.width])
    rows, columns = key.source()
    assert torch.equal(encrypted, F[:, rows, columns])
    assert np.array_equal(encrypted[0].flatten().numpy(), F[0].flatten().numpy()[key.permutation()])
    assert np.array_equal(np.sort(key.permutation()), np.arange(key.height * key.width))


@given(key=keys())
def test_canonical_key_encrypts_alike(key: ConfusionKey) -> None:
    canonical = key.canonical()
    assert canonical.c == 0
    assert canonical.r == 0 or key.height % key.width
    assert np.array_equal(canonical.permutation(), key.permutation())
    again = canonical.canonical()
    assert np.array_equal(again.K_r, canonical.K_r)
    assert np.array_equal(again.K_c, canonical.K_c)
    assert (again.r, again.c) == (canonical.r, canonical.c)


@given(key=keys())
@settings(max_examples=50)
def test_reindexing_needs_no_key_and_gives_whole_rows(key: ConfusionKey) -> None:
    """``A[d,j] = F_s[K_r[d+r], (K_c[j]+d+r+c) mod W]``, which is one whole row where d+r < H."""
    F = numbered(2, key.height, key.width)
    A = reindex(encrypt(F, key))
    for d in range(key.height):
        t = (d + key.r) % key.height
        row = F[:, key.K_r[t]]
        assert torch.equal(A[:, d].sort(1).values, row.sort(1).values)
        assert torch.equal(A[:, d], row[:, (key.K_c + t + key.c) % key.width])


def test_a_plain_map_is_not_a_ciphertext() -> None:
    """Re-indexing a plain map mixes rows: attackers must train on ciphertexts, not on plain maps."""
    F = numbered(1, 28, 28)
    identity = ConfusionKey(np.arange(28), np.arange(28), 0, 0)
    assert not torch.equal(encrypt(F, identity), F)  # even this key moves positions
    assert not torch.equal(reindex(F)[:, 3].sort(1).values, F[:, 3])
    assert torch.equal(reindex(encrypt(F, identity))[:, 3].sort(1).values, F[:, 3])


# --- The key space, counted -------------------------------------------------------------------------

DISTINCT = {
    (2, 2): (4, 16),
    (3, 3): (36, 324),
    (4, 4): (576, 9216),
    (2, 3): (24, 72),
    (3, 2): (36, 72),
    (4, 2): (48, 384),
    (3, 4): (432, 1728),
    (4, 3): (576, 1728),
    (2, 4): (96, 384),
}


@pytest.mark.parametrize(("size", "counts"), DISTINCT.items())
def test_distinct_ciphers_by_exhaustive_count(size: tuple[int, int], counts: tuple[int, int]) -> None:
    """Far fewer than Theorem 1's H!·W!·H·W; two keys encrypt alike iff their canonical forms agree."""
    height, width = size
    by_permutation: dict[bytes, set[tuple]] = {}
    total = 0
    for K_r, K_c, r, c in product(permutations(range(height)), permutations(range(width)), range(height), range(width)):
        key = ConfusionKey(np.array(K_r), np.array(K_c), r, c)
        form = key.canonical()
        name = (*form.K_r.tolist(), *form.K_c.tolist(), form.r, form.c)
        by_permutation.setdefault(key.permutation().tobytes(), set()).add(name)
        total += 1
    assert (len(by_permutation), total) == counts
    assert all(len(forms) == 1 for forms in by_permutation.values())  # alike ⇒ same canonical form
    assert len(set.union(*by_permutation.values())) == len(by_permutation)  # and the other way round


# --- Keys that are refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("K_r", "K_c", "r", "c", "reason"),
    [
        ([0, 0, 2], [0, 1], 0, 0, "K_r must hold each of 0…2 exactly once"),
        ([0, 1, 3], [0, 1], 0, 0, "K_r must hold each of 0…2 exactly once"),
        ([0, 1, 2], [1, 1], 0, 0, "K_c must hold each of 0…1 exactly once"),
        ([0, 1, 2], [1, 2], 0, 0, "K_c must hold each of 0…1 exactly once"),
        ([0, 1, 2], [0, 1], 3, 0, "r must be between 0 and 2, not 3"),
        ([0, 1, 2], [0, 1], -1, 0, "r must be between 0 and 2, not -1"),
        ([0, 1, 2], [0, 1], 0, 2, "c must be between 0 and 1, not 2"),
    ],
)
def test_invalid_keys_are_refused_with_the_reason(K_r, K_c, r: int, c: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ConfusionKey(np.array(K_r), np.array(K_c), r, c)


# --- The plug-in -----------------------------------------------------------------------------------


def test_plug_in_encrypts_the_feature_map() -> None:
    """On symbols it does what eqs. (4)–(7) do on the packed 4×28×28 map, each image with its key."""
    cipher = ConfusionCipher()
    drawn = [cipher.key(KeyStream(bytes([seed]) * 32)) for seed in range(3)]
    z = torch.randn(3, 4, 28, 28, generator=torch.Generator().manual_seed(0))
    s = pack(z)
    x = cipher.protect(s, drawn, torch.Generator())
    for image, key in enumerate(drawn):
        torch.testing.assert_close(unpack(x)[image], encrypt(unpack(s)[image], key), rtol=0, atol=0)
    assert torch.equal(cipher.recover(x, drawn), s)
    assert torch.equal(x.abs().square().sort(1).values, s.abs().square().sort(1).values)  # power is kept
    wrong = cipher.recover(x, drawn[1:] + drawn[:1])
    assert float((wrong == s).float().mean()) < 0.01
