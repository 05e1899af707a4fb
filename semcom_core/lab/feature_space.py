"""Where pictures land in a receiver's last features, natural and attacked, and a flat view of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core import link, samples
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.repobe import RepObECodec, unpack
from semcom_core.domains import DOMAINS, Domain
from semcom_core.lab.manipulated import Setup
from semcom_core.manipulation import Attempt, link_victim

PER_CLASS = 2
CHUNK = 10


@dataclass(frozen=True, eq=False)
class Cloud:
    """Pooled features of one receiver.

    Attributes:
        labels: true classes (N,).
        natural, adversarial: features (N,256), each pair over the same channel draw.
        read_natural, read_adversarial: classes that the receiver read (N,).
    """

    method: str
    labels: np.ndarray
    natural: np.ndarray
    adversarial: np.ndarray
    read_natural: np.ndarray
    read_adversarial: np.ndarray


@dataclass(frozen=True, eq=False)
class Flat:
    """Two principal components, of the natural features.

    Attributes:
        natural, adversarial: (N,2).
        centres: mean of each class's natural features (K,2), and their classes (K,).
        explained: share of the natural features' variance that the two components hold.
    """

    natural: np.ndarray
    adversarial: np.ndarray
    centres: np.ndarray
    classes: np.ndarray
    explained: float


def chosen(domain: str) -> list[samples.Sample]:
    """The fixed set: up to :data:`PER_CLASS` samples of each class."""
    counts, found = dict.fromkeys(range(len(DOMAINS[domain].classes)), 0), []
    for one in samples.samples(domain):
        if one.label is not None and counts[one.label] < PER_CLASS:
            counts[one.label] += 1
            found.append(one)
    return found


def pictures(domain: str) -> tuple[Tensor, Tensor]:
    """The fixed set, prepared: (N,C,n,n) and labels (N,)."""
    fixed = chosen(domain)
    native = [DOMAINS[domain].prepare(samples.render(domain, one.key)).native for one in fixed]
    return torch.stack(native), torch.tensor([one.label for one in fixed])


def cloud(
    method: str, codec: RepObECodec, domain: Domain, native: Tensor, labels: Tensor, setup: Setup
) -> Iterator[Attempt | Cloud]:
    """Attack all pictures, then look where they land; attempts as they come.

    Args:
        native, labels: prepared pictures (N,C,n,n) and their classes (N,).
        setup: link and untargeted attack on the native picture.
    """
    attacked = []
    for start in range(0, len(native), CHUNK):
        part, wanted = native[start : start + CHUNK], labels[start : start + CHUNK]
        victim = link_victim("native", domain, codec, part, setup.channel, setup.snr_db, eps=setup.eps)
        attempt = None
        for attempt in setup.manipulator().search(victim, wanted, link.generator(setup.seed + start, "manipulator")):
            yield attempt
        attacked.append(victim.origin if attempt is None else attempt.x)
    natural, read_natural = _features(codec, domain, native, setup)
    adversarial, read_adversarial = _features(codec, domain, torch.cat(attacked), setup)
    yield Cloud(method, labels.numpy(), natural, adversarial, read_natural, read_adversarial)


@torch.no_grad()
def _features(codec: RepObECodec, domain: Domain, native: Tensor, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features (N,256) and the classes that follow from them (N,)."""
    air, found = link.generator(setup.seed, "bob"), []
    for part in native.split(CHUNK):
        image = domain.enlarge(part, codec.size).contiguous(memory_format=torch.channels_last)
        received = propagate(CHANNELS[setup.channel], codec.encode(image), setup.snr_db, air)
        z = unpack(received.equalise()).contiguous(memory_format=torch.channels_last)
        found.append(codec.classifier.embed(z).float())
    pooled = torch.cat(found)
    return pooled.numpy(), codec.classifier.fc(pooled).argmax(1).numpy()


def flat(one: Cloud) -> Flat:
    """Principal components of the natural features; the attacked ones are seen from the same side."""
    mean = one.natural.mean(0)
    _, strength, axes = np.linalg.svd(one.natural - mean, full_matrices=False)
    plane = axes[:2].T
    natural, adversarial = (one.natural - mean) @ plane, (one.adversarial - mean) @ plane
    classes = np.unique(one.labels)
    centres = np.stack([natural[one.labels == k].mean(0) for k in classes])
    return Flat(natural, adversarial, centres, classes, float((strength[:2] ** 2).sum() / (strength**2).sum()))
