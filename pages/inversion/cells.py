"""One row of the comparison as HTML: light enough for forty pictures, and it stacks on a phone.

Only words of the catalogue, class names of the domains and pictures made here go into it.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pages.widgets.facts import percent
from pages.widgets.strings import t, whole
from semcom_core.compare import Cell

_SMALL = 64
"""Pictures up to this side are enlarged pixel by pixel."""


@dataclass(frozen=True)
class Shown:
    """A cell with its heading.

    Attributes:
        party: ``sent``, ``receiver`` or ``attacker``: decides the colour of its bar.
        title: who has the picture, in words.
        cell: ``None`` reads "not run".
        instead: words in place of a missing picture.
    """

    party: str
    title: str
    cell: Cell | None
    instead: str = ""


def row_html(cells: Iterable[Shown], classes: tuple[str, ...], truth: int | None, head: str = "") -> str:
    """A row of cells.

    Args:
        truth: the class that counts as right; ``None`` where there is none (a foreign picture).
        head: HTML above the cells.
    """
    shown = [_figure(one, classes, truth) for one in cells]
    return f'<div class="inv">{head}<div class="inv-cells" style="--cells:{len(shown)}">{"".join(shown)}</div></div>'


def head_html(name: str, plain: str, uses: int) -> str:
    """Name, mechanism and cost of a defense."""
    words = html.escape(t("inversion.cell.uses", uses=whole(uses)))
    title = f'<b>{html.escape(name)}</b><span class="uses">{words}</span>'
    return f'<div class="inv-head">{title}<p>{html.escape(plain)}</p></div>'


def _figure(shown: Shown, classes: tuple[str, ...], truth: int | None) -> str:
    cell, lines = shown.cell, []
    if cell is not None:
        if cell.own is not None:
            lines.append(_reading(t(f"inversion.cell.own_{shown.party}"), cell.own, classes, truth))
        elif shown.party == "attacker":
            lines.append(f'<div class="inv-line"><span>{html.escape(t("inversion.cell.no_guess"))}</span></div>')
        if cell.judged is not None:
            seen = t("inversion.cell.judge_foreign" if cell.foreign else "inversion.cell.judge")
            lines.append(_reading(seen, cell.judged, classes, truth if shown.party != "sent" else None))
        if cell.psnr is not None:
            lines.append(f'<div class="inv-line"><span>PSNR</span><b>{_psnr(cell.psnr)}</b></div>')
    party, title = html.escape(t(f"inversion.party.{shown.party}")), html.escape(shown.title)
    who = f'<div class="inv-who">{party}<small>{title}</small></div>'
    below = f"<figcaption>{''.join(lines)}</figcaption>"
    return f'<figure class="inv-cell {shown.party}">{who}{_picture(shown, classes)}{below}</figure>'


def _picture(shown: Shown, classes: tuple[str, ...]) -> str:
    if shown.cell is None or shown.cell.picture is None:
        words = shown.instead or t("inversion.cell.not_run" if shown.cell is None else "inversion.cell.no_picture")
        return f'<div class="inv-none">{html.escape(words)}</div>'
    best = classes[int(shown.cell.judged.argmax())]
    alt = t("inversion.cell.alt", party=t(f"inversion.party.{shown.party}"), what=shown.title, judged=best)
    smooth = ' class="smooth"' if shown.cell.picture.shape[0] > _SMALL else ""
    return f'<img src="{data_url(shown.cell.picture)}" alt="{html.escape(alt)}"{smooth}>'


def _reading(who: str, probabilities: np.ndarray, classes: tuple[str, ...], truth: int | None) -> str:
    best = int(probabilities.argmax())
    mark = ""
    if truth is not None:
        word, sign = (t("inversion.cell.right"), "✓") if best == truth else (t("inversion.cell.wrong"), "✗")
        mark = f' <span class="inv-mark">{sign} {html.escape(word)}</span>'
    answer = f"<b>{html.escape(classes[best])}</b> {percent(float(probabilities[best]))}{mark}"
    return f'<div class="inv-line reading"><span>{html.escape(who)}</span><div>{answer}</div></div>'


def _psnr(value: float) -> str:
    return "∞" if value == float("inf") else f"{value:.1f} dB"


def data_url(pixels: np.ndarray) -> str:
    """A picture uint8 (n,n,1 or 3) as a data address; small ones without loss."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    if max(image.size) <= _SMALL:
        image.save(buffer, "PNG")
        kind = "png"
    else:
        image.save(buffer, "WEBP", quality=95, method=2)
        kind = "webp"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
