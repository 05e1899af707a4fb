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

import torch

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel
from semcom_core.attacks.fixed_chain import open_fixed_chain
from semcom_core.channels import Received


class KnownPlaintext(Eavesdropper):
    """Recovers the key from earlier messages with known pictures, then decrypts this one.

    Works whenever the key that encrypted the known message also encrypts this one, i.e. under
    a fixed or a session key; under message keys it decrypts with a useless key.
    """

    name: ClassVar[str] = "known_plaintext"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, known_plaintexts=1)

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        heard = torch.cat([earlier.equalise() for _, earlier in knowledge.known])
        plain = torch.cat([symbols for symbols, _ in knowledge.known])
        sigma2 = float(torch.stack([earlier.sigma2.mean() for _, earlier in knowledge.known]).mean())
        opened, key = open_fixed_chain(received.equalise(), knowledge.chain, plain, heard, sigma2)
        decoded = knowledge.codec.decode(opened)
        return Loot(decoded.image, decoded.logits, None if key is None else (key,) * len(opened))
