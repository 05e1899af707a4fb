"""One PDF page with selectable, tagged text and pictures; standard fonts, no library.

Written for one purpose (:mod:`semcom_core.report_page`): a page drawn by Pillow would be a picture that no screen
reader can read and no one can copy a number from. Structure elements (headings, paragraphs,
tables, figures with alternative texts), language and title are PDF 1.7, ISO 32000-1, 14.8.

Coordinates are points from the top left corner. Text is Helvetica in the Windows-1252
encoding; characters beyond it are replaced by what they are called or written as in any language (:func:`plain`).
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image

A4 = (595.28, 841.89)
Colour = tuple[float, float, float]
BLACK: Colour = (0.11, 0.15, 0.20)
_WORDS = {
    "σ": "sigma", "ε": "epsilon", "λ": "lambda", "τ": "tau", "β": "beta", "−": "–", "→": "->", "≥": ">=",
    "≤": "<=", "≈": "~", "∞": "inf", "₂": "2", "◇": "", "\u202f": "\u00a0", "\u2009": "\u00a0",
}  # fmt: skip
# Advance widths of Adobe's Helvetica and Helvetica-Bold (AFM), in thousandths of the size: codes 32 to 126.
_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 333 "
    "584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 "
    "333 611 556 778 556 556 500 389 280 389 584"
)
_OTHERS = {"‘": (222, 278), "’": (222, 278), "“": (333, 500), "”": (333, 500), "…": (1000, 1000), "–": (556, 556),
           "—": (1000, 1000), "·": (278, 278), "°": (400, 400), "«": (556, 556), "»": (556, 556), "×": (584, 584),
           "±": (584, 584), "œ": (944, 944), "Œ": (1000, 1000), "æ": (889, 889), "²": (333, 333), "•": (350, 350),
           "\u00a0": (278, 278)}  # fmt: skip
_WIDTHS = tuple(dict(zip(map(chr, range(32, 127)), map(int, row.split()), strict=True)) for row in (_REGULAR, _BOLD))


def plain(text: str) -> str:
    """The text in characters that the standard fonts have."""
    for character, word in _WORDS.items():
        text = text.replace(character, word)
    return text.encode("cp1252", "replace").decode("cp1252")


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line is, in points."""
    return sum(_advance(character, bold) for character in plain(text)) * size / 1000


def _advance(character: str, bold: bool) -> int:
    if character in _OTHERS:
        return _OTHERS[character][bold]
    base = unicodedata.normalize("NFD", character)[0]  # an accent adds no width
    return _WIDTHS[bold].get(base, 556)


