"""Tensors as pictures that a browser shows sharply, and the strip for download."""

from __future__ import annotations

import io
import unicodedata

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

SHOWN, CARD = 448, 224
"""Sides of a picture, and of one on a card, which is not wider."""
_GAP, _TITLE = 24, 48


def to_pil(native: Tensor) -> Image.Image:
    """A picture (C,n,n) in [0,1] as an image of mode L or RGB."""
    pixels = (native.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def sharp(image: Image.Image, size: int = SHOWN) -> Image.Image:
    """Enlarged without smoothing: a browser would blur 28 pixels."""
    factor = max(size // max(image.size), 1)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def png(image: Image.Image) -> bytes:
    """For ``st.image``, which would spend four times as long on a file a few per cent smaller."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def strip(titled: list[tuple[str, Image.Image]]) -> bytes:
    """Pictures side by side under their titles, as PNG without any metadata."""
    pictures = [(title, sharp(image).convert("RGB")) for title, image in titled]
    width = sum(image.width for _, image in pictures) + _GAP * (len(pictures) + 1)
    height = max(image.height for _, image in pictures) + _TITLE + _GAP
    canvas = Image.new("RGB", (width, height), "white")
    draw, left = ImageDraw.Draw(canvas), _GAP
    for title, image in pictures:
        # Pillow's own font has no accented letters; French capitals may go without.
        title = "".join(one for one in unicodedata.normalize("NFD", title) if not unicodedata.combining(one))
        draw.text((left, _TITLE // 2), title, fill="#1B2733", font=ImageFont.load_default(20), anchor="lm")
        canvas.paste(image, (left, _TITLE))
        left += image.width + _GAP
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()
