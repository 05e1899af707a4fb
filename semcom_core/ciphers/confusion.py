r"""RepObE's confusion-offset cipher (Lin et al., Sec. 3.2, eqs. 4–11), for any H and W.

::

    F_s ─ row confusion K_r ─ F_1 ─ column offset c ─ F_2 ─ column confusion K_c ─ F_3 ─ row offset r ─ F_en
           (4)                       (5)                     (6)                          (7)

Eq. (11) is printed with an index missing, ``F_de[a,K_r,:]``; it must read
``F_de[a,K_r[i],:] = F_3'[a,i,:]``. The composite moves positions only:
``F_en[a,i,j] = F_s[a, K_r[t], (K_c[j]+t+c) mod W]`` with ``t = (i+j+r) mod H``.

It is a permutation, not encryption: values survive, and so does the grouping into rows
(:func:`reindex`). What that leaks is measured by :mod:`semcom_core.attacks.adaptive`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeyStream


@dataclass(frozen=True, eq=False)
class ConfusionKey:
    """RepObE's key ``K = (K_r, K_c, r, c)``.

    Attributes:
        K_r: permutation of the rows, (H,) integers.
        K_c: permutation of the columns, (W,) integers.
        r: row offset base in [0, H).
        c: column offset base in [0, W).

    Raises:
        ValueError: not a permutation, or an offset out of range; the message says which.
    """

    K_r: np.ndarray
    K_c: np.ndarray
    r: int
    c: int

    def __post_init__(self) -> None:
        for name, order in (("K_r", self.K_r), ("K_c", self.K_c)):
            if not np.array_equal(np.sort(order), np.arange(len(order))):
                raise ValueError(f"{name} must hold each of 0…{len(order) - 1} exactly once.")
        for name, offset, size in (("r", self.r, self.height), ("c", self.c, self.width)):
            if not 0 <= offset < size:
                raise ValueError(f"{name} must be between 0 and {size - 1}, not {offset}.")

    @property
    def height(self) -> int:
        return len(self.K_r)

    @property
    def width(self) -> int:
        return len(self.K_c)

    @staticmethod
    def draw(stream: KeyStream, height: int, width: int) -> ConfusionKey:
        """A uniform key from a key stream."""
        return ConfusionKey(
            stream.permutation(height), stream.permutation(width), stream.below(height), stream.below(width)
        )

    def canonical(self) -> ConfusionKey:
        """The equivalent key with ``c = 0``, and ``r = 0`` where the width divides the height.

        ``c`` is always absorbed by ``K_c``. Shifting rows by ``r`` means ``t → t + r``, which
        ``K_r`` absorbs, and changes each column by ``r`` modulo W only if ``t`` modulo H and
        modulo W agree, i.e. if W divides H. Two keys then encrypt alike iff their canonical
        forms are equal (28×28: exactly (28!)² ciphers).
        """
        if self.height % self.width:
            return ConfusionKey(self.K_r, (self.K_c + self.c) % self.width, self.r, 0)
        return ConfusionKey(np.roll(self.K_r, -self.r), (self.K_c + self.c + self.r) % self.width, 0, 0)

    def source(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each cell of ``F_en`` came from: row and column in ``F_s``, both (H,W)."""
        i, j = np.indices((self.height, self.width))
        t = (i + j + self.r) % self.height
        return self.K_r[t], (self.K_c[j] + t + self.c) % self.width

    def permutation(self) -> np.ndarray:
        """Flat form of :meth:`source`: ``F_en.flat[p] = F_s.flat[permutation[p]]``, (H·W,)."""
        rows, columns = self.source()
        return (rows * self.width + columns).ravel()


def row_confusion(F: Tensor, K_r: np.ndarray) -> Tensor:
    """Eq. (4): ``F_1[a,i,:] = F_s[a,K_r[i],:]``; maps are (…,H,W) here and below."""
    return F[..., torch.as_tensor(K_r), :]


def column_offset(F: Tensor, c: int) -> Tensor:
    """Eq. (5): ``F_2[a,i,j] = F_1[a,i,(j+i+c) mod W]``."""
    i, j = np.indices(F.shape[-2:])
    return F[..., i, (j + i + c) % F.shape[-1]]


def column_confusion(F: Tensor, K_c: np.ndarray) -> Tensor:
    """Eq. (6): ``F_3[a,:,j] = F_2[a,:,K_c[j]]``."""
    return F[..., torch.as_tensor(K_c)]


def row_offset(F: Tensor, r: int) -> Tensor:
    """Eq. (7): ``F_en[a,i,j] = F_3[a,(i+j+r) mod H,j]``."""
    i, j = np.indices(F.shape[-2:])
    return F[..., (i + j + r) % F.shape[-2], j]


def inverse_row_offset(F: Tensor, r: int) -> Tensor:
    """Eq. (8): ``F_1'[a,i,j] = F_en[a,(i−j−r) mod H,j]``."""
    i, j = np.indices(F.shape[-2:])
    return F[..., (i - j - r) % F.shape[-2], j]


def inverse_column_confusion(F: Tensor, K_c: np.ndarray) -> Tensor:
    """Eq. (9): ``F_2'[a,:,K_c[j]] = F_1'[a,:,j]``."""
    return F[..., torch.as_tensor(np.argsort(K_c))]


def inverse_column_offset(F: Tensor, c: int) -> Tensor:
    """Eq. (10): ``F_3'[a,i,j] = F_2'[a,i,(j−i−c) mod W]``."""
    i, j = np.indices(F.shape[-2:])
    return F[..., i, (j - i - c) % F.shape[-1]]


def inverse_row_confusion(F: Tensor, K_r: np.ndarray) -> Tensor:
    """Eq. (11), mended: ``F_de[a,K_r[i],:] = F_3'[a,i,:]``."""
    return F[..., torch.as_tensor(np.argsort(K_r)), :]


def encrypt(F: Tensor, key: ConfusionKey) -> Tensor:
    """Eqs. (4)–(7) on a map (…,H,W)."""
    F_1 = row_confusion(F, key.K_r)
    F_2 = column_offset(F_1, key.c)
    F_3 = column_confusion(F_2, key.K_c)
    return row_offset(F_3, key.r)


def decrypt(F: Tensor, key: ConfusionKey) -> Tensor:
    """Eqs. (8)–(11) on a map (…,H,W); the exact inverse of :func:`encrypt`."""
    F_1 = inverse_row_offset(F, key.r)
    F_2 = inverse_column_confusion(F_1, key.K_c)
    F_3 = inverse_column_offset(F_2, key.c)
    return inverse_row_confusion(F_3, key.K_r)


def reindex(F: Tensor) -> Tensor:
    """Undo the *public* part of the cipher: ``A[d,j] = F_en[(d−j) mod H, j]`` on (…,H,W).

    No key is needed, and each row of ``A`` is exactly one whole row of ``F_s`` with its cells
    in another order: ``A[d,j] = F_s[K_r[d+r], (K_c[j]+d+r+c) mod W]`` (row index mod H).
    """
    return inverse_row_offset(F, 0)
