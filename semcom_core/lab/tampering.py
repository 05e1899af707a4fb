"""A man in the middle: what a targeted change does to the receiver, and how often secret pilots notice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from semcom_core.attacks.tampering import Tampering, dense, scaling, sparse, towards
from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.pilots import PilotCheck, SecretPilots, roc
from semcom_core.defenses.rotation import QuickRotation
from semcom_core.lab.material import lab_key
from semcom_core.link import Encoded, LinkModels, Reading, generator, read

SPARSE_SYMBOLS = 32
ROTATION = QuickRotation()


@torch.inference_mode()
def pulled(
    models: LinkModels,
    plug_in: PlugIn | None,
    message: Encoded,
    target: Encoded,
    strengths: Sequence[float],
    snr_db: float,
) -> Reading:
    """One message pulled towards another picture's *plain* symbols with rising strength; the receiver's readings.

    The man in the middle has the encoder but no key, so behind a cipher he pulls in the wrong
    direction. All strengths meet the same noise.
    """
    steps = len(strengths)
    x = message.symbols
    keys = [] if plug_in is None else [lab_key(plug_in, 0, 0)]
    if plug_in is not None:
        x = plug_in.protect(x, keys, generator(0, "x"))
    changed = torch.cat([towards(x, target.symbols, strength) for strength in strengths])
    noise = propagate(CHANNELS["awgn"], torch.zeros_like(x), snr_db, generator(0, "lab/tamper"))
    received = Received(changed + noise.y, torch.ones(steps, 1, dtype=changed.dtype), noise.sigma2)
    symbols = received.equalise()
    if plug_in is not None:
        symbols = plug_in.recover(symbols, keys * steps)
    return read(models, message.native.expand(steps, -1, -1, -1), models.codec.decode(symbols))


@dataclass(frozen=True)
class Kind:
    """A way to tamper.

    Attributes:
        act: changes symbols on the air.
        strengths: from harmless to strong.
        rotated: whether the pilots lie inside a one-time rotation.
    """

    act: Tampering
    strengths: tuple[float, ...]
    rotated: bool = False


KINDS: dict[str, Kind] = {
    "dense": Kind(dense, (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)),
    "scaling": Kind(scaling, (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)),
    "sparse": Kind(partial(sparse, count=SPARSE_SYMBOLS), (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)),
    "sparse_rotated": Kind(partial(sparse, count=SPARSE_SYMBOLS), (0.5, 1.0, 2.0, 4.0, 8.0, 16.0), rotated=True),
}


def checked(
    s: Tensor, pilots: SecretPilots, kind: Kind, strength: float, snr_db: float, trial: int
) -> tuple[PilotCheck, float]:
    """Messages (B,n) with pilots, changed on the air, and the receiver's verdict.

    Returns:
        The verdict, and the energy that the change added, relative to the message's.
    """
    first = trial * 100_000
    keys = [lab_key(pilots, 0, first + k) for k in range(len(s))]
    x = pilots.protect(s, keys, generator(trial, "x"))
    outer = [lab_key(ROTATION, 0, first + k) for k in range(len(s))] if kind.rotated else []
    if kind.rotated:
        x = ROTATION.protect(x, outer, generator(trial, "x"))
    changed = kind.act(x, strength, generator(trial, "lab/change"))
    added = float((changed - x).abs().square().sum() / x.abs().square().sum())
    received = propagate(CHANNELS["awgn"], changed, snr_db, generator(trial, "lab/air"))
    if kind.rotated:
        return pilots.check_symbols(ROTATION.recover(received.y, outer), received.sigma2, keys), added
    return pilots.check(received, keys), added


@dataclass(frozen=True)
class DetectionPoint:
    """Pilots against one way to tamper at one strength.

    Attributes:
        added: energy of the change over the message's energy.
        alarms: share of the changed messages that raise the alarm at the stated false-alarm rate.
        false_alarm, detection: the ROC, from 0 to 1.
        area: area under it; 0.5 is guessing.
    """

    kind: str
    strength: float
    trials: int
    added: float
    alarms: float
    false_alarm: np.ndarray
    detection: np.ndarray
    area: float


def detection_points(
    s: Tensor, pilots: SecretPilots, snr_db: float, kinds: Sequence[str] = tuple(KINDS)
) -> Iterator[DetectionPoint]:
    """One point a kind and strength; ``s`` (B,n) are the messages, each under keys of its own."""
    clean: dict[bool, Tensor] = {}
    trial = 0
    for name in kinds:
        kind = KINDS[name]
        if kind.rotated not in clean:
            trial += 1
            clean[kind.rotated] = checked(s, pilots, kind, 0.0, snr_db, trial)[0].statistic
        for strength in kind.strengths:
            trial += 1
            check, added = checked(s, pilots, kind, strength, snr_db, trial)
            false_alarm, detection = roc(clean[kind.rotated], check.statistic)
            yield DetectionPoint(
                name,
                strength,
                len(s),
                added,
                float(check.tampered.float().mean()),
                false_alarm,
                detection,
                float(np.trapezoid(detection, false_alarm)),
            )
