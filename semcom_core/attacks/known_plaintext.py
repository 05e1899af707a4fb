r"""Known plaintext: one earlier picture gives the key of the confusion-offset cipher.

The attacker encodes the known picture itself and looks for the key under which the plain
features match what it received. With canonical keys (r = c = 0, square maps)

    F_en[a,i,j] = F_s[a, K_r[t], (K_c[j]+t) mod N],  t = (i+j) mod N,

so the correlation between F_en and F_s is a linear assignment problem in K_r for a given
K_c, and the other way round. Alternating the two (Hungarian algorithm) converges in a few
rounds from a nearest-neighbour start. For permutation-only ciphers in general see Li et al.,
Signal Process.: Image Commun. 23 (2008), and Jolfaei et al., IEEE TIFS 11 (2016).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel, undo
from semcom_core.channels import Received
from semcom_core.ciphers.confusion import ConfusionKey, reindex
from semcom_core.codecs.repobe import unpack
from semcom_core.defenses.confusion import ConfusionCipher

ROUNDS = 12


def recover_key(plain: np.ndarray, cipher: np.ndarray) -> ConfusionKey:
    """The canonical key that best explains known (plain, cipher) pairs.

    Args:
        plain: features (P,4,N,N) that the attacker computed itself.
        cipher: what it received for them (P,4,N,N), noisy, all under one key.

    Returns:
        The key with ``r = c = 0`` that maximises the correlation found.
    """
    size = plain.shape[-1]
    # A[d,j] = F_s[K_r[d], (K_c[j]+d) mod N] for each of the M = 4P planes.
    A = reindex(torch.from_numpy(np.ascontiguousarray(cipher))).numpy().reshape(-1, size, size)
    F_s = plain.reshape(-1, size, size)
    shift = (np.arange(size)[:, None] + np.arange(size)[None]) % size

    # score[d, k, j, m]: agreement of cell (d,j) with row k, column (m+d). 28⁴ = 614,656 numbers.
    sheared = F_s[:, :, shift]  # (M, k, d, m): F_s[k, (d+m) mod N]
    score = np.einsum("xdj,xkdm->dkjm", A, sheared, optimize=True)

    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for start in _starts(A, F_s, score):
        K_c, previous = start, -np.inf
        for _ in range(ROUNDS):
            by_row = score[:, :, np.arange(size), K_c].sum(-1)
            K_r = linear_sum_assignment(by_row, maximize=True)[1]
            by_column = score[np.arange(size), K_r].sum(0)
            K_c = linear_sum_assignment(by_column, maximize=True)[1]
            value = float(by_column[np.arange(size), K_c].sum())
            if value <= previous:
                break
            previous = value
        if best is None or previous > best[0]:
            best = (previous, K_r, K_c)
    assert best is not None
    return ConfusionKey(best[1], best[2], 0, 0)


def _starts(A: np.ndarray, F_s: np.ndarray, score: np.ndarray) -> list[np.ndarray]:
    """First guesses of K_c: from rows matched by what needs no column order, and by votes."""
    size = A.shape[-1]
    # Each row of A is a row of F_s with its cells in another order: compare sorted values.
    a, f = np.sort(A, axis=-1).transpose(1, 0, 2), np.sort(F_s, axis=-1).transpose(1, 0, 2)
    distance = ((a[:, None] - f[None]) ** 2).sum((-1, -2))
    K_r = linear_sum_assignment(distance)[1]
    by_sorted_rows = linear_sum_assignment(score[np.arange(size), K_r].sum(0), maximize=True)[1]
    # Votes: for each column, the shift that lets every row find its best match.
    by_votes = linear_sum_assignment(score.max(1).sum(0), maximize=True)[1]
    return [by_sorted_rows, by_votes]


class KnownPlaintext(Eavesdropper):
    """Recovers the key from earlier messages with known pictures, then decrypts this one.

    Works whenever the key that encrypted the known message also encrypts this one, i.e. under
    a fixed or a session key; under message keys it decrypts with a useless key.
    """

    name: ClassVar[str] = "known_plaintext"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, known_plaintexts=1)

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        symbols = received.equalise()
        key = None
        if any(isinstance(plug_in, ConfusionCipher) for plug_in in knowledge.chain):
            plain = np.concatenate([unpack(s).numpy() for s, _ in knowledge.known])
            heard = np.concatenate([unpack(r.equalise()).numpy() for _, r in knowledge.known])
            key = recover_key(plain, heard)
        keys = [[key] * len(symbols)] * len(knowledge.chain)
        decoded = knowledge.codec.decode(undo(symbols, knowledge.chain, keys))
        return Loot(decoded.image, decoded.logits, key)
