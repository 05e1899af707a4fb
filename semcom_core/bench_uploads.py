"""``python -m semcom_core bench uploads``: thousands of damaged and hostile pictures through :mod:`semcom_core.images`.

Each file is either a picture afterwards or one clear sentence; anything else is an escape. The files are
mutations of real ones: every format that is read and most that are not, in every mode, animated, with
EXIF, as bombs. A seed gives the same files again, so an escape can be looked at by its number.
"""

from __future__ import annotations

import io
import json
import re
import resource
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from semcom_core.domains import DOMAINS
from semcom_core.images import MAX_BYTES, MAX_SIDE, PictureError, open_picture

Mutation = Callable[[np.random.Generator, bytes], bytes]
_ESCAPES_KEPT = 20
_LONGEST_SENTENCE = 200
_READABLE = 0.7
"""Share of the files that come from a format that is read: there the decoders are at work."""


@dataclass(frozen=True)
class UploadsReport:
    """What became of the files.

    Attributes:
        pictures, refused: files that became a picture, files that got their sentence.
        sentences: how often each kind of refusal was given, by its first words.
        mutations: how many files each mutation made.
        escapes: seed and number of files that did anything else, and what.
        p50_ms, p95_ms, longest_ms: wall time a file; longest_cpu_ms: processor time of the worst one.
        slowest: number and mutation of that one.
        peak_mb, grown_mb: largest resident memory of the process, and its growth since the start.
    """

    count: int
    seed: int
    pictures: int
    refused: int
    sentences: dict[str, int]
    mutations: dict[str, int]
    escapes: list[str]
    p50_ms: float
    p95_ms: float
    longest_ms: float
    longest_cpu_ms: float
    slowest: str
    peak_mb: float
    grown_mb: float


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@cache
def originals() -> dict[str, bytes]:
    """Small good files of every kind and mode, by name; drawn here."""
    random = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(48), np.arange(64))[..., None] * np.array([1, 2, 3])
    image = Image.fromarray((ramp + random.integers(0, 40, (48, 64, 1)) & 255).astype(np.uint8))
    deep = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x8825] = 6, "somewhere", {1: "N", 2: (52.0, 31.0, 0.0)}
    frames = [image.rotate(angle) for angle in (90, 180)]
    files = {f"png {mode}": _saved(image.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    files |= {f"jpeg {mode}": _saved(image.convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")}
    files |= {f"webp {mode}": _saved(image.convert(mode), "WEBP") for mode in ("RGB", "RGBA")}
    files |= {f"{kind} exif".lower(): _saved(image, kind, exif=exif) for kind in ("PNG", "JPEG", "WEBP")}
    files |= {
        f"{kind} animated".lower(): _saved(image, kind, save_all=True, append_images=frames) for kind in ("PNG", "WEBP")
    }
    files |= {kind.lower(): _saved(image, kind) for kind in ("GIF", "TIFF", "BMP", "PPM", "ICO", "TGA")}
    return files | {
        "png 16 bit": _saved(deep, "PNG"),
        "png palette with holes": _saved(image.convert("P"), "PNG", transparency=3),
        "png interlaced": _interlaced(),
        "jpeg progressive": _saved(image, "JPEG", progressive=True),
        "webp lossless": _saved(image, "WEBP", lossless=True),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/hostname'/></svg>",
        "html": b"<!doctype html><script>alert(1)</script><img src=x onerror=alert(1)>",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
        "zip": b"PK\x03\x04" + random.bytes(400),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(r) file run\n",
        "text": b"Dear teacher, this is no picture. " * 20,
    }


def _interlaced() -> bytes:
    """A PNG that says it is interlaced (Adam7) over data that are not."""
    return png_of(64, 48, zlib.compress(bytes(48 * (1 + 64 * 3))), interlace=1)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG with its right checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, data: bytes, depth: int = 8, colour: int = 2, interlace: int = 0,
           extra: bytes = b"") -> bytes:  # fmt: skip
    """A PNG that claims any size over any data."""
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    )


# Mutations: each takes a random generator and a good file


def _whole(random: np.random.Generator, data: bytes) -> bytes:
    return data


def _truncated(random: np.random.Generator, data: bytes) -> bytes:
    return data[: int(random.integers(0, len(data)))]


def _flipped(random: np.random.Generator, data: bytes) -> bytes:
    """Some bits of the whole file."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 24))):
        changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _head_damaged(random: np.random.Generator, data: bytes) -> bytes:
    """Bytes of the header, where sizes, modes and offsets are."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 6))):
        changed[int(random.integers(min(64, len(changed))))] = int(random.integers(256))
    return bytes(changed)


def _extreme_numbers(random: np.random.Generator, data: bytes) -> bytes:
    """Four bytes somewhere become 0, −1, or a huge number."""
    at = int(random.integers(max(1, len(data) - 4)))
    value = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff")[int(random.integers(4))]
    return data[:at] + value + data[at + 4 :]


def _cut_out(random: np.random.Generator, data: bytes) -> bytes:
    start, end = sorted(int(one) for one in random.integers(0, len(data), 2))
    return data[:start] + data[end:]


def _repeated(random: np.random.Generator, data: bytes) -> bytes:
    """A piece many times over, for instance a chunk or a scan."""
    start, end = sorted(int(one) for one in random.integers(0, len(data), 2))
    times = int(random.integers(2, 200))
    return (data[:start] + data[start:end] * times + data[end:])[: MAX_BYTES + 1]


def _spliced(random: np.random.Generator, data: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    other = list(originals().values())[int(random.integers(len(originals())))]
    return data[: int(random.integers(len(data)))] + other[int(random.integers(len(other))) :]


def _other_magic(random: np.random.Generator, data: bytes) -> bytes:
    """A file that says it is another kind: the wrong extension, in bytes."""
    magics = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x40\0\0\0WEBPVP8 ", b"GIF89a", b"BM", b"II*\0", b"")
    return magics[int(random.integers(len(magics)))] + data[int(random.integers(0, 12)) :]


def _tail(random: np.random.Generator, data: bytes) -> bytes:
    """Another file hidden behind the picture."""
    return data + random.bytes(int(random.integers(1, 4000)))


def _png_header_right(random: np.random.Generator, data: bytes) -> bytes:
    """Any size, depth and colour type that a PNG can claim, checksums right."""
    sides = (0, 1, 7, 8, 28, 300, 4472, 4473, 65535, 10**6, 2**31 - 1, 2**32 - 1)
    width, height = (sides[int(one)] for one in random.integers(len(sides), size=2))
    depth, colour = int(random.choice([1, 2, 4, 8, 16, 3])), int(random.choice([0, 2, 3, 4, 6, 5]))
    return png_of(width, height, zlib.compress(bytes(int(random.integers(1, 3_000_000)))), depth, colour,
                  int(random.integers(3)))  # fmt: skip


def _png_chunk_bomb(random: np.random.Generator, data: bytes) -> bytes:
    """A small picture with a compressed chunk that unpacks to up to 100 MB."""
    packed = zlib.compress(bytes(int(random.integers(1, 100_000_000))), 9)
    kind, head = ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0"))[int(random.integers(3))]
    rows = zlib.compress(bytes(40 * (1 + 40 * 3)))
    return png_of(40, 40, rows, extra=png_chunk(kind, head + packed) * int(random.integers(1, 4)))


def _png_data_bomb(random: np.random.Generator, data: bytes) -> bytes:
    """Data that unpack to far more than the picture needs."""
    return png_of(40, 40, zlib.compress(bytes(int(random.integers(10_000, 60_000_000))), 9))


def _large(random: np.random.Generator, data: bytes) -> bytes:
    """A true picture of up to a little over the limit of 20 million pixels, one colour: small as a file."""
    width = int(random.choice([300, 1500, 4400]))
    height = int(random.choice([300, 1500, 4600]))
    mode = ("1", "L", "RGB", "RGBA")[int(random.integers(4))]
    kind = "PNG" if mode != "RGB" else ("PNG", "JPEG", "WEBP")[int(random.integers(3))]
    return _saved(Image.new(mode, (width, height)), kind)


def _strip(random: np.random.Generator, data: bytes) -> bytes:
    """Very narrow pictures."""
    sides = [int(random.integers(1, 12)), int(random.integers(1, 3000))]
    random.shuffle(sides)
    return _saved(Image.new("RGB", tuple(sides)), "PNG")


def _jpeg_scans(random: np.random.Generator, data: bytes) -> bytes:
    """A JPEG with many scans."""
    good = originals()["jpeg progressive"]
    at = good.index(b"\xff\xda")
    return good[:at] + good[at:-2] * int(random.integers(2, 400)) + good[-2:]


def _noise(random: np.random.Generator, data: bytes) -> bytes:
    return random.bytes(int(random.integers(0, 3000)))


MUTATIONS: dict[str, tuple[Mutation, float]] = {
    "whole": (_whole, 0.03),
    "truncated": (_truncated, 0.12),
    "flipped bits": (_flipped, 0.16),
    "damaged header": (_head_damaged, 0.14),
    "extreme numbers": (_extreme_numbers, 0.12),
    "cut out": (_cut_out, 0.07),
    "repeated": (_repeated, 0.06),
    "spliced": (_spliced, 0.07),
    "other magic": (_other_magic, 0.06),
    "hidden tail": (_tail, 0.02),
    "png, any header": (_png_header_right, 0.05),
    "png, chunk bomb": (_png_chunk_bomb, 0.01),
    "png, data bomb": (_png_data_bomb, 0.01),
    "large": (_large, 0.02),
    "strip": (_strip, 0.02),
    "jpeg, many scans": (_jpeg_scans, 0.01),
    "noise": (_noise, 0.03),
}
"""Each mutation with its share of the files."""


def mutated(seed: int, number: int) -> tuple[str, bytes]:
    """File ``number`` of a seed: the mutation's name and the bytes."""
    random = np.random.default_rng((seed, number))
    shares = np.array([share for _, share in MUTATIONS.values()])
    name = list(MUTATIONS)[int(random.choice(len(shares), p=shares / shares.sum()))]
    readable = random.random() < _READABLE
    names = [one for one in originals() if not readable or one.startswith(("png", "jpeg", "webp"))]
    kind = names[int(random.integers(len(names)))]
    return f"{name} ({kind})", MUTATIONS[name][0](random, originals()[kind])


def opened(data: bytes, domain: str = "digits") -> tuple[str, str]:
    """``("picture", "")``, ``("refused", sentence)``, or ``("escape", what)`` for anything that must not be.

    Args:
        domain: whose preparation a picture goes through; it may refuse, too (no handwriting in it).
    """
    try:
        picture = open_picture(data)
        image = picture.image
        if image.mode != "RGB" or max(image.size) > MAX_SIDE or min(image.size) < 1 or image.info:
            return "escape", f"picture of mode {image.mode}, size {image.size}, info {list(image.info)}"
        native = DOMAINS[domain].prepare(image).native
        if not (bool(native.isfinite().all()) and 0.0 <= float(native.min()) and float(native.max()) <= 1.0):
            return "escape", "a prepared picture outside [0,1]"
    except PictureError as refusal:
        sentence = str(refusal)
        if sentence.endswith(".") and "\n" not in sentence and 20 < len(sentence) < _LONGEST_SENTENCE:
            return "refused", sentence
        return "escape", f"no clear sentence: {sentence!r}"
    except Exception as error:
        return "escape", f"{type(error).__name__}: {error}"
    return "picture", ""


def bench(count: int, seed: int = 0, progress: Callable[[Iterator[int]], Iterator[int]] = iter) -> UploadsReport:
    """Open ``count`` mutated files one after another.

    Raises:
        ValueError: no files were asked for.
    """
    if count < 1:
        raise ValueError(f"--count must be at least 1, not {count}.")
    outcomes: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    escapes: list[str] = []
    wall, worst, slowest = [], 0.0, ""
    started_mb = _peak_mb()
    for number in progress(iter(range(count))):
        name, data = mutated(seed, number)
        began, processor = time.perf_counter(), time.thread_time()
        outcome, said = opened(data, list(DOMAINS)[number % len(DOMAINS)])
        wall.append(1e3 * (time.perf_counter() - began))
        if (spent := 1e3 * (time.thread_time() - processor)) > worst:
            worst, slowest = spent, f"file {number}: {name}, {len(data)} bytes, {outcome}"
        outcomes[outcome] += 1
        kinds[name.partition(" (")[0]] += 1
        if outcome == "refused":
            sentences[" ".join(re.sub(r"[0-9][0-9.]*", "…", said).split()[:5])] += 1
        elif outcome == "escape" and len(escapes) < _ESCAPES_KEPT:
            escapes.append(f"seed {seed}, file {number}, {name}: {said}")
    p50, p95, longest = np.percentile(wall, [50, 95, 100])
    peak = _peak_mb()
    return UploadsReport(
        count, seed, outcomes["picture"], outcomes["refused"], dict(sentences.most_common()), dict(kinds.most_common()),
        escapes, round(float(p50), 2), round(float(p95), 2), round(float(longest), 1), round(worst, 1), slowest,
        round(peak, 1), round(peak - started_mb, 1),
    )  # fmt: skip


def _peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def table(report: UploadsReport) -> str:
    """The report for a person."""
    lines = [
        f"{report.count:,} mutated uploads, seed {report.seed}",
        f"  became a picture {report.pictures:>10,}",
        f"  got a sentence   {report.refused:>10,}",
        f"  escaped          {len(report.escapes):>10,}",
        *(f"    {escape}" for escape in report.escapes),
        f"  a file: p50 {report.p50_ms:.2f} ms, p95 {report.p95_ms:.2f} ms, longest {report.longest_ms:.0f} ms",
        f"  most processor time {report.longest_cpu_ms:.0f} ms ({report.slowest})",
        f"  peak memory {report.peak_mb:.0f} MB, {report.grown_mb:.0f} MB more than at the start",
        "  refusals",
        *(f"    {number:>7,}  {said} …" for said, number in report.sentences.items()),
    ]
    return "\n".join(lines)


def main(count: int, seed: int = 0, file: Path | None = None) -> None:
    """Run, print a table, write ``file`` as JSON if given.

    Raises:
        ValueError: see :func:`bench`.
    """
    import warnings

    from tqdm import tqdm

    warnings.filterwarnings("ignore", module="PIL")  # of this process, which is the test's own
    report = bench(count, seed, lambda numbers: tqdm(numbers, total=count, unit="file"))
    print(table(report))
    if file:
        file.write_text(json.dumps(asdict(report), indent=2) + "\n")
