r"""Known plaintext with a shadow encoder: the attacker has only an encoder of its own.

::

    known pictures ─ own encoder ─ z' ─┐
    what was heard for them ───────────┴─ inner products ─ key ─⟲─ best linear map z' → z, scores, key

Two encoders of one architecture put similar things at the same position, but in other
channels. Modelled as ``z[:,p] ≈ B z'[:,p]`` with one unknown 4×4 matrix B for all positions.
After whitening, B is a rotation, so inner products between the vectors of two known pictures at
one position are comparable (P pictures: P(P+1)/2 of them). They give a first key; then B by
least squares and the key by assignment improve each other. How far real encoders obey this
model is a matter of measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.assignment import Match, match_confusion, position_scores
from semcom_core.attacks.base import ThreatModel
from semcom_core.attacks.ciphertext_only import Matcher

THREAT = ThreatModel(encoder=False, algorithm=True, known_plaintexts=1, training="an encoder of its own, on other data")
ROUNDS = 10


def shadow_known_plaintext(
    encoder: Callable[[Tensor], Tensor], images: Tensor, heard: np.ndarray, matcher: Matcher = match_confusion
) -> Match:
    """The key from known pictures, with whatever encoder the attacker has.

    Args:
        encoder: images (P,C,s,s) to features (P,c,H,W), any number of channels c.
        images: the known pictures.
        heard: equalised ciphertext features for them (P,4,H,W), all under one key.
    """
    with torch.inference_mode():
        return recover_key_aligned(encoder(images).float().numpy(), heard, matcher)


def recover_key_aligned(plain: np.ndarray, cipher: np.ndarray, matcher: Matcher = match_confusion) -> Match:
    """The key that best explains ciphertexts (P,4,H,W) by features (P,c,H,W) of another encoder.

    Returns:
        The key, with the share of the ciphertexts' energy that it and ``B`` explain as score.
    """
    pictures, channels = plain.shape[:2]
    z = _columns(plain)  # (c, P·H·W)
    x = _columns(cipher)
    found = matcher(position_scores(_inner_products(plain), _inner_products(cipher)))
    best = Match(found.key, -np.inf)
    for _ in range(ROUNDS):
        order = found.key.permutation()
        moved = z.reshape(channels, pictures, -1)[:, :, order].reshape(channels, -1)
        B = x @ moved.T @ np.linalg.pinv(moved @ moved.T)
        explained = float(((B @ moved) ** 2).sum() / (x**2).sum())
        if explained <= best.score + 1e-9:
            break
        best = Match(found.key, explained)
        found = matcher(position_scores(np.einsum("ab,pbij->paij", B, plain), cipher))
    return best


def _columns(features: np.ndarray) -> np.ndarray:
    """Features (P,c,H,W) as the vectors of all positions of all pictures, (c, P·H·W)."""
    return features.swapaxes(0, 1).reshape(features.shape[1], -1).astype(np.float64)


def _inner_products(features: np.ndarray) -> np.ndarray:
    """Whitened inner products of picture pairs at each position, (P(P+1)/2, 1, H·W), standardised."""
    vectors = _columns(features)
    vectors = vectors - vectors.mean(1, keepdims=True)
    values, axes = np.linalg.eigh(vectors @ vectors.T / vectors.shape[1])
    white = (axes.T @ vectors) / np.sqrt(np.maximum(values, 1e-6 * values.max()))[:, None]
    white = white.reshape(len(white), len(features), -1)
    couples = combinations_with_replacement(range(len(features)), 2)
    planes = np.stack([(white[:, i] * white[:, j]).sum(0) for i, j in couples])
    planes = planes - planes.mean(1, keepdims=True)
    return (planes / planes.std(1, keepdims=True))[:, None]
