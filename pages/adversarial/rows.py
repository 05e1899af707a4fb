"""One receiver's row as HTML: picture, what was added, the result, and what is read.

Only words of the catalogue, class names and pictures made here go into it.
"""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from PIL import Image

from pages.inversion.cells import data_url
from pages.widgets.facts import percent
from pages.widgets.strings import t
from semcom_core.figures import feature_tiles
from semcom_core.figures_adversarial import magnified
from semcom_core.lab.manipulated import Outcome, Reading, Setup

_SMALL = 64
"""Pictures up to this side are enlarged pixel by pixel."""


def outcome_html(outcome: Outcome, native: np.ndarray, setup: Setup, classes: tuple[str, ...], truth: int) -> str:
    """A receiver's row.

    Args:
        native: the picture as chosen, uint8 (n,n,C).
        truth: the class that counts as right.
    """

    def words(reading: Reading) -> str:
        return reading_html(reading, classes, truth)

    cells = [
        _cell("sent", t("adversarial.cell.before"), _image(native, t("adversarial.alt.before")), words(outcome.before)),
        _added(outcome, setup),
        _after(outcome, setup, words(outcome.after)),
    ]
    if outcome.purified is not None:
        purified = outcome.purified
        parts = "".join(
            f'<div class="inv-line reading"><span>{html.escape(t(f"adversarial.cell.purified_{name}"))}</span>'
            f"{words(reading)}</div>"
            for name, reading in (
                ("clean", purified.clean), ("unaware", purified.unaware), ("aware", purified.aware)
            )
        )  # fmt: skip
        cells.append(_cell("receiver", t("adversarial.cell.purified"), "", parts))
    return (
        f'<div class="inv adv">{_head(outcome.method, verdict(outcome, setup, classes, truth))}'
        f'<div class="inv-cells n{len(cells)}" style="--cells:{len(cells)}">{"".join(cells)}</div></div>'
    )


def missing_html(method: str) -> str:
    """A receiver that is not trained."""
    name = t(f"adversarial.receiver.{method}.name")
    words = html.escape(t("adversarial.not_trained_one", name=name))
    return f'<div class="inv adv">{_head(method)}<div class="inv-none">{words}</div></div>'


def verdict(outcome: Outcome, setup: Setup, classes: tuple[str, ...], truth: int) -> str:
    """What the attack achieved, in one sentence."""
    before, after = outcome.before.answer, outcome.after.answer
    names = {"truth": classes[truth], "before": classes[before], "after": classes[after]}
    if setup.targeted and after == setup.target != before:
        return t("adversarial.verdict.target", **names)
    if before != truth:
        return t("adversarial.verdict.wrong_before", **names)
    return t("adversarial.verdict.fooled" if after != truth else "adversarial.verdict.held", **names)


def reading_html(reading: Reading, classes: tuple[str, ...], truth: int) -> str:
    """Answer, probability, verdict, and in how many channel draws it was right."""
    best, draws = reading.answer, len(reading.answers)
    word, sign = (t("inversion.cell.right"), "✓") if best == truth else (t("inversion.cell.wrong"), "✗")
    right = sum(answer == truth for answer in reading.answers)
    return (
        f"<div><b>{html.escape(classes[best])}</b> {percent(float(reading.probabilities[best]))}"
        f' <span class="inv-mark">{sign} {html.escape(word)}</span></div>'
        f'<div class="inv-line"><span>{html.escape(t("adversarial.cell.draws", right=right, all=draws))}</span></div>'
    )


def _head(method: str, sentence: str = "") -> str:
    name, plain = (html.escape(t(f"adversarial.receiver.{method}.{part}")) for part in ("name", "plain"))
    said = f'<div class="adv-verdict">{html.escape(sentence)}</div>' if sentence else ""
    return f'<div class="inv-head"><b>{name}</b><p>{plain}</p>{said}</div>'


def _added(outcome: Outcome, setup: Setup) -> str:
    """What the attacker adds, magnified, with the scale said."""
    change = outcome.change
    if setup.placement == "symbols":
        limit = max(float(np.abs(change).max()), 1e-9)
        image = _rgba(feature_tiles(change, limit), t("adversarial.alt.air"))
        below = t("adversarial.cell.air_scale", limit=f"{limit:.2g}", power=f"{setup.power_db:g}")
    else:
        shown, factor = magnified(change)
        largest = float(np.abs(change).max(initial=0.0))
        image = _image(shown, t("adversarial.alt.added", factor=factor))
        below = t(
            "adversarial.cell.scale", factor=factor, largest=f"{largest:.3g}", levels=f"{255 * largest:.1f}"
        )  # fmt: skip
    return _cell("attacker", t("adversarial.cell.added"), image, _line(below))


def _after(outcome: Outcome, setup: Setup, words: str) -> str:
    on_air = setup.placement == "symbols"
    title = t("adversarial.cell.after_air" if on_air else "adversarial.cell.after")
    return _cell("attacker", title, _image(outcome.picture, t("adversarial.alt.after")), words)


def _cell(party: str, title: str, image: str, below: str) -> str:
    who = f'<div class="inv-who">{html.escape(title)}</div>'
    return f'<figure class="inv-cell {party}">{who}{image}<figcaption>{below}</figcaption></figure>'


def _line(words: str) -> str:
    return f'<div class="inv-line"><span>{html.escape(words)}</span></div>'


def _image(picture: np.ndarray, alt: str) -> str:
    smooth = ' class="smooth"' if picture.shape[0] > _SMALL else ""
    return f'<img src="{data_url(picture)}" alt="{html.escape(alt)}"{smooth}>'


def _rgba(tiles: np.ndarray, alt: str) -> str:
    buffer = io.BytesIO()
    Image.fromarray(tiles).save(buffer, "PNG")
    address = base64.b64encode(buffer.getvalue()).decode()
    return f'<img class="air" src="data:image/png;base64,{address}" alt="{html.escape(alt)}">'
