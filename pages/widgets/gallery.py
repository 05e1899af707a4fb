"""Thumbnails of the samples: drawing all photographs takes seconds, and a visitor should not wait.

The drawn ones are ready-made, one strip a domain in the order of :func:`drawn`. After a change
of the drawings, ``python -m pages.widgets.gallery`` makes the strips again (a test says when).
Pictures that are not ours are only ever read from their installed package.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from semcom_core import samples
from semcom_core.domains import DOMAINS

SIDE = 56
FOLDER = Path(__file__).parent / "thumbnails"


@lru_cache(maxsize=len(DOMAINS))
def gallery(domain: str) -> dict[str, str]:
    """A Markdown image for each sample's button, by key; its alternative text is the button's name."""
    strip = Image.open(FOLDER / f"{domain}.webp")
    ready = {one.key: thumbnail(strip, number) for number, one in enumerate(drawn(domain))}
    return {
        one.key: _markdown(ready.get(one.key) or _small(domain, one.key), one.title) for one in samples.samples(domain)
    }


def drawn(domain: str) -> list[samples.Sample]:
    """The samples that this program draws; only these have their thumbnails in the repository."""
    return [one for one in samples.samples(domain) if one.credit == samples.DRAWN]


def thumbnail(strip: Image.Image, number: int) -> Image.Image:
    """One picture of a strip."""
    return strip.crop((number * SIDE, 0, (number + 1) * SIDE, SIDE))


def draw(domain: str) -> Image.Image:
    """The strip of a domain, from the drawings themselves."""
    catalogue = drawn(domain)
    strip = Image.new("RGB", (SIDE * len(catalogue), SIDE))
    for number, one in enumerate(catalogue):
        strip.paste(_small(domain, one.key), (number * SIDE, 0))
    return strip


def _small(domain: str, key: str) -> Image.Image:
    image = samples.render(domain, key).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))


def _markdown(image: Image.Image, title: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=85)
    return f"![{title}](data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()})"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in DOMAINS:
        draw(name).save(FOLDER / f"{name}.webp", quality=85)
