"""How well keys of the confusion-offset cipher are recovered: from one known picture, from one ciphertext."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.adaptive import PRIOR
from semcom_core.attacks.assignment import recover_key
from semcom_core.attacks.jigsaw import guess_keys
from semcom_core.channels import CHANNELS, noise_variance, propagate
from semcom_core.ciphers.confusion import ConfusionKey, decrypt, encrypt
from semcom_core.ciphers.keys import KeyPolicy, KeySource, KeyStream
from semcom_core.ciphers.keyspace import agreement
from semcom_core.codecs.repobe import GRID, pack, unpack
from semcom_core.evaluation.measure import Measured
from semcom_core.link import generator
from semcom_core.metrics import psnr, wilson

SNRS_DB = (0.0, 7.0, 11.0, 15.0, 19.0, 23.0)
TRIALS = 200
OTHERS = 100
FUNCTIONAL_TRIALS = 5
KNOWN = (1, 2, 4, 8)


def trial_stream(purpose: str, number: int) -> KeyStream:
    """Reproducible key material for one trial; no attack receives it."""
    return KeySource.published().stream(purpose, KeyPolicy.MESSAGE, seed=0, session=0, nonce=number.to_bytes(4, "big"))


def _heard(z: Tensor, snr_db: float, seed: int) -> Tensor:
    """Equalised features after AWGN."""
    return unpack(propagate(CHANNELS["awgn"], pack(z), snr_db, generator(seed, "keys")).equalise())


def features(measured: Measured) -> Tensor:
    """All plain features of a measurement (images,4,28,28)."""
    return unpack(torch.cat([encoded.symbols for encoded in measured.encoded]))


def exact_recovery(measured: Measured) -> list[dict[str, object]]:
    """One known picture, a key each, over SNR: how often all 28+28 entries are right; and the
    same from the ciphertext alone (the puzzle attack), as the mean share of right entries."""
    z, prior = features(measured), measured.models.attacks[PRIOR]
    rows = []
    for snr_db in SNRS_DB:
        known, alone = [], []
        sigma2 = noise_variance(snr_db)
        for trial in range(TRIALS):
            plain = z[trial % len(z)][None]
            key = ConfusionKey.draw(trial_stream("known", trial), GRID, GRID)
            heard = _heard(encrypt(plain, key), snr_db, trial)
            known.append(agreement(recover_key(plain.numpy(), heard.numpy()), key))
            guess = guess_keys(heard * (1 + sigma2), prior, sigma2[None])[0][0]
            alone.append(agreement(guess.key, key))
        whole = int(np.sum(np.array(known) == 1.0))
        rows.append(
            {
                "snr_db": snr_db,
                "trials": TRIALS,
                "known_plaintext_whole_key": whole / TRIALS,
                "known_plaintext_interval": [round(bound, 4) for bound in wilson(whole, TRIALS)],
                "known_plaintext_entries": round(float(np.mean(known)), 4),
                "ciphertext_only_whole_key": float(np.mean(np.array(alone) == 1.0)),
                "ciphertext_only_entries": round(float(np.mean(alone)), 4),
            }
        )
    return rows


@torch.inference_mode()
def functional_recovery(measured: Measured) -> list[dict[str, object]]:
    """Does the key found from P known pictures decrypt 100 *other* messages as the true one does?"""
    z, codec, domain = features(measured), measured.models.codec, measured.models.domain
    natives = torch.cat([encoded.native for encoded in measured.encoded])
    rows = []
    for snr_db in (7.0, 23.0):
        for count in KNOWN:
            accuracy, quality = [], []
            for trial in range(FUNCTIONAL_TRIALS):
                order = np.random.default_rng((trial, count)).permutation(len(z))
                known, others = order[:count], order[-OTHERS:]
                key = ConfusionKey.draw(trial_stream("functional", trial), GRID, GRID)
                heard = _heard(encrypt(z[known], key), snr_db, trial)
                found = recover_key(z[known].numpy(), heard.numpy())
                messages = _heard(encrypt(z[others], key), snr_db, 10_000 + trial)
                right, pictures = [], []
                for used in (found, key):
                    decoded = codec.decode(pack(decrypt(messages, used)))
                    right.append((decoded.logits.argmax(1).numpy() == measured.labels[others]).mean())
                    pictures.append(float(psnr(domain.to_native(decoded.image).clamp(0, 1), natives[others]).mean()))
                accuracy.append(right[0] - right[1])
                quality.append(pictures[0] - pictures[1])
            rows.append(
                {
                    "snr_db": snr_db,
                    "known_pictures": count,
                    "trials": FUNCTIONAL_TRIALS,
                    "other_messages": OTHERS,
                    "accuracy_difference": round(float(np.mean(accuracy)), 4),
                    "psnr_difference": round(float(np.mean(quality)), 3),
                    "within_half_a_point_and_0.2_db": float(
                        np.mean((np.array(accuracy) >= -0.005) & (np.array(quality) >= -0.2))
                    ),
                }
            )
    return rows
