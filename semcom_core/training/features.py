"""Encode once: features of a data set on disk, for everything that trains downstream.

Copy 0 holds the plain pictures; further copies hold randomly changed ones, so that what
trains on the cache sees variety without running the encoder again. 6.3 kB an image (fp16).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from semcom_core import datasets, weights
from semcom_core.codecs.repobe import CODEC_SIZE, FEATURE_SHAPE, RepObECodec
from semcom_core.codecs.robust import assemble
from semcom_core.disk import with_space
from semcom_core.domains import DOMAINS
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.networks.robust_link import RobustLink
from semcom_core.precision import autocast
from semcom_core.training.augment import AUGMENT, plain

CHUNK = 64


@dataclass(frozen=True)
class FeatureCache:
    """Memory-mapped copies; row ``k`` is image ``k % images`` of copy ``k // images``.

    Attributes:
        features: for each copy fp16 (images,4,28,28), power-normalised, noise-free.
        pictures: for each copy uint8 (images,n,n[,3]) at native size: what an inversion should
            give back.
        labels: int64 (images,).
    """

    features: list[np.ndarray]
    pictures: list[np.ndarray]
    labels: np.ndarray

    @property
    def images(self) -> int:
        return len(self.labels)

    def __len__(self) -> int:
        return len(self.features) * self.images

    def _rows(self, arrays: list[np.ndarray], index: np.ndarray) -> Tensor:
        rows = np.stack([arrays[k // self.images][k % self.images] for k in index])
        return torch.from_numpy(rows).float()

    def z(self, index: np.ndarray) -> Tensor:
        """Features (B,4,28,28) float32 of some rows."""
        return self._rows(self.features, index)

    def label(self, index: np.ndarray) -> Tensor:
        """Labels (B,) of some rows."""
        return torch.from_numpy(self.labels[index % self.images])

    def targets(self, index: np.ndarray) -> Tensor:
        """Native pictures (B,C,n,n) float32 in [0,1] of some rows."""
        chunk = self._rows(self.pictures, index) / 255.0
        return chunk[:, None] if chunk.ndim == 3 else chunk.permute(0, 3, 1, 2)

    def targets_at(self, index: np.ndarray) -> Tensor:
        """Pictures at the codec's size (B,C,224,224), as a reconstruction decoder should give."""
        native = self.targets(index)
        if native.shape[-1] == CODEC_SIZE:
            return native
        return F.interpolate(native, size=(CODEC_SIZE, CODEC_SIZE), mode="bilinear", align_corners=False)


def load_codec(name: str) -> RepObECodec:
    """A codec with RepObE's networks by its weights; an adversarially trained link is put together first.

    Raises:
        WeightsError: see :func:`semcom_core.weights.load`.
    """
    module = weights.load(name).module
    if not isinstance(module, RobustLink):
        return module
    return assemble(weights.load(f"{name.partition('/')[0]}/base").module, module)


def encoder_digest(codec: RepObECodec) -> str:
    """Hash of the encoder's parameters and buffers: a cache never outlives its encoder."""
    sha = hashlib.sha256()
    for name, value in codec.encoder.state_dict().items():
        sha.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


def build(
    folder: Path, codec: RepObECodec, domain: str, split: datasets.Split, copies: int, limit: int | None, seed: int
) -> FeatureCache:
    """Make or reopen the cache of one split; tasks with one encoder and seed share its copies.

    Args:
        folder: where the cache lives (a runs folder, never the project).
        copies: 1 for plain pictures only; each further copy is one random change of each.
        limit: use the first images of the split only.
        seed: decides the random changes.
    """
    data = datasets.load(domain, split)
    places = [folder / f"features-{encoder_digest(codec)}" / f"{split}-{seed}-{copy}" for copy in range(copies)]
    for copy, place in enumerate(places):
        if not (place / "complete").exists():
            _encode_copy(place, fold_batch_norm(codec), domain, data, copy, seed)
    count = min(limit or len(data), len(data))
    features, pictures = (
        [np.load(place / f"{key}.npy", mmap_mode="r")[:count] for place in places] for key in ("features", "pictures")
    )
    return FeatureCache(features, pictures, data.labels[:count])


@torch.inference_mode()
def _encode_copy(
    place: Path, codec: RepObECodec, domain: str, data: datasets.ArrayDataset, copy: int, seed: int
) -> None:
    place.mkdir(parents=True, exist_ok=True)
    native = DOMAINS[domain].native_size
    shape = (len(data), native, native) + ((3,) if DOMAINS[domain].channels == 3 else ())
    features = with_space(place / "features.npy", np.float16, (len(data), *FEATURE_SHAPE))
    pictures = with_space(place / "pictures.npy", np.uint8, shape)
    rng = np.random.default_rng((seed, copy))
    for start in tqdm(range(0, len(data), CHUNK), desc=f"encode {place.name}", mininterval=10):
        chunk = data.images[start : start + CHUNK]
        rows = slice(start, start + len(chunk))
        images = plain(domain, chunk, CODEC_SIZE) if copy == 0 else AUGMENT[domain](chunk, CODEC_SIZE, rng)
        with autocast("cpu"):
            features[rows] = codec.features(images.contiguous(memory_format=torch.channels_last)).numpy()
        pictures[rows] = chunk if copy == 0 else _native(images, domain)
    features.flush()
    pictures.flush()
    (place / "complete").touch()


def _native(images: Tensor, domain: str) -> np.ndarray:
    """Changed pictures back at native size, uint8 (B,n,n[,3])."""
    whole = (DOMAINS[domain].to_native(images).clamp(0, 1) * 255.0).round().byte()
    return (whole[:, 0] if whole.shape[1] == 1 else whole.permute(0, 2, 3, 1)).numpy()
