"""The one-time rotation: that it costs the receiver nothing, and what becomes of one used again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.fixed_rotation import fit_ridge
from semcom_core.channels import CHANNELS, Received, complex_normal, noise_variance, propagate
from semcom_core.ciphers.keys import SeedKey
from semcom_core.ciphers.rotation import FastRotation, HaarRotation
from semcom_core.codecs.repobe import CHANNEL_USES, pack
from semcom_core.evaluation.keys import features, trial_stream
from semcom_core.evaluation.measure import Measured
from semcom_core.link import generator

PAIRS = (100, 400, 800, 1200, 1568, 1700, 1850)
MESSAGES = 100
SAME_CHANNELS = ("awgn", "rayleigh", "rayleigh_no_csi")


@torch.inference_mode()
def receiver_equality(measured: Measured, snr_db: float = 10.0) -> list[dict[str, object]]:
    """The receiver with and without a rotation, a key an image, when the noise is rotated along.

    With ``y = hUs + n`` the receiver recovers ``U*ŷ``, which is what the plain link gives for
    the noise ``U*n``. Both are computed, in float32, and compared: the recovered symbols, and
    the classes.
    """
    symbols = pack(features(measured))
    rows = []
    for form in (HaarRotation, FastRotation):
        largest = dict.fromkeys(SAME_CHANNELS, 0.0)
        changed = dict.fromkeys(SAME_CHANNELS, 0)
        for number in range(len(symbols)):
            rotation = form(SeedKey.draw(trial_stream(f"equality/{form.__name__}", number)), CHANNEL_USES)
            s = symbols[number : number + 1]
            recovered, plain = _with_and_without(rotation, s, snr_db, number)
            answers = measured.models.codec.classify(torch.cat([recovered, plain])).argmax(1).chunk(2)
            for row, channel in enumerate(SAME_CHANNELS):
                difference = float((recovered[row] - plain[row]).abs().max())
                largest[channel] = max(largest[channel], difference)
                changed[channel] += int(answers[0][row] != answers[1][row])
        rows += [
            {
                "rotation": form.__name__,
                "channel": channel,
                "snr_db": snr_db,
                "images": len(symbols),
                "largest_symbol_difference": float(f"{largest[channel]:.3g}"),
                "labels_changed": changed[channel],
            }
            for channel in SAME_CHANNELS
        ]
    return rows


def _with_and_without(
    rotation: HaarRotation | FastRotation, s: Tensor, snr_db: float, seed: int
) -> tuple[Tensor, Tensor]:
    """For each of the channels (3,n): what the rotated link recovers, and the plain link with the turned noise."""
    sigma2 = noise_variance(snr_db)
    x = _single(rotation.apply(s.numpy()))
    heard, noise, fades = [], [], []
    for channel in SAME_CHANNELS:
        source = generator(seed, f"equality/{channel}")
        fades.append(CHANNELS[channel].fading(1, CHANNEL_USES, source))
        noise.append(complex_normal((1, CHANNEL_USES), source) * sigma2.sqrt())
        heard.append(Received(fades[-1] * x + noise[-1], fades[-1], sigma2, CHANNELS[channel].csi).equalise())
    recovered, turned = _single(rotation.invert(torch.cat(heard + noise).numpy())).chunk(2)
    plain = [
        Received(h * s + n, h, sigma2, CHANNELS[channel].csi).equalise()
        for channel, h, n in zip(SAME_CHANNELS, fades, turned[:, None], strict=True)
    ]
    return recovered, torch.cat(plain)


def _single(symbols: np.ndarray) -> Tensor:
    """In single precision, as on the link."""
    return torch.from_numpy(symbols.astype(np.complex64))


@torch.inference_mode()
def fixed_rotation(measured: Measured, snr_db: float = 10.0) -> list[dict[str, object]]:
    """A rotation that is used again and again: ridge regression on more and more known pairs."""
    z = features(measured)
    test = min(MESSAGES, len(z) // 10)
    symbols = pack(z).numpy()
    rotation = HaarRotation(SeedKey.draw(trial_stream("rotation", 0)), CHANNEL_USES)
    received = propagate(
        CHANNELS["awgn"], torch.from_numpy(rotation.apply(symbols)), snr_db, generator(0, "keys/rotation")
    )
    heard = received.equalise().numpy()
    sigma2 = float(noise_variance(snr_db))
    rows = []
    for count in (count for count in PAIRS if count <= len(z) - test):
        broken = fit_ridge(symbols[test : test + count], heard[test : test + count], sigma2 / (1 + sigma2) ** 2)
        opened = torch.from_numpy(broken.decrypt(heard[:test]).astype(np.complex64))
        right = (measured.models.codec.classify(opened).argmax(1).numpy() == measured.labels[:test]).mean()
        error = np.mean(np.abs(opened.numpy() - symbols[:test]) ** 2)
        rows.append(
            {
                "pairs": count,
                "snr_db": snr_db,
                "messages": test,
                "accuracy": round(float(right), 4),
                "symbol_error": round(float(error), 4),
            }
        )
    return rows