def wrapped(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """The text in lines that fit into ``room`` points; a word that does not is broken."""
    lines, line = [], ""
    for word in plain(text).split(" "):
        while width(word, size, bold) > room:
            fits = next(n for n in range(len(word), 0, -1) if n == 1 or width(word[:n], size, bold) <= room)
            lines += [line, word[:fits]] if line else [word[:fits]]
            line, word = "", word[fits:]
        joined = f"{line} {word}" if line else word
        if width(joined, size, bold) > room:
            lines.append(line)
            joined = word
        line = joined
    return [*lines, line] if line else lines


@dataclass
class _Element:
    """A node of the structure tree: kids are other nodes, or numbers of marked content."""

    kind: str
    alt: str = ""
    kids: list[_Element | int] = field(default_factory=list)


class Page:
    """Draw on one A4 page, then :meth:`save`.

    Args:
        title: of the document; shown by viewers and read first by screen readers.
        language: code of the text's language ("en-GB").
        scale: makes everything smaller, about the top left corner.
    """

    def __init__(self, title: str, language: str, scale: float = 1.0) -> None:
        self._title, self._language = title, language
        self._content = [f"{scale:.4f} 0 0 {scale:.4f} 0 {A4[1] * (1 - scale):.3f} cm"]
        self._images: list[Image.Image] = []
        self._tree = _Element("Document")
        self._open = [self._tree]
        self._marks: list[_Element] = []

    @contextmanager
    def tag(self, kind: str, alt: str = "") -> Iterator[None]:
        """A structure element around what is drawn inside: H1, P, Table, TR, TH, TD, Figure, …"""
        element = _Element(kind, alt)
        self._open[-1].kids.append(element)
        self._open.append(element)
        yield
        self._open.pop()

    def text(self, x: float, y: float, words: str, size: float, *, bold: bool = False, colour: Colour = BLACK) -> None:
        """One line with its baseline at ``y``; part of the open element."""
        rgb = " ".join(f"{part:.3f}" for part in colour)
        drawn = (
            f"BT /{'B' if bold else 'R'} {size:g} Tf {rgb} rg {x:.2f} {A4[1] - y:.2f} Td {_string(plain(words))} Tj ET"
        )
        self._marked(drawn)

    def image(self, x: float, y: float, side: float, picture: Image.Image, alt: str) -> None:
        """A square picture with its top left corner at (x, y); enlarged without smoothing."""
        self._images.append(picture.convert("RGB"))
        with self.tag("Figure", alt):
            name = f"/I{len(self._images) - 1}"
            self._marked(f"q {side:.2f} 0 0 {side:.2f} {x:.2f} {A4[1] - y - side:.2f} cm {name} Do Q")

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle; decoration, not read aloud."""
        rgb = " ".join(f"{part:.3f}" for part in colour)
        self._content.append(
            f"/Artifact BMC {rgb} rg {x:.2f} {A4[1] - y - height:.2f} {width:.2f} {height:.2f} re f EMC"
        )

    def save(self) -> bytes:
        """The document's bytes: one page, no metadata but title and language."""
        document = _Document()
        catalog, pages, page, content, root = (document.reserve() for _ in range(5))
        fonts = [
            document.add(f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode())
            for name in ("Helvetica", "Helvetica-Bold")
        ]
        pictures = " ".join(f"/I{number} {_picture(document, one)} 0 R" for number, one in enumerate(self._images))
        owners: list[int] = [0] * len(self._marks)
        top = self._write(document, self._tree, root, page, owners)
        parents = document.add(f"<< /Nums [0 [{' '.join(f'{one} 0 R' for one in owners)}]] >>".encode())
        info = document.add(f"<< /Title {_unicode(self._title)} >>".encode())
        document.put(
            catalog,
            f"<< /Type /Catalog /Pages {pages} 0 R /Lang {_string(self._language)} /MarkInfo << /Marked true >> "
            f"/StructTreeRoot {root} 0 R /ViewerPreferences << /DisplayDocTitle true >> >>".encode(),
        )
        document.put(pages, f"<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>".encode())
        resources = f"/Font << /R {fonts[0]} 0 R /B {fonts[1]} 0 R >> /XObject << {pictures} >>"
        document.put(
            page,
            f"<< /Type /Page /Parent {pages} 0 R /MediaBox [0 0 {A4[0]} {A4[1]}] /Contents {content} 0 R "
            f"/StructParents 0 /Tabs /S /Resources << {resources} >> >>".encode(),
        )
        document.put(content, _stream("", "\n".join(self._content).encode("cp1252")))
        document.put(root, f"<< /Type /StructTreeRoot /K {top} 0 R /ParentTree {parents} 0 R >>".encode())
        return document.bytes(catalog, info)

    def _marked(self, drawn: str) -> None:
        element = self._open[-1]
        number = len(self._marks)
        element.kids.append(number)
        self._marks.append(element)
        self._content.append(f"/{element.kind} << /MCID {number} >> BDC {drawn} EMC")

    def _write(self, document: _Document, element: _Element, parent: int, page: int, owners: list[int]) -> int:
        """Add an element and its kids; the element's object number."""
        number, kids = document.reserve(), []
        for kid in element.kids:
            if isinstance(kid, int):
                owners[kid] = number
                kids.append(str(kid))
            else:
                kids.append(f"{self._write(document, kid, number, page, owners)} 0 R")
        alt = f" /Alt {_unicode(element.alt)}" if element.alt else ""
        head = f"<< /Type /StructElem /S /{element.kind} /P {parent} 0 R /Pg {page} 0 R"
        document.put(number, f"{head} /K [{' '.join(kids)}]{alt} >>".encode())
        return number


class _Document:
    """Numbered objects and their table."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def reserve(self) -> int:
        self._objects.append(b"")
        return len(self._objects)

    def put(self, number: int, body: bytes) -> None:
        self._objects[number - 1] = body

    def add(self, body: bytes) -> int:
        number = self.reserve()
        self.put(number, body)
        return number

    def bytes(self, catalog: int, info: int) -> bytes:
        out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
        for number, body in enumerate(self._objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        table, count = len(out), len(self._objects) + 1
        out += b"xref\n0 %d\n0000000000 65535 f \n" % count
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        out += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (count, catalog, info)
        return bytes(out + b"startxref\n%d\n%%%%EOF\n" % table)


def _picture(document: _Document, picture: Image.Image) -> int:
    header = f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height} "
    return document.add(_stream(header + "/ColorSpace /DeviceRGB /BitsPerComponent 8 ", picture.tobytes()))


def _stream(header: str, content: bytes) -> bytes:
    packed = zlib.compress(content)
    return f"<< {header}/Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"


def _unicode(text: str) -> str:
    """A text string outside of the page's content: UTF-16, so every character is kept."""
    return f"<feff{text.encode('utf-16-be').hex()}>"


def _string(text: str) -> str:
    """A literal string in the fonts' encoding; backslash and brackets are escaped."""
    return "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"
