"""Pictures that name their student, and what the page must show of them.

Each upload is drawn from the student's own number and a counter: a stroke that no other student has,
so that a picture on the page says whose it is. What a page must show is computed here from the file's
bytes, in this process: the server has no part in it.
"""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from semcom_core import link, samples
from semcom_core.domains import DOMAINS
from semcom_core.images import open_picture

_SIDE, _POINTS, _WIDTH = 160, 6, 13


def drawing(student: int, number: int) -> bytes:
    """A PNG of one thick coloured stroke on white: handwriting to the digits' link, a picture to the others."""
    random = np.random.default_rng((student, number))
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    points = [tuple(map(int, point)) for point in random.integers(24, _SIDE - 24, (_POINTS, 2))]
    ink = tuple(map(int, random.integers(0, 90, 3)))
    ImageDraw.Draw(image).line(points, ink, _WIDTH, "curve")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def shown_pixels(picture: bytes, side: int) -> np.ndarray:
    """A picture of the page (enlarged by a whole factor) at its own size, uint8 (side,side[,3]).

    Raises:
        ValueError: it has another shape.
    """
    with Image.open(io.BytesIO(picture)) as image:
        factor = image.width // side
        if image.size != (factor * side, factor * side):
            raise ValueError(f"a picture of {image.size} was not enlarged from {side} pixels")
        return np.asarray(image)[factor // 2 :: factor, factor // 2 :: factor].copy()


def pixels(native: np.ndarray) -> np.ndarray:
    """A prepared or received picture (C,n,n) in [0,1] as the page rounds it."""
    whole = np.rint(np.clip(native, 0.0, 1.0) * np.float32(255.0)).astype(np.uint8).transpose(1, 2, 0)
    return whole[..., 0] if whole.shape[-1] == 1 else whole


def fingerprint(picture: np.ndarray) -> str:
    """Names a picture's pixels."""
    return hashlib.sha256(picture.tobytes()).hexdigest()[:16]


@lru_cache(maxsize=512)
def sample_native(domain: str, key: str) -> np.ndarray:
    """A gallery picture as the link sends it, (C,n,n)."""
    return DOMAINS[domain].prepare(samples.render(domain, key)).native.numpy()


@lru_cache(maxsize=512)
def upload_native(domain: str, student: int, number: int) -> np.ndarray:
    """A student's upload as the link sends it, (C,n,n)."""
    return DOMAINS[domain].prepare(open_picture(drawing(student, number)).image).native.numpy()


def sample_keys(domain: str) -> list[str]:
    """The gallery in the page's order."""
    return [one.key for one in samples.samples(domain)]


def live_pairs() -> list[tuple[str, str]]:
    """Every domain with every defense that a visitor can choose there."""
    return [(domain, defense) for domain in DOMAINS for defense in link.trained_defenses(domain)]
