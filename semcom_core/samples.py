"""The sample gallery: pictures that are always there, without data set or network.

Digits, objects and most photographs are drawn by code (:mod:`semcom_core.drawing`); the cat
Chelsea and the foreign photographs ship inside scikit-image. ``render`` gives a picture as a visitor would upload it,
so that samples take the same way through :meth:`semcom_core.domains.Domain.prepare` as uploads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from PIL import Image

from semcom_core.domains import DOMAINS
from semcom_core.drawing import digits, photographs, things
from semcom_core.images import to_rgb

DRAWN = "Drawn by this program."


@dataclass(frozen=True)
class Sample:
    """One picture of the gallery.

    Attributes:
        key: unique within the domain; used in URLs.
        title: for a person.
        label: index of the true class, ``None`` for a foreign picture.
        foreign: whether it is none of the domain's classes.
        credit: who made it and under which licence.
    """

    key: str
    title: str
    label: int | None
    foreign: bool
    credit: str


Entry = tuple[Sample, Callable[[], Image.Image]]


def samples(domain: str) -> tuple[Sample, ...]:
    """The gallery of a domain, the default sample first."""
    return tuple(sample for sample, _ in _gallery(domain).values())


def render(domain: str, key: str) -> Image.Image:
    """One picture of the gallery, RGB; the same pixels at every call.

    Raises:
        KeyError: there is no such sample.
    """
    return _gallery(domain)[key][1]()


@lru_cache(maxsize=len(DOMAINS))
def _gallery(domain: str) -> dict[str, Entry]:
    entries = {"digits": _digits, "objects": _objects, "photographs": _photographs}[domain]()
    return {entry[0].key: entry for entry in entries}


def _digits() -> list[Entry]:
    """Seven first: it is the default sample and the one that the lessons talk about."""
    entries: list[Entry] = []
    for hand, glyphs in digits.HANDS.items():
        for digit in (7, *(d for d in range(10) if d != 7)):
            sample = Sample(f"{hand}-{digit}", f"{digit}, {hand} hand", digit, False, DRAWN)
            entries.append((sample, partial(digits.clean, glyphs[str(digit)], digit)))
    for digit in range(10):
        sample = Sample(f"phone-{digit}", f"{digit}, as a phone sees it", digit, False, DRAWN)
        entries.append((sample, partial(digits.phone_photo, digit, 0)))
    for name, glyph in digits.FOREIGN.items():
        sample = Sample(f"foreign-{name.lower()}", f"no digit: {name}", None, True, DRAWN)
        entries.append((sample, partial(digits.clean, glyph, 3)))
    return entries


SKIMAGE_PHOTOGRAPHS = {
    # Only files inside the scikit-image wheel: nothing is downloaded.
    "chelsea": ("chelsea.png", "Chelsea the cat", "Stéfan van der Walt, CC0, from scikit-image."),
    "astronaut": ("astronaut.png", "Eileen Collins, astronaut", "NASA, public domain, from scikit-image."),
    "coffee": ("coffee.png", "Cup of coffee", "Rachel Michetti, CC0, from scikit-image."),
    "rocket": ("rocket.jpg", "Falcon 9 with DSCOVR", "SpaceX, public domain, from scikit-image."),
}


def _objects() -> list[Entry]:
    """Chelsea is no foreign picture here: cats are one of CIFAR-10's classes."""
    return _drawn_and_real("objects", things.GALLERY, {"chelsea": "cat"})


def _photographs() -> list[Entry]:
    return _drawn_and_real("photographs", photographs.GALLERY, {})


def _drawn_and_real(
    domain: str, gallery: Mapping[str, tuple[str, str, things.Draw]], known: dict[str, str]
) -> list[Entry]:
    """A drawn gallery, then scikit-image's photographs: of the class in ``known``, else foreign."""
    classes = DOMAINS[domain].classes
    entries: list[Entry] = []
    for key, (name, title, draw) in gallery.items():
        entries.append((Sample(key, title, classes.index(name), False, DRAWN), draw))
    for key, (file, title, credit) in SKIMAGE_PHOTOGRAPHS.items():
        label = classes.index(known[key]) if key in known else None
        entries.append((Sample(key, title, label, label is None, credit), partial(_skimage_file, file)))
    return entries


def _skimage_file(file: str) -> Image.Image:
    """A photograph from the installed scikit-image, read directly: its loader imports pooch."""
    import skimage

    with Image.open(Path(skimage.__file__).parent / "data" / file) as image:
        return to_rgb(image).copy()  # the file closes here
