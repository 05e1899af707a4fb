"""One cell of a measurement: many pictures through one link, on the same stages as the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from semcom_core import datasets, link
from semcom_core.channels import CHANNELS, propagate
from semcom_core.ciphers.keys import KeySource
from semcom_core.codecs.repobe import unpack
from semcom_core.evaluation.collected import Collected, rounded
from semcom_core.metrics import balanced_accuracy, bootstrap, chance_p_value
from semcom_core.precision import autocast
from semcom_core.settings import LinkSettings
from semcom_core.training.augment import plain

CHUNK = 100
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """An encoded reporting set: symbols once, for every cell."""

    models: link.LinkModels
    encoded: tuple[link.Encoded, ...]
    labels: np.ndarray
    known: link.Encoded

    @property
    def images(self) -> int:
        return len(self.labels)


def prepare(
    models: link.LinkModels, split: datasets.Split, limit: int | None = None, spread: int | None = None
) -> Measured:
    """Encode a split once; the picture that attackers know comes from the held-out split.

    Args:
        limit: the first pictures only.
        spread: at most this many pictures, evenly over the split.
    """
    name = models.domain.name
    data = datasets.load(name, split)
    if limit:
        data = data.take(np.arange(min(limit, len(data))))
    if spread and spread < len(data):
        data = data.take(np.linspace(0, len(data) - 1, spread).round().astype(int))
    native = models.domain.native_size
    encoded = tuple(
        link.encode(models, plain(name, data.images[start : start + CHUNK], native))
        for start in range(0, len(data), CHUNK)
    )
    known = link.encode(models, plain(name, datasets.load(name, "held_out").images[:1], native))
    return Measured(models, encoded, data.labels, known)


def chunk_settings(settings: LinkSettings, seed: int, chunk: int) -> LinkSettings:
    """Every chunk has noise, fading and sender noise of its own."""
    return replace(settings, seed=seed * 10_000 + chunk)


@torch.inference_mode()
def receiver_accuracy(measured: Measured, channel: str, snr_db: float, seeds: Sequence[int]) -> dict[str, object]:
    """Class accuracy of the legitimate receiver over all pictures and channel seeds.

    The cipher is left out: it changes no receiver figure (proved by a test). The classifier runs in
    bfloat16 here, in float32 on the page.
    """
    right = np.zeros((len(seeds), measured.images))
    for row, seed in enumerate(seeds):
        done = 0
        for chunk, encoded in enumerate(measured.encoded):
            generator = link.generator(seed * 10_000 + chunk, "bob")
            received = propagate(CHANNELS[channel], encoded.symbols, snr_db, generator)
            z = unpack(received.equalise()).contiguous(memory_format=torch.channels_last)
            with autocast("cpu"):  # three times faster; 300,000 pictures a channel
                answers = measured.models.codec.classifier(z).argmax(1).numpy()
            right[row, done : done + len(answers)] = answers == measured.labels[done : done + len(answers)]
            done += len(answers)
    per_image = right.mean(0)
    return {
        "channel": channel,
        "snr_db": snr_db,
        "images": measured.images,
        "seeds": list(seeds),
        "accuracy": round(float(per_image.mean()), 5),
        "interval": rounded(bootstrap(per_image)),
    }


def _summary(got: Collected, labels: np.ndarray) -> dict[str, object]:
    out: dict[str, object] = {}
    for name in ("own", "judge"):
        if (predicted := got.column(name)) is not None:
            right = (predicted == labels).astype(float)
            out[f"{name}_accuracy"] = round(float(right.mean()), 5)
            out[f"{name}_interval"] = rounded(bootstrap(right))
            out[f"{name}_balanced"] = round(balanced_accuracy(predicted, labels), 5)
            out[f"{name}_chance_p"] = round(chance_p_value(predicted, labels, draws=2000), 5)
    for name in ("psnr", "ssim"):
        if (values := got.column(name)) is not None:
            out[name] = round(float(values.mean()), 4)
    if got.keys:
        out["key_agreement"] = round(float(np.mean(got.keys)), 4)
    return out


def receiver_side(measured: Measured, settings: LinkSettings, images: int, seed: int = 0) -> dict[str, object]:
    """The receiver on the first ``images`` pictures: own class, judge, PSNR, SSIM."""
    source = KeySource.published()
    receiver, count = Collected(), 0
    for chunk, encoded in _first(measured, images):
        these = chunk_settings(settings, seed, chunk)
        sent = link.send(encoded, these, source, measured.models.parts)
        receiver.add(link.receive(measured.models, encoded, sent, these).reading, encoded.native)
        count += len(encoded.native)
    return _summary(receiver, measured.labels[:count])


def eavesdropper_side(measured: Measured, settings: LinkSettings, images: int, seed: int = 0) -> dict[str, object]:
    """One eavesdropper on the first ``images`` pictures: own class, judge, PSNR, SSIM, key."""
    source = KeySource.published()
    attacker, count = Collected(), 0
    for chunk, encoded in _first(measured, images):
        these = chunk_settings(settings, seed, chunk)
        sent = link.send(encoded, these, source, measured.models.parts)
        result = link.eavesdrop(measured.models, encoded, sent, these, source, measured.known)
        attacker.add(result.reading, encoded.native, result.key_agreement)
        count += len(encoded.native)
    return _summary(attacker, measured.labels[:count])


def _first(measured: Measured, images: int) -> Iterator[tuple[int, link.Encoded]]:
    done = 0
    for chunk, encoded in enumerate(measured.encoded):
        if done >= images:
            return
        yield chunk, encoded
        done += len(encoded.native)


@torch.inference_mode()
def judge_accuracy(measured: Measured) -> dict[str, object]:
    """Clean accuracy of the judge on the reporting split, and how often it says "foreign"."""
    logits = torch.cat([measured.models.judge(encoded.native) for encoded in measured.encoded])
    right = (logits.argmax(1).numpy() == measured.labels).astype(float)
    foreign = (-torch.logsumexp(logits, 1) > measured.models.judge.energy_threshold).float().mean()
    return {
        "images": measured.images,
        "accuracy": round(float(right.mean()), 5),
        "interval": rounded(bootstrap(right)),
        "called_foreign": round(float(foreign), 4),
    }
