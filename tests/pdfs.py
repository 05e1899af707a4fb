"""Read a PDF far enough to test it: its table of objects, its pages, its text. Nothing of the writer is used."""

from __future__ import annotations

import re
import zlib


class Pdf:
    """A document, checked while it is read.

    Attributes:
        pages: how many.
        text: lines of text in the order of drawing, one a line.
        joined: the same in one line, as it was before wrapping.
        everything: all streams unpacked, and the objects.
    """

    def __init__(self, raw: bytes) -> None:
        assert raw.startswith(b"%PDF-1.") and raw.rstrip().endswith(b"%%EOF")
        self.raw = raw
        self.objects = self._objects()
        for number in map(int, re.findall(rb"(\d+) 0 R", b"".join(self.objects.values()))):
            assert number in self.objects, f"object {number} is missing"
        self.pages = len([one for one in self.objects.values() if re.search(rb"/Type /Page\b(?!s)", one)])
        self.streams = [self._unpacked(one) for one in self.objects.values() if b"stream\n" in one]
        self.everything = b"".join((*self.objects.values(), *self.streams))
        drawn = next(one for one in self.streams if b" Tj " in one)
        lines = re.findall(rb"\(((?:\\.|[^\\()])*)\) Tj", drawn)
        self.text = "\n".join(re.sub(rb"\\(.)", rb"\1", line).decode("cp1252") for line in lines)
        self.joined = self.text.replace("\n", " ")

    @property
    def alternatives(self) -> list[str]:
        """Alternative texts of the figures."""
        found = re.findall(rb"/Alt <feff([0-9a-f]*)>", b"".join(self.objects.values()))
        return [bytes.fromhex(one.decode()).decode("utf-16-be") for one in found]

    def _objects(self) -> dict[int, bytes]:
        start = int(re.search(rb"startxref\n(\d+)\n", self.raw)[1])
        assert self.raw[start : start + 5] == b"xref\n"
        count = int(re.match(rb"xref\n0 (\d+)\n", self.raw[start:])[1])
        places = [int(one) for one in re.findall(rb"(\d{10}) 00000 n \n", self.raw[start:])]
        assert len(places) == count - 1
        found = {}
        for number, place in enumerate(places, 1):
            head = b"%d 0 obj\n" % number
            assert self.raw[place : place + len(head)] == head, f"the table misses object {number}"
            found[number] = self.raw[place + len(head) : self.raw.index(b"\nendobj\n", place)]
        return found

    @staticmethod
    def _unpacked(one: bytes) -> bytes:
        length = int(re.search(rb"/Length (\d+)", one)[1])
        start = one.index(b"stream\n") + len(b"stream\n")
        assert one[start + length :] == b"\nendstream"
        return zlib.decompress(one[start : start + length])
