r"""Known plaintext: one earlier picture gives the key of the confusion-offset cipher.

The attacker encodes the known picture itself and looks for the key under which the plain
features match what it received. With canonical keys (r = c = 0, square maps)

    F_en[a,i,j] = F_s[a, K_r[t], (K_c[j]+t) mod N],  t = (i+j) mod N,

so the correlation between F_en and F_s is a linear assignment problem in K_r for a given
K_c, and the other way round (:mod:`semcom_core.attacks.assignment`). For permutation-only
ciphers in general see Li et al., Signal Process.: Image Commun. 23 (2008), and Jolfaei et
al., IEEE TIFS 11 (2016).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from semcom_core.attacks.assignment import match_confusion, position_scores
from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel, undo
from semcom_core.channels import Received
from semcom_core.ciphers.confusion import ConfusionKey, reindex
from semcom_core.codecs.repobe import unpack
from semcom_core.defenses.confusion import ConfusionCipher


def recover_key(plain: np.ndarray, cipher: np.ndarray) -> ConfusionKey:
    """The canonical key that best explains known (plain, cipher) pairs.

    Args:
        plain: features (P,4,N,N) that the attacker computed itself.
        cipher: what it received for them (P,4,N,N), noisy, all under one key.

    Returns:
        The key with ``r = c = 0`` that maximises the correlation found.
    """
    match = match_confusion(position_scores(plain, cipher), row_guesses=[_rows_by_sorted_values(plain, cipher)])
    assert isinstance(match.key, ConfusionKey)
    return match.key


def _rows_by_sorted_values(plain: np.ndarray, cipher: np.ndarray) -> np.ndarray:
    """A first guess of K_r that needs no column order.

    Each row of the re-indexed cipher map is a row of F_s with its cells in another order.
    """
    size = plain.shape[-1]
    A = reindex(torch.from_numpy(np.ascontiguousarray(cipher))).numpy().reshape(-1, size, size)
    F_s = plain.reshape(-1, size, size)
    a, f = np.sort(A, axis=-1).transpose(1, 0, 2), np.sort(F_s, axis=-1).transpose(1, 0, 2)
    distance = ((a[:, None] - f[None]) ** 2).sum((-1, -2))
    return linear_sum_assignment(distance)[1]


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
