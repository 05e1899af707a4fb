"""Short names for cells, labels and legends; the long ones are in the catalogue of choices."""

from __future__ import annotations

from pages.widgets.strings import t


def defense_name(name: str) -> str:
    """A defense in two or three words."""
    return _short(f"inversion.defense.{name}", name)


def attack_name(name: str) -> str:
    """An attack in two or three words."""
    return _short(f"inversion.attack.{name}", name)


def plain(table: str, name: str) -> str:
    """A sentence of the catalogue of choices (``defense.repobe.plain``), or nothing for a name without one."""
    try:
        return t(f"{table}.{name}.plain")
    except KeyError:
        return ""


def _short(key: str, name: str) -> str:
    try:
        return t(key)
    except KeyError:  # a new entry of a registry that nobody has worded yet
        return name.replace("_", " ")
