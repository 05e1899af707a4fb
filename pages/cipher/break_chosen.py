"""Chosen plaintext: telling maps against Jolfaei's bound, and telling pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pages.cipher.scene import Scene, gather
from pages.cipher.show import Tile, head, measured_table, picture, tiles
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.attacks.chosen import THREAT
from semcom_core.codecs.repobe import unpack
from semcom_core.figures_attacks import Line, lines
from semcom_core.lab import SNRS_DB
from semcom_core.lab.chosen import Choice, ChosenBreak, break_by_digits, choose, chosen_over_snr
from semcom_core.lab.known_plaintext import CIPHERS

_LEVELS = (2, 4, 16)
_TRIALS = 6
_PICTURES = 4


def view(scene: Scene) -> None:
    """What it takes at the chosen SNR, over all SNRs, and which pictures one would choose."""
    head("chosen", THREAT)
    left, middle = st.columns(2, gap="medium")
    cipher = left.segmented_control(
        t("lab.cipher"), list(CIPHERS), format_func=lambda name: t(f"lab.{name}"),
        key="chosen_cipher", default="repobe", required=True, help=t("help.which_cipher")
    )  # fmt: skip
    levels = middle.select_slider(
        t("break_it.chosen.levels"), _LEVELS, 16, key="chosen_levels", help=t("break_it.chosen.levels_help")
    )
    with st.spinner(t("lab.working")):
        broken = _break(cipher, int(levels), scene.snr_db)
    result = broken.result
    numbers = st.columns(4, wrap=True)
    numbers[0].metric(
        t("break_it.chosen.bound", levels=levels),
        t("break_it.chosen.planes", count=result.bound),
        help=t("break_it.chosen.bound_help", levels=levels),
    )
    numbers[1].metric(t("break_it.chosen.maps_needed"), f"{result.maps_without_noise}")
    numbers[2].metric(t("break_it.chosen.maps_sent", snr=f"{scene.snr_db:g}"), f"{result.maps_sent}")
    numbers[3].metric(t("break_it.known.positions"), f"{1 - broken.wrong:.1%}", help=t("lab.positions_help"))
    words = "complete" if result.complete else "incomplete"
    st.caption(t(f"break_it.chosen.{words}", milliseconds=f"{broken.milliseconds:.0f}"))
    experiment(
        "chosen",
        (cipher, levels),
        lambda: chosen_over_snr(CIPHERS[cipher], int(levels), False, _TRIALS),
        len(SNRS_DB),
        _curve,
        t("break_it.chosen.sweep", trials=_TRIALS),
    )
    experiment(
        "chosen_pictures",
        (scene.domain, scene.snr_db),
        lambda: _pictures(scene),
        1,
        lambda points: _show_choice(scene, points[0]),
        t("break_it.chosen.pictures", count=_PICTURES, all=len(scene.stock)),
    )
    measured_table(scene.domain, "chosen_plaintext")


@st.cache_data(max_entries=64, show_spinner=False)
def _break(cipher: str, levels: int, snr_db: float) -> ChosenBreak:
    return break_by_digits(CIPHERS[cipher], levels, snr_db, 0, soft=False)


def _pictures(scene: Scene) -> Iterator[Any]:
    yield from gather(scene.stock)
    yield choose(unpack(scene.stock.pictures().symbols).numpy(), scene.snr_db, _PICTURES)


def _show_choice(scene: Scene, choice: Choice) -> None:
    natives = scene.stock.pictures().native
    tiles(
        [
            Tile(
                t("break_it.chosen.tile", number=number + 1, title=scene.stock.titles[index]),
                picture(natives[index]),
                t("break_it.chosen.doubt", chosen=_few(doubt), plain=_few(plain)),
            )
            for number, (index, doubt, plain) in enumerate(
                zip(choice.chosen, choice.in_doubt, choice.plain, strict=True)
            )
        ]
    )


def _few(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _curve(points: list[Any]) -> None:
    snrs = [point.snr_db for point in points]
    span = (SNRS_DB[0] - 1, SNRS_DB[-1] + 1)
    left, right = st.columns(2, gap="medium")
    with left:
        drawn = [Line(t("break_it.chosen.maps"), snrs, [p.maps for p in points], figures.ATTACKER)]
        figure = lines(drawn, t("lab.snr_axis"), t("break_it.chosen.maps"), x_span=span, log_y=True)
        st.plotly_chart(figure, key="chosen_maps", config=CHART, alt=t("break_it.chosen.maps_alt"))
    with right:
        drawn = [Line(t("lab.exact_key"), snrs, [p.success for p in points], figures.ATTACKER, "dot", "diamond-open")]
        figure = lines(drawn, t("lab.snr_axis"), t("lab.share"), x_span=span, percent=True)
        st.plotly_chart(figure, key="chosen_success", config=CHART, alt=t("break_it.chosen.success_alt"))
