"""An untrusted upload -> a safe picture.

Whatever arrives is judged by its bytes, never by its name: format by magic number, size by the
header *before* anything is decoded. What leaves is a plain RGB picture of at most 1024 pixels
a side with nothing attached: no EXIF, no position, no file name.

Nothing here touches Pillow's global switches (``MAX_IMAGE_PIXELS``, ``LOAD_TRUNCATED_IMAGES``)
or Python's warning filters, all of which are shared by every session of a server.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 20_000_000
MIN_SIDE = 8
MAX_SIDE = 1024
MAX_ASPECT = 20
MAX_JPEG_SCANS = 100
"""Progressive JPEGs have about ten; thousands are an attack on decoding time."""

ACCEPTED = ("PNG", "JPEG", "WEBP")
SAVE_AS = "save it as JPEG or PNG and upload that"
FRAME_NOTE = "Animated picture: only its first frame is used."

_ONE_AT_A_TIME = threading.Lock()
"""Thirty students who upload at once cost the decoding memory of one."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_FOREIGN_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"II+\0", "a TIFF picture"),
    (b"MM\0+", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"8BPS", "a Photoshop picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
)


class PictureError(ValueError):
    """A picture cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Picture:
    """A decoded upload.

    Attributes:
        image: mode RGB, each side 8 to 1024 pixels where the aspect allows, no metadata.
        notes: sentences for the visitor about what was changed.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()


def open_picture(data: bytes) -> Picture:
    """Decode an upload: PNG, JPEG or WebP, any mode, upright, transparent parts on white.

    Peak memory is bounded by 20 million pixels (measured: up to 270 MB, 410 MB for WebP with
    transparency) and by decoding one picture at a time.

    Raises:
        PictureError: everything else, and everything broken.
    """
    _check_kind(data)
    with _ONE_AT_A_TIME:
        try:
            return _decode(data)
        except PictureError:
            raise
        except UnidentifiedImageError:
            raise PictureError(
                "This file is not a picture that can be read here: upload a PNG, JPEG or WebP picture."
            ) from None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PictureError(_too_large("far too many")) from None
        except Exception:
            # Pillow's decoders meet hostile bytes here and answer with OSError, SyntaxError, ValueError,
            # struct.error, EOFError, zlib.error and others, by version. All mean the same to a visitor.
            raise PictureError(
                "This picture is damaged or incomplete: open it in an image viewer, save it again as PNG or JPEG, "
                "and upload that."
            ) from None


def _check_kind(data: bytes) -> None:
    """Refuse by size in bytes and by magic number, naming what it is."""
    if not data:
        raise PictureError("This file is empty: choose a PNG, JPEG or WebP picture.")
    if len(data) > MAX_BYTES:
        raise PictureError(
            f"This file has {len(data) / 2**20:.1f} MB, and the limit is {MAX_BYTES // 2**20} MB: "
            "make the picture smaller, or save it as JPEG."
        )
    head = data[:512]
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in {b"avif", b"avis"}:
            raise PictureError(f"This is an AVIF picture, which is not read here: {SAVE_AS}.")
        if brand in _HEIF_BRANDS:
            raise PictureError(f"This is a HEIC/HEIF picture, as iPhones make them: {SAVE_AS}.")
        raise PictureError("This is a video: upload a single PNG, JPEG or WebP picture.")
    for magic, kind in _FOREIGN_MAGIC:
        if head.startswith(magic):
            raise PictureError(f"This is {kind}, which is not read here: {SAVE_AS}.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in data[:4096].lower():
        raise PictureError(f"This is an SVG drawing, which is not read here: {SAVE_AS}.")
    if data[:3] == b"\xff\xd8\xff" and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise PictureError(f"This JPEG is built in an unusual way: {SAVE_AS}.")


def _decode(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=ACCEPTED) as image:
        _check_size(*image.size)  # from the header: nothing is decoded yet
        moving = image.format in {"PNG", "WEBP"} and getattr(image, "is_animated", False)
        if image.mode in {"L", "RGB", "CMYK"}:
            image.draft(None, (MAX_SIDE, MAX_SIDE))  # JPEG decodes at 1/2, 1/4 or 1/8 by itself
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        plain = to_rgb(image, MAX_SIDE)
    if turn is not None:
        plain = plain.transpose(turn)
    # A new picture from bare pixels: whatever hung on the old one stays behind.
    return Picture(Image.fromarray(np.array(plain)), (FRAME_NOTE,) if moving else ())


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(_too_large(f"{width}×{height}"))
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"This picture has only {width}×{height} pixels: use one with at least {MIN_SIDE} pixels on each side."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(f"This picture is a narrow strip of {width}×{height} pixels: crop it closer to a square.")


def _too_large(pixels: str) -> str:
    return (
        f"This picture has {pixels} pixels, and the limit is {MAX_PIXELS // 1_000_000} million: "
        "make it smaller (1000×1000 is plenty) and upload that."
    )


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) if there is none or it makes no sense."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF raises many types; the pixels are still good
        return 1


def to_rgb(image: Image.Image, max_side: int | None = None) -> Image.Image:
    """A picture of any Pillow mode as RGB: deep grey scaled to 8 bits, transparent parts on white.

    Args:
        image: any mode, loaded or not; it is not changed.
        max_side: reduce (antialiased) to at most this many pixels a side.
    """
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        image = _eight_bit(image)
    if image.has_transparency_data:
        image = _on_white(image)
    elif image.mode not in {"L", "RGB"}:
        image = image.convert(
            "L" if image.mode == "1" else "RGB"
        )  # before reducing: palettes and single bits cannot be averaged
    if max_side is not None and max(image.size) > max_side:
        image = image.copy() if image.size[0] * image.size[1] < 4 * max_side**2 else _reduced(image, max_side)
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return image if image.mode == "RGB" else image.convert("RGB")


def _reduced(image: Image.Image, max_side: int) -> Image.Image:
    """Box-average by a whole factor first: cheap in memory, and still twice the wanted size."""
    return image.reduce(max(1, max(image.size) // (2 * max_side)))


def _on_white(image: Image.Image) -> Image.Image:
    image = image if image.mode in {"LA", "RGBA"} else image.convert("RGBA")
    mode = "L" if image.mode == "LA" else "RGB"
    flat = Image.new(mode, image.size, "white")
    flat.paste(image.convert(mode), mask=image.getchannel("A"))
    return flat


def _eight_bit(image: Image.Image) -> Image.Image:
    """Deep grey (16- or 32-bit integers, floats) to L: 65535 -> 255 and 1.0 -> 255.

    Modes I and F do not say what white is: integers above 255 are 16-bit, floats above 1 are 8-bit,
    anything beyond is scaled so that its maximum is white.
    """
    values = np.asarray(image)
    if values.dtype.itemsize == 2:
        return Image.fromarray((values >> 8).astype(np.uint8))  # in place of floats: 20 MP must stay small
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(values.max(initial=0))
    limits = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    white = next((limit for limit in limits if peak <= limit), peak)
    scaled = values * np.float32(255.0 / white)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
