"""Every keyed defense under every key policy against every attack: the table of the cipher lab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from semcom_core import datasets, link
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.defenses import DEFENSES
from semcom_core.evaluation.collected import Collected, mse, rounded
from semcom_core.evaluation.measure import Measured, chunk_settings
from semcom_core.metrics import balanced_accuracy, bootstrap, chance_p_value
from semcom_core.settings import LinkSettings
from semcom_core.training.augment import plain

SNR_DB = 10.0
CHANCE_DRAWS = 50_000
"""So that the smallest p-value times the number of cells can still fall below one per cent."""
_MEAN_CHUNK = 500


def keyed_grid(domain: str) -> list[tuple[str, KeyPolicy, tuple[str, ...]]]:
    """Which attackers meet which cipher on the base codec under which policy.

    Attackers that take each message by itself (naive, adaptive) are measured under message keys
    only: the key of *one* message has the same law under every policy.
    """
    grid: list[tuple[str, KeyPolicy, tuple[str, ...]]] = [("none", KeyPolicy.MESSAGE, ("naive", "adaptive"))]
    ciphers = [one for one in DEFENSES.values() if one.ciphers_base and one.available(domain)]
    for defense in (one.name for one in ciphers):
        for policy in KeyPolicy:
            attackers = ["known_plaintext"]
            if policy is KeyPolicy.MESSAGE:
                attackers = ["naive", "adaptive", "known_plaintext"]
            elif policy is KeyPolicy.FIXED and defense == "repobe":
                attackers.append("learned")
            trained = link.trained_attackers(domain, defense)
            grid.append((defense, policy, tuple(name for name in attackers if name in trained)))
    return grid


@torch.inference_mode()
def cells(
    measured: Measured, defense: str, policy: KeyPolicy, attackers: Sequence[str], mean_picture: Tensor
) -> Iterator[dict[str, object]]:
    """Measure several attackers on the same ciphertexts, AWGN at 10 dB for both antennas.

    Args:
        mean_picture: the training set's mean picture (C,n,n): what an attacker with no signal
            at all would best show.
    """
    settings = LinkSettings(domain=measured.models.domain.name, snr_db=SNR_DB, defense=defense, policy=policy)
    source = KeySource.published()
    sent = [
        link.send(encoded, chunk_settings(settings, 0, chunk), source) for chunk, encoded in enumerate(measured.encoded)
    ]
    for attacker in attackers:
        got, blind = Collected(), []
        for chunk, encoded in enumerate(measured.encoded):
            these = replace(chunk_settings(settings, 0, chunk), attacker=attacker)
            result = link.eavesdrop(measured.models, encoded, sent[chunk], these, source, measured.known)
            got.add(result.reading, encoded.native, result.key_agreement)
            blind.append(mse(mean_picture.expand_as(encoded.native), encoded.native))
        yield {
            "defense": defense,
            "policy": policy.value if DEFENSES[defense].keyed else None,
            "attacker": attacker,
            "channel": settings.channel,
            "snr_db": SNR_DB,
            "images": measured.images,
            "seeds": [0],
        } | _summary(got, torch.cat(blind).numpy(), measured.labels)


def mean_training_picture(domain: str, native: int) -> Tensor:
    """Mean of the training split at native size, (C,n,n)."""
    images = datasets.load(domain, "train").images
    parts = [plain(domain, images[k : k + _MEAN_CHUNK], native).sum(0) for k in range(0, len(images), _MEAN_CHUNK)]
    return torch.stack(parts).sum(0) / len(images)


def _summary(got: Collected, blind: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    out: dict[str, object] = {}
    for name in ("own", "judge"):
        if (predicted := got.column(name)) is not None:
            out[f"{name}_balanced"] = round(balanced_accuracy(predicted, labels), 5)
            out[f"{name}_interval"] = rounded(_balanced_interval(predicted, labels))
            out[f"{name}_chance_p"] = chance_p_value(predicted, labels, draws=CHANCE_DRAWS)
    for name in ("psnr", "ssim", "mse"):
        if (values := got.column(name)) is not None:
            out[name] = round(float(values.mean()), 5)
            out[f"{name}_interval"] = rounded(bootstrap(values))
    if got.mse:
        gain = got.column("mse") - blind
        out["mse_of_mean_picture"] = round(float(blind.mean()), 5)
        out["mse_minus_mean_picture_99"] = rounded(bootstrap(gain, level=0.99))
    if got.keys:
        out["key_agreement"] = round(float(np.mean(got.keys)), 4)
    return out


def _balanced_interval(predicted: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Bootstrap over images: each is weighted so that the classes count alike."""
    classes, counts = np.unique(labels, return_counts=True)
    weight = len(labels) / len(classes) / counts
    return bootstrap((predicted == labels) * weight[np.searchsorted(classes, labels)])
