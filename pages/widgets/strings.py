"""Every visible sentence: ``t("card.psnr", value=23.1)`` looks it up in ``pages/strings``."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_CATALOGUE = Path(__file__).parents[1] / "strings"
"""``en.toml`` is the live link's, and holds what all pages share; other pages have a file each."""


@cache
def _catalogue() -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for file in sorted(_CATALOGUE.glob("*.toml")):
        page = tomllib.loads(file.read_text(encoding="utf-8"))
        if twice := merged.keys() & page.keys():
            raise ValueError(f"{file.name} repeats the tables {', '.join(sorted(twice))} of another file.")
        merged |= page
    return merged


def t(key: str, /, **values: object) -> str:
    """The sentence under a dotted key, with ``{placeholders}`` filled in.

    Raises:
        KeyError: no such sentence (a test asks for every key that the pages use).
    """
    entry: Any = _catalogue()
    for part in key.split("."):
        entry = entry[part]
    if not isinstance(entry, str):
        raise KeyError(f"{key} is a table of sentences, not a sentence")
    return entry.format(**values) if values else entry


def names(key: str) -> list[str]:
    """The names in the table under a dotted key: its sentences and tables, in their order.

    Raises:
        KeyError: there is no such table.
    """
    entry: Any = _catalogue()
    for part in key.split("."):
        entry = entry[part]
    if isinstance(entry, str):
        raise KeyError(f"{key} is a sentence, not a table of sentences")
    return list(entry)
