"""Parquet shards in the layout of the data sets, with drawn pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from semcom_core.datasets import SOURCES


def drawn(number: int, size: tuple[int, int], mode: str) -> Image.Image:
    """A picture that its number can be told from: the first pixel holds it."""
    image = Image.new("L", size, 20)
    ImageDraw.Draw(image).ellipse((5, 5, 9 + number % 11, 15), fill=200)
    image.putpixel((0, 0), number % 256)
    image.putpixel((1, 0), number // 256)
    return image.convert(mode)


def write_shards(folder: Path, domain: str, prefix: str, count: int, shards: int = 2, size: int | None = None) -> None:
    source = SOURCES[domain]
    side = size or source.size
    folder = folder / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    for shard, numbers in enumerate(np.array_split(np.arange(count), shards)):
        cells = []
        for number in numbers:
            blob = io.BytesIO()
            drawn(int(number), (side, side), source.mode).save(blob, "PNG")
            cells.append({"bytes": blob.getvalue(), "path": None})
        labels = pa.array((numbers % 10).tolist(), pa.int64())
        pq.write_table(
            pa.table({source.column: cells, "label": labels}), folder / f"{prefix}-{shard:05d}-of-{shards:05d}.parquet"
        )
