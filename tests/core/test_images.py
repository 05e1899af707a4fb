"""Uploads: any bytes give a bounded RGB picture or one clear sentence, and nothing else."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semcom_core.images import MAX_BYTES, MAX_SIDE, PictureError, open_picture, to_rgb


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    return Image.fromarray(ramp).convert(mode)


def sentence(data: bytes) -> str:
    """The message of the refusal, checked to be one sentence."""
    with pytest.raises(PictureError) as refusal:
        open_picture(data)
    message = str(refusal.value)
    assert message.endswith(".") and "\n" not in message and 20 < len(message) < 160
    return message


def png_header(width: int, height: int, depth: int = 8, colour: int = 2, body: bytes = b"") -> bytes:
    """A PNG that claims any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I"])
def test_every_mode_of_every_format(kind: str, mode: str) -> None:
    if mode in {"I;16", "I"}:
        image = Image.fromarray(np.full((30, 40), 300, np.uint16 if mode == "I;16" else np.int32))
    else:
        image = gradient(mode=mode)
    try:
        data = encode(image, kind)
    except (OSError, ValueError):
        pytest.skip(f"{kind} has no mode {mode}")
    picture = open_picture(data).image
    assert picture.mode == "RGB" and picture.size == (40, 30)


def test_deep_grey_is_scaled_not_clipped() -> None:
    ramp = np.tile(np.linspace(0, 65535, 64), (16, 1))
    for picture in (open_picture(encode(Image.fromarray(ramp.astype(np.uint16)))).image,
                    to_rgb(Image.fromarray(ramp.astype(np.int32)))):  # fmt: skip
        assert np.abs(np.asarray(picture, dtype=float)[..., 0] - np.linspace(0, 255, 64)).max() <= 1


def test_float_pictures() -> None:
    ramp = np.tile(np.linspace(0, 1, 64), (16, 1)).astype(np.float32)
    assert np.asarray(to_rgb(Image.fromarray(ramp))).max() == 255
    ramp[0, 0] = np.nan
    assert to_rgb(Image.fromarray(ramp)).mode == "RGB"


