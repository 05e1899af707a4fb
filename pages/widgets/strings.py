"""Every visible sentence, in the visitor's language: ``t("card.psnr", value=23.1)`` finds it in ``pages/strings``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pages.widgets.language import DEFAULT, current

CATALOGUE = Path(__file__).parents[1] / "strings"
"""``en.toml`` is the live link's, and holds what all pages share; other pages have a file each.

The files here are English; ``strings/fr`` has the same files in French, and so on.
"""


def t(key: str, /, **values: object) -> str:
    """The sentence under a dotted key, with ``{placeholders}`` filled in.

    Raises:
        KeyError: no such sentence (a test asks for every key that the pages use).
    """
    sentence = sentences(current())[key]
    return sentence.format(**values) if values else sentence


def names(key: str) -> list[str]:
    """The names in the table under a dotted key: its sentences and tables, in their order.

    Raises:
        KeyError: there is no such table.
    """
    below = [one.removeprefix(f"{key}.") for one in sentences(current()) if one.startswith(f"{key}.")]
    if not below:
        raise KeyError(f"there is no table of sentences {key}")
    return list(dict.fromkeys(one.partition(".")[0] for one in below))


def whole(number: int) -> str:
    """A whole number with its thousands set apart as the visitor's language does: a French comma is a decimal one."""
    return f"{number:,}".replace(",", sentences(current())["app.thousands"])


@cache
def sentences(language: str) -> dict[str, str]:
    """All sentences by dotted key; one that is not translated is in English."""
    if language == DEFAULT:
        return catalogue(CATALOGUE)
    return catalogue(CATALOGUE) | catalogue(CATALOGUE / language)


def catalogue(folder: Path) -> dict[str, str]:
    """The sentences of the files in one folder, by dotted key.

    Raises:
        ValueError: two files have the same table.
    """
    merged: dict[str, Any] = {}
    for file in sorted(folder.glob("*.toml")):
        page = tomllib.loads(file.read_text(encoding="utf-8"))
        if twice := merged.keys() & page.keys():
            raise ValueError(f"{file.name} repeats the tables {', '.join(sorted(twice))} of another file.")
        merged |= page
    return dict(_flat(merged))


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, entry in table.items():
        if isinstance(entry, dict):
            yield from _flat(entry, f"{above}{name}.")
        else:
            yield f"{above}{name}", entry
