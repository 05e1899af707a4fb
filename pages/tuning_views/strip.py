"""Ten pictures a party side by side, as HTML: what was sent, what arrived, what was overheard, and what is read."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pages.inversion.cells import data_url
from pages.widgets.strings import t

_SMALL = 64
"""Pictures up to this side are enlarged pixel by pixel."""


@dataclass(frozen=True, eq=False)
class Row:
    """One party.

    Attributes:
        party: ``sent``, ``receiver`` or ``attacker``.
        title: more about it, in words.
        looks: uint8 (B,n,n) or (B,n,n,C); ``None`` if it has no pictures.
        reads: its class of each (B,), or ``None``.
    """

    party: str
    title: str
    looks: np.ndarray | None
    reads: np.ndarray | None = None


def strip_html(rows: Sequence[Row], labels: Sequence[int], classes: Sequence[str]) -> str:
    """The rows; each reading carries a sign and a word for whether it is right.

    Args:
        labels: true class of each picture.
    """
    return f'<div class="strip">{"".join(_row(row, labels, classes) for row in rows)}</div>'


def _row(row: Row, labels: Sequence[int], classes: Sequence[str]) -> str:
    party = t(f"inversion.party.{row.party}")
    cells = "".join(_figure(row, party, number, label, classes) for number, label in enumerate(labels))
    if row.looks is None and row.reads is None:
        cells = f'<div class="strip-none">{html.escape(t("tuning.strip.nothing"))}</div>'
    who = f'<div class="strip-who">{html.escape(party)}<small>{html.escape(row.title)}</small></div>'
    return f'<div class="strip-row {row.party}">{who}<div class="strip-cells">{cells}</div></div>'


def _figure(row: Row, party: str, number: int, label: int, classes: Sequence[str]) -> str:
    name = classes[label]
    read = None if row.reads is None else classes[int(row.reads[number])]
    words = name if read is None else f"{read} {'✓' if read == name else '✗'}"
    alt = t("tuning.strip.alt_sent", name=name)
    if row.party != "sent":
        key = "tuning.strip.alt_unread" if read is None else "tuning.strip.alt"
        alt = t(key, party=party, name=name, read=read)
    caption = f'<figcaption class="{"right" if read in (None, name) else "wrong"}">{html.escape(words)}</figcaption>'
    if row.looks is None:
        return f"<figure>{caption}</figure>"
    look = row.looks[number]
    smooth = ' class="smooth"' if look.shape[0] > _SMALL else ""
    picture = data_url(look[..., None] if look.ndim == 2 else look)
    return f'<figure><img src="{picture}" alt="{html.escape(alt)}"{smooth}>{caption}</figure>'
