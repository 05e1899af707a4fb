"""The one-time rotation on one message: what the air sees, what the receiver loses, what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.fixed_rotation import errors_against_pairs
from semcom_core.channels import CHANNELS, Received, complex_normal, noise_variance, propagate
from semcom_core.codecs.repobe import pack
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.defenses.rotation import ExactRotation, QuickRotation, RotationPlugIn
from semcom_core.defenses.shuffling import ShufflingCipher
from semcom_core.lab.material import Messages, hear, lab_key
from semcom_core.link import Encoded, LinkModels, generator, read

FORMS: dict[str, RotationPlugIn] = {"fast": QuickRotation(), "exact": ExactRotation()}
PROTECTIONS: dict[str, PlugIn | None] = {
    "none": None,
    "shuffling": ShufflingCipher(),
    "repobe": ConfusionCipher(),
    "rotation_fast": FORMS["fast"],
    "rotation": FORMS["exact"],
}
"""By the names that defenses have."""


@dataclass(frozen=True)
class Turned:
    """One message before and after its rotation.

    Attributes:
        plain, turned: symbols (n,), complex.
        milliseconds: expanding the key and turning once.
    """

    plain: np.ndarray
    turned: np.ndarray
    milliseconds: float

    @property
    def norms(self) -> tuple[float, float]:
        """``‖s‖`` before and after."""
        return float(np.linalg.norm(self.plain)), float(np.linalg.norm(self.turned))


def turn(symbols: Tensor, plug_in: PlugIn | None, message: int) -> Turned:
    """Protect one message (1,n) under the key of this message number."""
    start = time.thread_time()
    x = symbols
    if plug_in is not None:
        x = plug_in.protect(symbols, [lab_key(plug_in, 0, message)], generator(0, "lab/sender"))
    return Turned(symbols[0].numpy(), x[0].numpy(), 1e3 * (time.thread_time() - start))


def sphere_density(modulus: np.ndarray, n: int) -> np.ndarray:
    """Density of ``|x_k|`` for x uniform on the complex sphere ``‖x‖² = n``.

    ``P(|x_k|² > v) = (1 − v/n)^{n−1}``, hence ``2 r (n−1)/n · (1 − r²/n)^{n−2}``.
    """
    inside = np.clip(1.0 - modulus**2 / n, 0.0, None)
    return 2.0 * modulus * (n - 1) / n * inside ** (n - 2)


def distance_to_sphere(symbols: np.ndarray) -> float:
    """Kolmogorov–Smirnov distance between the moduli of one message (n,) and the law on the sphere."""
    n = len(symbols)
    energy = np.sort(np.abs(symbols) ** 2)
    law = 1.0 - np.clip(1.0 - energy / n, 0.0, None) ** (n - 1)
    steps = np.arange(n + 1) / n
    return float(max(np.abs(steps[1:] - law).max(), np.abs(law - steps[:-1]).max()))


def values_kept(plain: np.ndarray, sent: np.ndarray) -> float:
    """Largest change of the sorted moduli: 0 means the values themselves are on the air."""
    return float(np.abs(np.sort(np.abs(plain)) - np.sort(np.abs(sent))).max())


@dataclass(frozen=True)
class ReceiverCheck:
    """The receiver with and without a rotation, in the same noise.

    Attributes:
        channel: name of the channel.
        difference: largest difference of a pixel between the two decoded pictures.
        logit_difference: the same for the class logits.
        same_answer: whether both read the same class.
    """

    channel: str
    difference: float
    logit_difference: float
    same_answer: bool


@torch.inference_mode()
def receiver_check(models: LinkModels, encoded: Encoded, form: str, channel: str, snr_db: float) -> ReceiverCheck:
    r"""Decode ``U*(h U s + n)`` and ``h s + U* n``: one and the same in exact arithmetic.

    The second is the unprotected link in noise ``U* n``, which has the law of ``n``.
    """
    plug_in, s = FORMS[form], encoded.symbols
    keys = [lab_key(plug_in, 0, message) for message in range(len(s))]
    received = propagate(CHANNELS[channel], plug_in.protect(s, keys, generator(0, "x")), snr_db, generator(0, channel))
    turned_back = plug_in.recover(received.equalise(), keys)
    plain = Received(plug_in.recover(received.y, keys), received.h, received.sigma2, received.csi)
    one, other = models.codec.decode(turned_back), models.codec.decode(plain.equalise())
    return ReceiverCheck(
        channel,
        float((one.image - other.image).abs().max()),
        float((one.logits - other.logits).abs().max()),
        bool((one.logits.argmax(1) == other.logits.argmax(1)).all()),
    )


@dataclass(frozen=True)
class FixedPoint:
    """A rotation used again: normalised error on unknown messages after ``pairs`` known ones.

    ``floor``: the error of a receiver with the key in the same noise.
    """

    pairs: int
    error: float
    floor: float


def fixed_rotation_synthetic(n: int, counts: Sequence[int], snr_db: float, unknown: int = 64) -> Iterator[FixedPoint]:
    """Random messages of n symbols, so that every dimension counts: the corner is at n pairs."""
    total = max(counts) + unknown
    s = complex_normal((total, n), generator(0, "lab/fixed"))
    yield from _fixed_points(s, counts, snr_db, unknown)


def fixed_rotation_real(messages: Messages, counts: Sequence[int], snr_db: float, unknown: int) -> Iterator[FixedPoint]:
    """Real features of 1,568 symbols; the last ``unknown`` messages are those to read."""
    yield from _fixed_points(pack(messages.z), counts, snr_db, unknown)


def _fixed_points(s: Tensor, counts: Sequence[int], snr_db: float, unknown: int) -> Iterator[FixedPoint]:
    plug_in = FORMS["fast"]
    key = lab_key(plug_in, 0)
    heard = hear(s, plug_in, [key] * len(s), snr_db, 0).equalise()
    known = len(s) - unknown
    plain, got = s.numpy(), heard.numpy()
    holder = plug_in.recover(heard[known:], [key] * unknown).numpy()
    floor = float(np.square(np.abs(holder - plain[known:])).sum() / np.square(np.abs(plain[known:])).sum())
    sigma2 = float(noise_variance(snr_db))
    others = (plain[known:], got[known:])
    for count in counts:
        error = errors_against_pairs(plain[:count], got[:count], others, sigma2 / (1.0 + sigma2) ** 2, [count])[0]
        yield FixedPoint(count, error, floor)


@dataclass(frozen=True)
class FadingRow:
    """One picture over one fade a symbol, without protection and with a rotation; means over draws."""

    number: int
    plain_right: float
    turned_right: float
    plain_psnr_db: float
    turned_psnr_db: float


@torch.inference_mode()
def fast_fading_cost(
    models: LinkModels, pictures: Encoded, labels: Sequence[int], snr_db: float, draws: int
) -> Iterator[FadingRow]:
    """What a rotation costs where every symbol fades by itself: one row a picture."""
    plug_in = FORMS["fast"]
    for number, label in enumerate(labels):
        s = pictures.symbols[number : number + 1].expand(draws, -1)
        native = pictures.native[number : number + 1].expand(draws, -1, -1, -1)
        keys = [lab_key(plug_in, 0, 5000 + number * draws + draw) for draw in range(draws)]
        results = []
        for protected in (False, True):
            x = plug_in.protect(s, keys, generator(0, "x")) if protected else s
            air = generator(number, "lab/fading")  # the same fades and noise for both
            symbols = propagate(CHANNELS["rayleigh_per_symbol"], x, snr_db, air).equalise()
            decoded = models.codec.decode(plug_in.recover(symbols, keys) if protected else symbols)
            reading = read(models, native, decoded)
            results.append((float((decoded.logits.argmax(1) == label).float().mean()), float(reading.psnr.mean())))
        (plain_right, plain_psnr), (turned_right, turned_psnr) = results
        yield FadingRow(number, plain_right, turned_right, plain_psnr, turned_psnr)
