"""What the experiments work on: keys of their own, and many messages from few pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.codecs.repobe import CODEC_SIZE, GRID, pack, unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.link import LinkModels, generator
from semcom_core.training.augment import AUGMENT

CHUNK = 16
MOST = 1024
"""Messages a pool may hold: 16 MB."""


def lab_key(plug_in: PlugIn, trial: int, message: int | None = None) -> Any:
    """A key of the published demo source for one trial, fixed unless ``message`` counts."""
    policy = KeyPolicy.SESSION if message is None else KeyPolicy.MESSAGE
    nonce = (message or 0).to_bytes(16, "little")
    stream = KeySource.published().stream(f"lab/{plug_in.name}", policy, seed=trial, session=0, nonce=nonce)
    return plug_in.key(stream)


def hear(
    s: Tensor, plug_in: PlugIn | None, keys: Sequence[Any], snr_db: float, trial: int, channel: str = "awgn"
) -> Received:
    """Messages (B,n) protected and sent, as the attacker's antenna has them.

    Args:
        keys: one a message; ignored without a plug-in.
        trial: decides the noise.
    """
    x = s if plug_in is None else plug_in.protect(s, keys, generator(trial, "lab/sender"))
    return propagate(CHANNELS[channel], x, snr_db, generator(trial, f"lab/eve/{len(s)}"))


def hear_features(z: Tensor, plug_in: PlugIn | None, keys: Sequence[Any], snr_db: float, trial: int) -> np.ndarray:
    """:func:`hear` from features to equalised features, float32 (B,4,28,28)."""
    return unpack(hear(pack(z), plug_in, keys, snr_db, trial).equalise()).numpy()


@dataclass(frozen=True)
class Messages:
    """Plain messages and what is in them.

    Attributes:
        z: power-normalised features (N,4,28,28), noise-free.
        grey: the pictures, grey and small (N,28,28) in [0,1].
        labels: classes (N,).
    """

    z: Tensor
    grey: Tensor
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int) -> Messages:
        """Some of them, in order."""
        return Messages(self.z[start:stop], self.grey[start:stop], self.labels[start:stop])


class Pool:
    """Messages made of random crops (photographs) or warps (digits) of a few pictures.

    Chunk ``k`` depends on the pictures, ``seed`` and ``k`` only, so two visitors have the same
    messages whoever asked first. Grows when asked; safe to share between threads.

    Args:
        models: networks of the domain.
        natives: pictures (S,C,n,n) in [0,1].
        labels: their classes (S,).
    """

    def __init__(self, models: LinkModels, natives: Tensor, labels: Sequence[int], seed: int) -> None:
        self._models = models
        pixels = (natives * 255.0).round().byte().permute(0, 2, 3, 1).numpy()
        self._pictures = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        self._labels = np.asarray(labels)
        self._seed = seed
        self._chunks: list[Messages] = []
        self._lock = threading.Lock()

    @property
    def pictures(self) -> int:
        """How many different pictures it draws from."""
        return len(self._labels)

    def grow(self, count: int) -> Iterator[int]:
        """Make messages until there are ``count``; yields how many there are.

        Raises:
            ValueError: more than :data:`MOST`.
        """
        if count > MOST:
            raise ValueError(f"A pool holds at most {MOST} messages, not {count}.")
        while len(self._chunks) * CHUNK < count:
            with self._lock:
                if len(self._chunks) * CHUNK < count:
                    self._chunks.append(self._make(len(self._chunks)))
            yield len(self._chunks) * CHUNK

    def take(self, count: int) -> Messages:
        """The first ``count`` messages, which must be there (:meth:`grow`)."""
        chunks = self._chunks[: -(-count // CHUNK)]
        whole = Messages(
            torch.cat([one.z for one in chunks]),
            torch.cat([one.grey for one in chunks]),
            np.concatenate([one.labels for one in chunks]),
        )
        if len(whole) < count:
            raise ValueError(f"There are {len(whole)} messages, not {count}.")
        return whole.part(0, count)

    @torch.inference_mode()
    def _make(self, number: int) -> Messages:
        rng = np.random.default_rng((self._seed, number))
        which = rng.integers(len(self._labels), size=CHUNK)
        images = AUGMENT[self._models.domain.name](self._pictures[which], CODEC_SIZE, rng)
        z = self._models.codec.features(images.contiguous(memory_format=torch.channels_last))
        grey = F.interpolate(images.mean(1, keepdim=True), size=(GRID, GRID), mode="area")[:, 0]
        return Messages(z.contiguous(), grey.contiguous(), self._labels[which])


def two_parties(labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """Indices for the sender and for the attacker: no picture is on both sides.

    Within each class the pictures go to the two in turn; who gets the first changes from class to class.
    """
    sides: tuple[list[int], list[int]] = ([], [])
    seen: dict[int, int] = {}
    for index, label in enumerate(labels):
        turn = seen.setdefault(label, len(seen))
        sides[turn % 2].append(index)
        seen[label] = turn + 1
    return sides
