"""The lessons, read from ``data/*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from semcom_core import samples
from semcom_core.settings import LinkSettings

FOLDER = Path(__file__).parent / "data"
LIVE_LINK = "live_link"


@dataclass(frozen=True)
class Claim:
    """A statement about the numbers of an experiment.

    Attributes:
        key: names its sentences, one if it holds and one if it does not.
        kind: a name of :data:`semcom_core.lessons.claims.CLAIMS`.
        about: what that kind compares: names of numbers, limits.
    """

    key: str
    kind: str
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Lookup:
    """A number out of a ``results.json``.

    Attributes:
        name: under which the lesson knows it.
        model: which file, as ``<domain>/<model>``.
        table: list of rows within the file.
        where: fields that its row has.
        value: the field to read; dots lead into tables.
    """

    name: str
    model: str
    table: str
    where: Mapping[str, Any]
    value: str


@dataclass(frozen=True)
class Link:
    """A way to a prepared page.

    Attributes:
        key: names its words.
        page: file name of the page without its ending.
        query: its query parameters.
        settings: what they stand for, where the page is the live link.
    """

    key: str
    page: str
    query: Mapping[str, str]
    settings: LinkSettings | None = None


@dataclass(frozen=True)
class Lesson:
    """One lesson without its words.

    Attributes:
        number: from 1, in the order of teaching.
        minutes: a class needs for it.
        domain, sample, known: pictures of the gallery; ``known`` is the one that an attacker knows.
        experiment: a name of :data:`semcom_core.lessons.experiments.EXPERIMENTS`.
        parameters: what that experiment takes besides the runs.
        runs: links that it transmits over, by name.
        shots, columns: pictures of the reveal, in order, as ``<run>.<party>``, and how many a line.
        claims: the first one decides whether ``answer`` is right.
        options: of the question, in order.
        answer: the right one if the first claim holds.
        measured: numbers over many pictures.
        links: where to go on; the first one is the prepared page.
    """

    key: str
    number: int
    minutes: int
    domain: str
    sample: str
    experiment: str
    runs: Mapping[str, LinkSettings]
    shots: tuple[str, ...]
    claims: tuple[Claim, ...]
    options: tuple[str, ...]
    answer: str
    links: tuple[Link, ...]
    columns: int = 4
    known: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    measured: tuple[Lookup, ...] = ()

    def again(self, times: int) -> Lesson:
        """The same lesson with other noise: every seed is moved on."""
        runs = {name: replace(one, seed=(one.seed + times) % 2**31) for name, one in self.runs.items()}
        return replace(self, runs=runs)


@cache
def lessons() -> dict[str, Lesson]:
    """All lessons by key, in order.

    Raises:
        ValueError: a file is incomplete or names what does not exist.
    """
    found = sorted((_read(file) for file in FOLDER.glob("*.toml")), key=lambda one: one.number)
    if [one.number for one in found] != list(range(1, len(found) + 1)):
        raise ValueError("The lessons must be numbered 1, 2, 3, … without a gap.")
    return {one.key: one for one in found}


def _read(file: Path) -> Lesson:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    try:
        return _lesson(file.stem, content)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The lesson {file.name} cannot be read: {error}") from error


def _lesson(key: str, content: dict[str, Any]) -> Lesson:
    domain, sample = content["domain"], content["sample"]
    common = {"domain": domain} | content.pop("common", {})
    runs = {name: LinkSettings(**(common | one)) for name, one in content.pop("runs").items()}
    links = tuple(_link(one, runs, domain, sample) for one in content.pop("links"))
    lists: dict[str, Any] = {name: tuple(content.pop(name)) for name in ("shots", "options")}
    claims = tuple(Claim(one.pop("key"), one.pop("kind"), one) for one in content.pop("claims"))
    measured = tuple(Lookup(**one) for one in content.pop("measured", []))
    return Lesson(key=key, runs=runs, links=links, claims=claims, measured=measured, **lists, **content)


def _link(one: dict[str, Any], runs: Mapping[str, LinkSettings], domain: str, sample: str) -> Link:
    """A link of the file: to the live page with a run's settings, changed or not, or to another page."""
    if one["page"] != LIVE_LINK:
        return Link(one["key"], one["page"], {name: str(value) for name, value in one["query"].items()})
    settings = replace(runs[one["run"]], **one.get("change", {}))
    first = samples.samples(domain)[0].key
    chosen = {"sample": sample} if settings.domain == domain and sample != first else {}
    return Link(one["key"], LIVE_LINK, settings.to_query() | chosen, settings)
