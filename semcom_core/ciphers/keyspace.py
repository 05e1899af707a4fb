r"""How many ciphers the confusion-offset keys really give, and what a wrong key does.

RepObE's Theorem 1 counts keys: ``H!·W!·H·W``. Different keys can be one and the same
permutation, and an attacker has to find only that. With ``t = (i+j+r) mod H`` the cipher reads
row ``K_r[t]``, column ``(K_c[j]+t+c) mod W``, so

* adding δ to c and taking δ from every entry of K_c changes nothing: **c is always absorbed**;
* adding δ to r means ``t → t+δ mod H``. K_r absorbs the new order of rows. The column changes by
  δ where t does not wrap and by δ−H where it does; K_c absorbs that iff the two agree modulo W,
  i.e. iff W divides H. So **r is absorbed iff W divides H** (squares included);
* nothing else is: with r = c = 0 (or c = 0), rows show K_r and columns then show K_c.
"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np

from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyStream

EXHAUSTIVE_LIMIT = 500_000
"""Most keys that :func:`exhaustive_count` tries (5×5 has 360,000; some seconds)."""


def claimed_count(height: int, width: int) -> int:
    """Theorem 1 (eq. 12) for an H×W map: ``H!·W!·H·W`` keys."""
    return math.factorial(height) * math.factorial(width) * height * width


def true_count(height: int, width: int) -> int:
    """Distinct permutations: ``H!·W!``, times H unless W divides H."""
    absorbed = height % width == 0
    return math.factorial(height) * math.factorial(width) * (1 if absorbed else height)


def exhaustive_count(height: int, width: int) -> int:
    """Distinct permutations, by making every key's.

    Raises:
        ValueError: more than :data:`EXHAUSTIVE_LIMIT` keys.
    """
    keys = claimed_count(height, width)
    if keys > EXHAUSTIVE_LIMIT:
        raise ValueError(f"{height}×{width} has {keys:,} keys; at most {EXHAUSTIVE_LIMIT:,} are tried.")
    i, j = np.indices((height, width))
    K_cs = np.array(list(permutations(range(width))))
    seen: set[bytes] = set()
    for K_r in map(np.array, permutations(range(height))):
        for r in range(height):
            t = (i + j + r) % height
            for c in range(width):
                columns = (K_cs[:, j] + t + c) % width
                seen.update(one.tobytes() for one in (K_r[t] * width + columns).astype(np.int16))
    return len(seen)


def log2_count(count: int) -> float:
    """Bits of a key space of this size, exact to float precision for any size."""
    excess = max(count.bit_length() - 64, 0)
    return math.log2(count >> excess) + excess


def same_cipher(one: ConfusionKey, other: ConfusionKey) -> bool:
    """Whether two keys encrypt every map alike."""
    return np.array_equal(one.permutation(), other.permutation())


def agreement(one: ConfusionKey, other: ConfusionKey) -> float:
    """Share of equal entries of K_r and K_c in canonical form, 0…1."""
    one, other = one.canonical(), other.canonical()
    return float(np.concatenate([one.K_r == other.K_r, one.K_c == other.K_c]).mean())


def cells_right(true: ConfusionKey, used: ConfusionKey) -> float:
    """Share of the H·W cells that come back to their place when ``used`` decrypts, 0…1."""
    return float((true.permutation() == used.permutation()).mean())


def shift_c(key: ConfusionKey, amount: int) -> ConfusionKey:
    """The same key with another c: a wrong key, unless K_c compensates (:func:`compensate_c`)."""
    return ConfusionKey(key.K_r, key.K_c, key.r, (key.c + amount) % key.width)


def shift_r(key: ConfusionKey, amount: int) -> ConfusionKey:
    """The same key with another r."""
    return ConfusionKey(key.K_r, key.K_c, (key.r + amount) % key.height, key.c)


def compensate_c(key: ConfusionKey, amount: int) -> ConfusionKey:
    """``c + amount`` and ``K_c − amount``: another key, the same cipher, on every map."""
    return ConfusionKey(key.K_r, (key.K_c - amount) % key.width, key.r, (key.c + amount) % key.width)


def compensate_r(key: ConfusionKey, amount: int) -> ConfusionKey:
    """``r + amount``, K_r rolled and K_c shifted to match: the same cipher if W divides H.

    Raises:
        ValueError: W does not divide H, so no K_r and K_c make up for another r.
    """
    if key.height % key.width:
        raise ValueError(f"On a {key.height}×{key.width} map no K_r and K_c make up for another r: W must divide H.")
    return ConfusionKey(np.roll(key.K_r, amount), (key.K_c - amount) % key.width, (key.r + amount) % key.height, key.c)


def wrong_key(
    key: ConfusionKey, stream: KeyStream, *, rows: int = 0, columns: int = 0, r_shift: int = 0, c_shift: int = 0
) -> ConfusionKey:
    """A key with exactly ``rows`` wrong entries in K_r and ``columns`` in K_c, and shifted offsets.

    Args:
        stream: decides which entries; they change places in one cycle, so all of them are wrong.

    Raises:
        ValueError: one wrong entry alone is impossible in a permutation, or too many are wanted.
    """
    return ConfusionKey(
        _cycle(key.K_r, rows, stream, "K_r"),
        _cycle(key.K_c, columns, stream, "K_c"),
        (key.r + r_shift) % key.height,
        (key.c + c_shift) % key.width,
    )


def key_of_permutation(permutation: np.ndarray, size: int) -> ConfusionKey | None:
    """The canonical key of a permutation of an N×N map, or ``None`` if no key makes it.

    Args:
        permutation: ``F_en.flat[p] = F_s.flat[permutation[p]]``, (N²,).
    """
    i, j = np.indices((size, size))
    t = (i + j) % size
    rows, columns = np.divmod(np.reshape(permutation, (size, size)), size)
    K_r = rows[np.arange(size), 0]  # column 0: t = i
    K_c = (columns[0] - t[0]) % size
    try:
        key = ConfusionKey(K_r, K_c, 0, 0)
    except ValueError:
        return None
    return key if np.array_equal(key.permutation(), np.ravel(permutation)) else None


def _cycle(order: np.ndarray, count: int, stream: KeyStream, name: str) -> np.ndarray:
    if count == 1 or not 0 <= count <= len(order):
        raise ValueError(f"{name} can have 0 or 2…{len(order)} wrong entries, not {count}.")
    wrong, places = order.copy(), stream.permutation(len(order))[:count]
    wrong[places] = order[np.roll(places, 1)]
    return wrong
