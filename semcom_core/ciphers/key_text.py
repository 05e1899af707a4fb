"""A key as a person types it: ``2, 0, 3, 1``. Refused with a sentence that says what is wrong."""

from __future__ import annotations

import re

import numpy as np

from semcom_core.ciphers.confusion import ConfusionKey

_SHOWN = 12
"""Longest piece of a visitor's text that a message repeats."""


class KeyTextError(ValueError):
    """The text is no key; the message says why, for the person who typed it."""


def parse_key(K_r: str, K_c: str, r: str, c: str, height: int, width: int) -> ConfusionKey:
    """The key for an H×W map.

    Args:
        K_r, K_c: H and W whole numbers from 0, separated by commas or spaces.
        r, c: one whole number each.

    Raises:
        KeyTextError: a part has the wrong size, holds something else than whole numbers, repeats
            an index or leaves the range.
    """
    return ConfusionKey(
        _order("K_r", K_r, height, "rows"),
        _order("K_c", K_c, width, "columns"),
        _offset("r", r, height),
        _offset("c", c, width),
    )


def order_text(order: np.ndarray) -> str:
    """The inverse of parsing: ``2, 0, 3, 1``."""
    return ", ".join(map(str, order))


def _order(name: str, text: str, size: int, what: str) -> np.ndarray:
    numbers = _numbers(name, text)
    if len(numbers) != size:
        raise KeyTextError(f"{name} needs {size} numbers, one for each of the map's {size} {what}, not {len(numbers)}.")
    for number in numbers:
        _check_range(name, number, size)
    repeated = sorted({number for number in numbers if numbers.count(number) > 1})
    if repeated:
        missing = sorted(set(range(size)) - set(numbers))
        raise KeyTextError(
            f"{name} repeats {_list(repeated)} and leaves out {_list(missing)}. Each index must stand there exactly "
            "once, or two cells would read the same place and another cell's value would be lost."
        )
    return np.array(numbers)


def _offset(name: str, text: str, size: int) -> int:
    numbers = _numbers(name, text)
    if len(numbers) != 1:
        raise KeyTextError(f"{name} is one whole number, not {len(numbers)}.")
    _check_range(name, numbers[0], size)
    return numbers[0]


def _numbers(name: str, text: str) -> list[int]:
    pieces = [piece for piece in re.split(r"[\s,;]+", text.strip().strip("[]()")) if piece]
    for piece in pieces:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", piece):
            shown = piece if len(piece) <= _SHOWN else piece[: _SHOWN - 1] + "…"
            raise KeyTextError(f"{name} holds “{shown}”, which is not a whole number.")
    return [int(piece) for piece in pieces]


def _check_range(name: str, number: int, size: int) -> None:
    if not 0 <= number < size:
        raise KeyTextError(f"{name} holds {number}; on this map it may hold 0 to {size - 1}.")


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
