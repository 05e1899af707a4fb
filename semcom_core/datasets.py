"""Image data sets as Parquet shards: from the folder ``SEMCOM_DATA`` or from the Hub.

Both have the same layout (an image column of ``{bytes, path}``, an integer ``label``), so one
reader serves both. Images of a data set are never written into the project.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

Split = Literal["train", "held_out", "report"]
HELD_OUT_FRACTION = 0.1
SPLIT_SEED = 20250


class DataUnavailable(RuntimeError):
    """No data set can be read; the message says what to set."""


@dataclass(frozen=True)
class Source:
    """Where a data set lives.

    Attributes:
        folder: folder under ``SEMCOM_DATA``.
        hub: data set on the Hugging Face Hub with the same layout.
        column: image column.
        mode: Pillow mode, ``L`` or ``RGB``.
        size: side of the square images; the reader refuses others.
        report: file prefix of the split used for reporting only.
    """

    folder: str
    hub: str
    column: str
    mode: str
    size: int
    report: str


SOURCES: dict[str, Source] = {
    "digits": Source("mnist", "ylecun/mnist", "image", "L", 28, "test"),
    "objects": Source("cifar10", "uoft-cs/cifar10", "img", "RGB", 32, "test"),
    "photographs": Source("imagenette", "frgfm/imagenette", "image", "RGB", 224, "validation"),
}


@dataclass(frozen=True)
class ArrayDataset:
    """Decoded images uint8 (N,H,W) or (N,H,W,3), and integer labels (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> ArrayDataset:
        return ArrayDataset(self.images[index], self.labels[index])


def _shards(source: Source, prefix: str) -> list[Path]:
    """Local Parquet files of one split, downloading them from the Hub if need be."""
    root = os.environ.get("SEMCOM_DATA")
    if root:
        shards = sorted((Path(root) / source.folder).glob(f"{prefix}-*.parquet"))
        if not shards:
            raise DataUnavailable(
                f"SEMCOM_DATA is set, but {source.folder}/{prefix}-*.parquet is not in that folder. "
                "Point it at a folder with mnist/, cifar10/ and imagenette/, or unset it to use the Hub."
            )
        return shards
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder = snapshot_download(
            source.hub, repo_type="dataset", revision="main", allow_patterns=[f"**/{prefix}-*.parquet"]
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise DataUnavailable(
            f"The data set {source.hub} could not be fetched from the Hub. "
            "Check the network, or set SEMCOM_DATA to a folder of Parquet shards."
        ) from error
    return sorted(Path(folder).rglob(f"{prefix}-*.parquet"))


def at_hand(domain: str) -> bool:
    """Whether a data set can be read without the network: from ``SEMCOM_DATA``, or from the Hub's cache."""
    source, root = SOURCES[domain], os.environ.get("SEMCOM_DATA")
    if root:
        return any((Path(root) / source.folder).glob("train-*.parquet"))
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(source.hub, repo_type="dataset", revision="main", local_files_only=True)
    except (OSError, ValueError):
        return False
    return any(Path(folder).rglob("train-*.parquet"))


def _decode(blob: bytes, source: Source) -> np.ndarray:
    image = Image.open(io.BytesIO(blob)).convert(source.mode)
    if image.size != (source.size, source.size):
        # The Hub's photographs come in their own sizes: centre square, then resize.
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.resize(
            (source.size, source.size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side)
        )
    return np.asarray(image)


def _read(source: Source, prefix: str, choose: Callable[[int], np.ndarray] | None = None) -> ArrayDataset:
    """A file prefix's pictures: all, or those rows that ``choose`` picks from their number."""
    blobs: list[bytes] = []
    labels: list[int] = []
    for shard in _shards(source, prefix):
        table = pq.read_table(shard, columns=[source.column, "label"])
        blobs += [cell["bytes"] for cell in table.column(source.column).to_pylist()]
        labels += table.column("label").to_pylist()
    if choose is not None:
        rows = choose(len(labels))
        blobs, labels = [blobs[row] for row in rows], [labels[row] for row in rows]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        images = list(pool.map(lambda blob: _decode(blob, source), blobs, chunksize=64))
    return ArrayDataset(np.stack(images), np.asarray(labels, dtype=np.int64))


@lru_cache(maxsize=2)
def load(domain: str, split: Split) -> ArrayDataset:
    """One split of a domain's data set.

    ``train`` and ``held_out`` are a fixed, seeded 90/10 partition of the training set: every
    choice, early stop and attack is tuned on ``held_out``. ``report`` is MNIST's or CIFAR-10's
    test set or Imagenette's validation set and is for reporting only.

    Raises:
        DataUnavailable: no folder and no network.
    """
    source = SOURCES[domain]
    if split == "report":
        return _read(source, source.report)
    whole = _read(source, "train")
    return whole.take(_rows(split, len(whole)))


def first(domain: str, split: Split, count: int) -> ArrayDataset:
    """The first pictures of a split, without decoding the others.

    Raises:
        DataUnavailable: no folder and no network.
    """
    source = SOURCES[domain]
    prefix = source.report if split == "report" else "train"
    return _read(source, prefix, lambda whole: _rows(split, whole)[:count])


def _rows(split: Split, whole: int) -> np.ndarray:
    """Rows of a split in its file, ascending."""
    if split == "report":
        return np.arange(whole)
    order = np.random.default_rng(SPLIT_SEED).permutation(whole)
    held_out = round(HELD_OUT_FRACTION * whole)
    return np.sort(order[:held_out] if split == "held_out" else order[held_out:])


ATTACKER_IMAGES = {"digits": 20_000, "objects": 20_000, "photographs": 4_000}
"""The last so many of the training split belong to the attackers of defenses with codecs of their own."""


def codec_share(domain: str) -> ArrayDataset:
    """The training pictures of codecs that their attackers must not have trained on: all but the last ones."""
    train = load(domain, "train")
    return train.take(np.arange(len(train) - ATTACKER_IMAGES[domain]))


def one(domain: str, index: int) -> tuple[Image.Image, int]:
    """One picture of the reporting split and its label, without decoding the others.

    Args:
        index: any integer; it wraps around at the size of the split.

    Raises:
        DataUnavailable: no folder and no network.
    """
    source = SOURCES[domain]
    files = [pq.ParquetFile(shard) for shard in _shards(source, source.report)]
    index %= sum(file.metadata.num_rows for file in files)
    for file in files:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if index < rows:
                table = file.read_row_group(group, columns=[source.column, "label"]).slice(index, 1)
                cell, label = table.column(source.column)[0].as_py(), table.column("label")[0].as_py()
                return Image.fromarray(_decode(cell["bytes"], source)), int(label)
            index -= rows
    raise DataUnavailable(f"The reporting split of {source.hub} is empty; fetch it again.")