def test_transparency_becomes_white() -> None:
    clear = Image.new("RGBA", (20, 20), (10, 20, 30, 0))
    assert np.asarray(open_picture(encode(clear)).image).min() == 255
    half = Image.new("LA", (20, 20), (0, 128))
    assert abs(int(np.asarray(open_picture(encode(half)).image).mean()) - 127) <= 1
    palette = gradient(mode="P")
    palette.putpixel((0, 0), 7)
    pixel = open_picture(encode(palette, transparency=7)).image.getpixel((0, 0))
    assert pixel == (255, 255, 255)
    keyed = Image.new("RGB", (20, 20), (1, 2, 3))
    assert open_picture(encode(keyed, transparency=(1, 2, 3))).image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_exif_orientation_is_applied_and_all_metadata_dropped(kind: str, orientation: int) -> None:
    upright = Image.new("RGB", (40, 24), (20, 20, 20))
    upright.paste((240, 60, 60), (0, 0, 20, 12))  # red: top left
    inverse = [
        None,
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ][orientation]
    stored = upright if inverse is None else upright.transpose(inverse)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x8825] = orientation, "at home", {1: "N"}
    picture = open_picture(encode(stored, kind, exif=exif)).image
    assert picture.size == (40, 24)
    assert picture.getpixel((8, 5))[0] > 200 and picture.getpixel((32, 18))[0] < 60
    assert picture.info == {} and len(picture.getexif()) == 0 and not hasattr(picture, "filename")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_ignored() -> None:
    data = encode(gradient(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12" * 20)
    assert open_picture(data).image.size == (40, 30)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animation_gives_its_first_frame_and_a_note(kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    picture = open_picture(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert picture.image.getpixel((10, 10))[0] > 200 and "first frame" in picture.notes[0]
    assert open_picture(encode(frames[0], kind)).notes == ()


@pytest.mark.parametrize("size", [(3000, 2000), (2000, 3000), (1025, 100), (5000, 400)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_large_pictures_are_reduced(kind: str, size: tuple[int, int]) -> None:
    picture = open_picture(encode(Image.new("RGB", size, (10, 200, 30)), kind)).image
    assert max(picture.size) <= MAX_SIDE and max(picture.size) > MAX_SIDE // 2
    assert abs(picture.width / picture.height - size[0] / size[1]) < 0.02 * size[0] / size[1]
    assert abs(picture.getpixel((5, 5))[1] - 200) < 6


def test_wrong_extension_does_not_matter() -> None:
    """There is no file name to believe: a WebP that was called .png is a WebP."""
    assert open_picture(encode(gradient(), "WEBP")).image.size == (40, 30)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><svg/>", "SVG"),
        (encode(gradient(), "GIF"), "GIF"),
        (encode(gradient(), "TIFF"), "TIFF"),
        (encode(gradient(), "BMP"), "BMP"),
        (b"PK\x03\x04" + bytes(30), "ZIP"),
        (b"\xff\x0a" + bytes(30), "JPEG XL"),
        (b"Dear teacher, this is no picture.", "not a picture"),
        (b"\x7fELF" + bytes(200), "not a picture"),
        (bytes(1000), "not a picture"),
        (encode(gradient())[:8], "not a picture"),
        (encode(gradient())[:-60], "damaged"),
        (encode(gradient(), "JPEG")[:400], "damaged"),
        (encode(gradient(200, 200), "WEBP")[:120], "damaged"),
        (encode(gradient(), "JPEG")[:-200], "damaged"),
        (encode(Image.new("RGB", (1, 1))), "1×1"),
        (encode(Image.new("RGB", (300, 7))), "300×7"),
        (encode(Image.new("RGB", (1000, 10))), "narrow strip"),
        (png_header(5000, 4001), "5000×4001"),
        (png_header(20_000, 20_000), "pixels"),
        (png_header(2**31 - 1, 2**31 - 1), "pixels"),
        (bytes(MAX_BYTES + 1), "8 MB"),
        (b"\xff\xd8\xff" + b"\xff\xda\0\x08" * 5000, "unusual"),
    ],
)  # fmt: skip
def test_every_bad_upload_has_its_sentence(data: bytes, named: str) -> None:
    assert named in sentence(data)


def test_picture_of_the_wrong_checksum() -> None:
    data = bytearray(encode(gradient()))
    data[20] ^= 1  # in IHDR
    sentence(bytes(data))


def test_decompression_bomb_in_a_text_chunk() -> None:
    image = encode(gradient())
    bomb = b"Comment\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(bomb)) + b"zTXt" + bomb + struct.pack(">I", zlib.crc32(b"zTXt" + bomb))
    try:
        assert open_picture(image[:33] + chunk + image[33:]).image.size == (40, 30)
    except PictureError:
        pass  # refusing it is as good


BOUNDED = """
import resource, sys
from semcom_core.images import PictureError, open_picture
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    open_picture(sys.stdin.buffer.read())
except PictureError as refusal:
    print("refused")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def memory(data: bytes) -> tuple[bool, int]:
    """Whether a fresh process refuses the upload, and by how many MB its peak memory grows."""
    done = subprocess.run([sys.executable, "-c", BOUNDED], input=data, capture_output=True, check=True)
    *refused, grown = done.stdout.decode().split()
    return bool(refused), int(grown)


def test_memory_of_refused_pictures_is_not_spent() -> None:
    whole = Image.new("1", (20_000, 20_000))
    for bomb in (encode(whole), png_header(20_000, 20_000, body=bytes(3_000_000)), png_header(5000, 4100)):
        refused, grown = memory(bomb)
        assert refused and grown < 40


@pytest.mark.parametrize("mode", ["RGBA", "L"])
def test_memory_of_the_largest_accepted_picture_is_bounded(mode: str) -> None:
    refused, grown = memory(encode(Image.new(mode, (5000, 4000))))
    assert not refused and grown < 350


@pytest.mark.filterwarnings("ignore:Image size")
def test_global_switches_stay_untouched() -> None:
    import warnings

    from PIL import ImageFile

    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    open_picture(encode(gradient()))
    sentence(png_header(12_000, 10_000))  # between Pillow's warning and its error
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


FORMATS = st.sampled_from([("PNG", m) for m in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
                          + [("JPEG", m) for m in ("L", "RGB", "CMYK")] + [("WEBP", m) for m in ("RGB", "RGBA")]
                          + [("GIF", "P"), ("TIFF", "RGB"), ("TIFF", "F"), ("BMP", "RGB"), ("PPM", "RGB")])  # fmt: skip


def any_file(kind_mode: tuple[str, str], width: int, height: int, seed: int) -> bytes:
    kind, mode = kind_mode
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if mode == "I;16":
        return encode(Image.fromarray(noise[..., 0].astype(np.uint16) * 257), kind)
    return encode(Image.fromarray(noise).convert(mode), kind)


def picture_or_sentence(data: bytes) -> None:
    try:
        picture = open_picture(data).image
    except PictureError:
        return
    assert picture.mode == "RGB" and 1 <= min(picture.size) and max(picture.size) <= MAX_SIDE


@settings(max_examples=80, deadline=None)
@given(FORMATS, st.integers(1, 1400), st.integers(1, 60), st.integers(0, 99))
def test_any_picture(kind_mode: tuple[str, str], width: int, height: int, seed: int) -> None:
    picture_or_sentence(any_file(kind_mode, width, height, seed))


@settings(max_examples=300, deadline=None)
@given(FORMATS, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12), st.floats(0.2, 1))
def test_any_damage(kind_mode: tuple[str, str], changes: list[tuple[float, int]], kept: float) -> None:
    data = bytearray(any_file(kind_mode, 24, 18, 0))
    for where, value in changes:
        data[min(int(where * where * len(data)), len(data) - 1)] = value  # headers more often than pixels
    picture_or_sentence(bytes(data[: max(1, int(kept * len(data)))]))
    picture_or_sentence(bytes(data))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x20\0\0\0WEBPVP8 "]),
    st.binary(max_size=300),
)
def test_any_bytes(magic: bytes, rest: bytes) -> None:
    picture_or_sentence(magic + rest)
