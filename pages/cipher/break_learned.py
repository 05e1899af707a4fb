"""Learned under a fixed key: a small linear decoder that sees all symbols at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pages.cipher.scene import Scene, gather
from pages.cipher.show import Tile, grey, head, measured_table, tiles
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.attacks.base import ThreatModel
from semcom_core.figures_attacks import Line, lines
from semcom_core.lab.learned import COUNTS, learning_curve
from semcom_core.lab.rotation import PROTECTIONS

THREAT = ThreatModel(encoder=False, algorithm=False, known_plaintexts=COUNTS[-1], training="pairs under the fixed key")
_UNSEEN, _SHOWN = 64, 4
_CASES = (("repobe", False), ("rotation_fast", False), ("repobe", True), ("rotation_fast", True))
"""Cipher, and whether each message has a key of its own."""
_STYLE = {
    ("repobe", False): (figures.ATTACKER, "solid", "square"),
    ("rotation_fast", False): (figures.CIPHER, "dash", "circle-open"),
    ("repobe", True): (figures.ATTACKER, "dot", "diamond-open"),
    ("rotation_fast", True): (figures.CIPHER, "dashdot", "x"),
}


def view(scene: Scene) -> None:
    """Learning curves for a permutation and a rotation, with a fixed key and with a key a message."""
    head("learned", THREAT)
    experiment(
        "learned",
        (scene.domain, scene.snr_db),
        lambda: _points(scene),
        len(_CASES) * len(COUNTS),
        lambda points: _show(scene, points),
        t("break_it.learned.sweep", most=COUNTS[-1], unseen=_UNSEEN, snr=f"{scene.snr_db:g}"),
    )
    st.caption(t("break_it.learned.why"))
    measured_table(scene.domain, "learned")


def _points(scene: Scene) -> Iterator[Any]:
    material = scene.stock
    yield from gather(material, sender=_UNSEEN, attacker=COUNTS[-1])
    examples = material.pool("attacker").take(COUNTS[-1])
    unseen = material.pool("sender").take(_UNSEEN)
    for name, fresh in _CASES:
        for point in learning_curve(PROTECTIONS[name], examples, unseen, scene.snr_db, fresh, shown=_SHOWN):
            yield name, fresh, point


def _show(scene: Scene, results: list[Any]) -> None:
    drawn = []
    for name, fresh in _CASES:
        points = [point for case, kind, point in results if (case, kind) == (name, fresh)]
        if points:
            words = t(
                "break_it.learned.line", cipher=t(f"lab.{name}"), key=t(f"lab.key_{'fresh' if fresh else 'fixed'}")
            )
            colour, dash, symbol = _STYLE[name, fresh]
            drawn.append(Line(words, [p.messages for p in points], [p.psnr_db for p in points], colour, dash, symbol))
    first = [point for name, fresh, point in results if (name, fresh) == _CASES[0]]
    mean = Line(
        t("break_it.learned.mean"),
        [p.messages for p in first],
        [p.mean_psnr_db for p in first],
        figures.NEUTRAL,
        "dash",
    )
    figure = lines(
        [*drawn, mean],
        t("lab.examples_axis"),
        t("sweep.psnr"),
        log_x=True,
        x_span=(COUNTS[0] / 1.2, COUNTS[-1] * 1.2),
        height=380,
    )
    st.plotly_chart(figure, key="learned_curve", config=CHART, alt=t("break_it.learned.curve_alt"))

    name, fresh, last = results[-1]
    truth = scene.stock.pool("sender").take(_UNSEEN).grey
    st.markdown(
        t("break_it.learned.pictures", cipher=t(f"lab.{name}"), key=t(f"lab.key_{'fresh' if fresh else 'fixed'}"),
          messages=last.messages)
    )  # fmt: skip
    row = []
    for number, picture in enumerate(last.pictures):
        row.append(Tile(t("break_it.learned.sent"), grey(truth[number].numpy())))
        row.append(Tile(t("break_it.learned.found"), grey(picture)))
    tiles(row, width=90)
