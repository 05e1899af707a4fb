r"""What an eavesdropper has of a defense: the material that every trained attacker learns from.

::

    attacker's own pictures ─ codec.encode ─ s (once, kept) ─ chain.protect, fresh keys and noise ─ x
      ─ random channel ─ equalise, open as far as anybody can (:func:`attacks.inversion.heard`)

The attacker's pictures are the last :data:`semcom_core.datasets.ATTACKER_IMAGES` of the training split; defenses with
codecs of their own were trained on the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from semcom_core import datasets, weights
from semcom_core.attacks.inversion import heard, sealed
from semcom_core.channels import CHANNELS, complex_normal, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.codecs.base import Codec
from semcom_core.codecs.repobe import RepObECodec, pack
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.rotation import ExactRotation
from semcom_core.domains import DOMAINS
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.settings import LinkSettings
from semcom_core.training import features
from semcom_core.training.air import SNR_RANGE_DB, random_reception
from semcom_core.training.augment import plain

NOISE_RANGE = (0.0, 2.5)
"""Strengths of the sender's noise that attackers are trained for, besides the usual one."""
CHUNK = 64
_CHECK_SNR_DB = 10.0


@dataclass(frozen=True)
class Choice:
    """What a chain may depend on (:class:`semcom_core.defenses.Choices`)."""

    noise: float = LinkSettings.noise
    snr_db: float = _CHECK_SNR_DB
    steps: int = LinkSettings.steps
    labels: bool = LinkSettings.labels


