"""Ciphertext only: nothing but eavesdropped messages under a fixed key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pages.cipher.scene import Scene, gather
from pages.cipher.show import head, measured_table
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.attacks.ciphertext_only import THREAT
from semcom_core.figures_attacks import Line, lines
from semcom_core.lab import SNRS_DB
from semcom_core.lab.ciphertext_only import COUNTS, ciphertext_points
from semcom_core.lab.known_plaintext import CIPHERS

_OWN, _OTHERS = 256, 24
_TRIALS = 3
_AT = 100
"""Messages heard in the curve over SNR."""


def view(scene: Scene) -> None:
    """Success against the number of messages, and over SNR."""
    head("ciphertext", THREAT)
    cipher = st.segmented_control(
        t("lab.cipher"), list(CIPHERS), format_func=lambda name: t(f"lab.{name}"),
        key="ciphertext_cipher", default="repobe", required=True, help=t("help.which_cipher")
    )  # fmt: skip
    words = {"trials": _TRIALS, "own": _OWN, "most": COUNTS[-1]}
    experiment(
        "ciphertext",
        (scene.domain, cipher, scene.snr_db),
        lambda: _points(scene, cipher, COUNTS, (scene.snr_db,)),
        len(COUNTS),
        lambda points: _curve(points, "messages"),
        t("break_it.ciphertext.sweep", snr=f"{scene.snr_db:g}", **words),
    )
    experiment(
        "ciphertext_snr",
        (scene.domain, cipher),
        lambda: _points(scene, cipher, (_AT,), SNRS_DB),
        len(SNRS_DB),
        lambda points: _curve(points, "snr_db"),
        t("break_it.ciphertext.snr", messages=_AT, trials=_TRIALS),
    )
    st.caption(t("break_it.ciphertext.honest"))
    measured_table(scene.domain, "ciphertext_only")


def _points(scene: Scene, cipher: str, counts: tuple[int, ...], snrs_db: tuple[float, ...]) -> Iterator[Any]:
    material = scene.stock
    heard = max(counts)
    yield from gather(material, sender=heard + _OTHERS, attacker=_OWN)
    sender = material.pool("sender").take(heard + _OTHERS)
    yield from ciphertext_points(
        scene.models,
        CIPHERS[cipher],
        sender.part(0, heard),
        material.pool("attacker").take(_OWN),
        sender.part(heard, heard + _OTHERS),
        _TRIALS,
        counts,
        snrs_db,
    )


def _curve(points: list[Any], over: str) -> None:
    x = [getattr(point, over) for point in points]
    drawn = [
        Line(t("lab.holder"), x, [p.holder_accuracy for p in points], figures.RECEIVER, "solid", "circle-open"),
        Line(t("lab.attacker_reads"), x, [p.accuracy for p in points], figures.ATTACKER, "solid", "square"),
        Line(t("lab.entries_right"), x, [p.entries for p in points], figures.CIPHER, "dash", "x"),
    ]
    counting = over == "messages"
    figure = lines(
        drawn,
        t("lab.messages_axis") if counting else t("lab.snr_axis"),
        t("lab.share"),
        percent=True,
        log_x=counting,
        x_span=(COUNTS[0] / 1.2, COUNTS[-1] * 1.2) if counting else (SNRS_DB[0] - 1, SNRS_DB[-1] + 1),
    )
    st.plotly_chart(figure, key=f"ciphertext_{over}", config=CHART, alt=t(f"break_it.ciphertext.{over}_alt"))
    last = points[-1]
    st.caption(
        t(
            "break_it.ciphertext.cost",
            milliseconds=f"{last.milliseconds:.0f}",
            messages=last.messages,
            left=f"{last.leftover:.2f}",
        )
    )
