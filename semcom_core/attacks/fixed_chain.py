"""Known plaintext against whatever cipher stands in a chain, under a key that stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.assignment import match_shuffling, position_scores, recover_key
from semcom_core.attacks.fixed_rotation import fit_ridge
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.codecs.repobe import unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.rotation import RotationPlugIn
from semcom_core.defenses.shuffling import ShufflingCipher


def open_fixed_chain(
    symbols: Tensor, chain: Sequence[PlugIn], plain: Tensor, heard: Tensor, sigma2: float
) -> tuple[Tensor, ConfusionKey | None]:
    """Decrypt messages with what known ones reveal about the one keyed plug-in of the chain.

    Args:
        symbols: equalised messages to read (B,1568).
        chain: plug-ins in sending order; those without a key are undone as they are.
        plain, heard: known messages (P,1568): own encoder's symbols, and equalised receptions.
        sigma2: noise power on the channel.

    Returns:
        Estimated plain symbols, and the confusion key where that cipher was used.
    """
    keyed = next((plug_in for plug_in in chain if plug_in.keyed), None)
    if isinstance(keyed, RotationPlugIn):
        # Everything in the chain is linear; the fit undoes all of it at once.
        at_equaliser = sigma2 / (1.0 + sigma2) ** 2
        found = fit_ridge(plain.numpy(), heard.numpy(), at_equaliser).decrypt(symbols.numpy())
        return torch.from_numpy(found.astype(np.complex64)), None
    key = None
    if isinstance(keyed, ConfusionCipher):
        key = recover_key(unpack(plain).numpy(), unpack(heard).numpy())
    elif isinstance(keyed, ShufflingCipher):
        key = match_shuffling(position_scores(unpack(plain).numpy(), unpack(heard).numpy())).key
    for plug_in in reversed(chain):
        symbols = plug_in.recover(symbols, [key] * len(symbols))
    return symbols, key if isinstance(key, ConfusionKey) else None