class Observations:
    """Pictures of one split as one defense sends them, with what there is to learn about them.

    Args:
        domain, defense: registry names; the defense's own weights must be there.
        split: ``train`` takes the last ``images`` of it, ``held_out`` the first.
        runs: folder of caches; symbols of one codec are kept for all attackers of it.
        images: how many at most; the attacker's usual number if ``None``.
        seed: of the cache of the base codec's features, as its recipes have it.

    Attributes:
        symbols: fp16 (N,2n), real parts before imaginary ones, noise-free and unprotected.
        teacher: the public receiver's class probabilities on them (N,K).
    """

    def __init__(
        self, domain: str, defense: str, split: datasets.Split, runs: Path, images: int | None = None, seed: int = 1
    ) -> None:
        self.domain, self.defense = DOMAINS[domain], DEFENSES[defense]
        loaded = {name: weights.load(f"{domain}/{name}") for name in (self.defense.codec, *self.defense.networks)}
        base = loaded[self.defense.codec].module
        self.parts: dict[str, nn.Module] = {"codec": base} | {
            name: loaded[name].module for name in self.defense.networks
        }
        own = self.defense.receiver if self.defense.own_encoder else None
        self.codec: Codec = own(base, self.parts) if own else base
        data = datasets.load(domain, split)
        count = min(images or datasets.ATTACKER_IMAGES[domain], len(data))
        self.rows = np.arange(len(data) - count, len(data)) if split == "train" else np.arange(count)
        self.data = data.take(self.rows)
        folder = runs / domain / f"symbols-{loaded[self.defense.encoder].located.sha256[:16]}"
        stem = f"{split}-{self.rows[0]}-{self.rows[-1] + 1}"
        self.symbols = _kept(folder / f"{stem}.npy", lambda: self._symbols(runs / domain, split, seed))
        self.teacher = torch.tensor(_kept(folder / f"{stem}-teacher.npy", self._answers)).float()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channel_uses(self) -> int:
        return self.symbols.shape[1] // 2

    def chain(self, choice: Choice) -> tuple[PlugIn, ...]:
        """The defense's plug-ins under one choice."""
        return self.defense.chain(choice, self.parts)

    def plain(self, index: np.ndarray) -> Tensor:
        """The codec's symbols (B,n), complex64."""
        real, imag = torch.from_numpy(np.asarray(self.symbols[index], dtype=np.float32)).chunk(2, 1)
        return torch.complex(real, imag)

    def targets(self, index: np.ndarray) -> Tensor:
        """Native pictures (B,C,n,n) in [0,1]."""
        return plain(self.domain.name, self.data.images[index], self.domain.native_size)

    def labels(self, index: np.ndarray) -> Tensor:
        """Classes (B,)."""
        return torch.from_numpy(self.data.labels[index])

    @torch.no_grad()
    def heard(self, index: np.ndarray, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Messages with these pictures after a random channel, as an eavesdropper has them.

        Each under a fresh key; sender's noise at its usual strength in half of the batches.

        Returns:
            Symbols (B,n) and relative noise variance (B,) from :func:`attacks.inversion.heard`.
        """
        choice, snr_db = self._draw(generator), None
        if self.defense.heeds_snr:  # the sender knows one mean SNR for all
            snr_db = torch.full((len(index), 1), choice.snr_db)
        chain = self.chain(choice)
        return heard(random_reception(self.protect(index, chain, generator), generator, snr_db), chain)

    @torch.no_grad()
    def silent(self, index: np.ndarray, generator: torch.Generator) -> Tensor:
        """What :meth:`heard` estimates, itself (B,n): no channel, and no sender's noise that is known to be noise."""
        return self.protect(index, sealed(self.chain(Choice())), generator)

    @property
    def silent_varies(self) -> bool:
        """Whether :meth:`silent` gives something else each time."""
        return self.defense.keyed

    @torch.no_grad()
    def check(self, index: np.ndarray, snr_db: float = _CHECK_SNR_DB, channel: str = "awgn") -> tuple[Tensor, Tensor]:
        """The same at one SNR, with fixed randomness, at the usual noise of the sender: for validation."""
        generator = torch.Generator().manual_seed(int(index[0]))
        chain = self.chain(Choice(snr_db=snr_db))
        x = self.protect(index, chain, generator)
        return heard(propagate(CHANNELS[channel], x, snr_db, generator), chain)

    def protect(self, index: np.ndarray, chain: Sequence[PlugIn], generator: torch.Generator) -> Tensor:
        """Send these pictures (B,n), each under a key that nobody else uses."""
        x = self.plain(index)
        for plug_in in chain:
            if isinstance(plug_in, ExactRotation):
                x = _haar(x, generator)
            else:
                x = plug_in.protect(x, self._keys(plug_in, len(x), generator), generator)
        return x

    @staticmethod
    def _keys(plug_in: PlugIn, count: int, generator: torch.Generator) -> list[object]:
        if not plug_in.keyed:
            return [None] * count
        nonces = torch.randint(256, (count, 16), generator=generator, dtype=torch.uint8).numpy()
        source, purpose = KeySource.published(), f"attacker/{plug_in.name}"  # never the link's own streams
        return [
            plug_in.key(source.stream(purpose, KeyPolicy.MESSAGE, seed=0, session=0, nonce=nonce.tobytes()))
            for nonce in nonces
        ]

    def _draw(self, generator: torch.Generator) -> Choice:
        usual, share, snr = torch.rand(3, generator=generator).tolist()
        low, high = SNR_RANGE_DB
        noise = LinkSettings.noise if usual < 0.5 else NOISE_RANGE[0] + share * (NOISE_RANGE[1] - NOISE_RANGE[0])
        return Choice(noise=noise, snr_db=low + snr * (high - low))

    @torch.inference_mode()
    def _symbols(self, folder: Path, split: datasets.Split, seed: int) -> np.ndarray:
        parts = []
        if self.defense.codec == "base":
            assert isinstance(self.codec, RepObECodec)
            cache = features.build(folder, self.codec, self.domain.name, split, 1, None, seed)
            for rows in np.array_split(self.rows, -(-len(self.rows) // 1000)):
                parts.append(_halves(pack(cache.z(rows))))
            return np.concatenate(parts)
        codec = fold_batch_norm(self.codec)
        for start in tqdm(range(0, len(self.rows), CHUNK), desc="encode", mininterval=10):
            images = plain(self.domain.name, self.data.images[start : start + CHUNK], codec.size)
            parts.append(_halves(codec.encode(images.contiguous(memory_format=torch.channels_last))))
        return np.concatenate(parts)

    @torch.inference_mode()
    def _answers(self) -> np.ndarray:
        """Class probabilities of the public receiver for noise-free symbols, fp16 (N,K)."""
        codec = fold_batch_norm(self.codec)
        read = codec.classify if isinstance(codec, RepObECodec) else lambda s: codec.decode(s, s.real[:, 0] * 0).logits
        chunks = np.array_split(np.arange(len(self)), -(-len(self) // CHUNK))
        return np.concatenate([read(self.plain(index)).softmax(1).half().numpy() for index in chunks])


def _haar(s: Tensor, generator: torch.Generator) -> Tensor:
    """What a Haar rotation with a fresh key sends: uniform on the sphere of the message's norm."""
    points = complex_normal(tuple(s.shape), generator)
    return points * (s.abs().square().sum(1) / points.abs().square().sum(1)).sqrt()[:, None]


def _halves(symbols: Tensor) -> np.ndarray:
    return torch.cat([symbols.real, symbols.imag], 1).half().numpy()


def _kept(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array from disk, or made and kept there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npy")  # two runs may make it at once
        np.save(partial, make())
        partial.replace(path)
    return np.load(path, mmap_mode="r")
