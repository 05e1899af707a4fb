"""Known plaintext: one known picture, a fixed key, and the next message is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st
import torch

from pages.cipher.scene import Scene, gather, stock
from pages.cipher.show import Tile, head, measured_table, picture, reading_note, tiles
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.attacks.base import ThreatModel
from semcom_core.attacks.known_plaintext import KnownPlaintext
from semcom_core.attacks.shadow import THREAT as SHADOW_THREAT
from semcom_core.codecs.repobe import unpack
from semcom_core.figures_attacks import Line, entries, lines
from semcom_core.lab import SNRS_DB, domains
from semcom_core.lab.known_plaintext import (
    CIPHERS,
    KeyBreak,
    break_once,
    recover_with_shadow,
    shadow_features,
    success_over_snr,
)
from semcom_core.link import LinkModels

_TRIALS = 24
_OTHERS = 24
_MOST_PICTURES = 8
OWN, SHADOW = "own", "shadow"


def view(scene: Scene) -> None:
    """The attack on the visitor's next picture, then its success over SNR."""
    shadowed = st.session_state.get("known_encoder") == SHADOW
    head("known", _threat(shadowed))
    cipher, pictures, encoder = _choices()
    shadow = stock(_other(scene.domain)).models if encoder == SHADOW else None
    result = _attack(scene, cipher, pictures, shadow)
    _show(scene, result, pictures)
    experiment(
        "known",
        (scene.domain, cipher, pictures, encoder),
        lambda: _success(scene, cipher, pictures, shadow),
        len(SNRS_DB),
        _curve,
        t("break_it.known.sweep", trials=_TRIALS, pictures=pictures),
    )
    st.caption(t("break_it.known.function"))
    if shadow is not None:
        st.info(t("break_it.known.shadow_note", other=t(f"domain.{_other(scene.domain)}.name")), icon=":material/info:")
    measured_table(scene.domain, "known_plaintext")


def _choices() -> tuple[str, int, str]:
    left, middle, right = st.columns(3, gap="medium")
    encoder = right.segmented_control(
        t("break_it.known.encoder"),
        [OWN, SHADOW],
        format_func=lambda name: t(f"break_it.known.{name}"),
        key="known_encoder",
        default=OWN,
        required=True,
        help=t("break_it.known.encoder_help"),
    )
    # The alignment of a foreign encoder is made for one cipher; another would need its own search.
    cipher = left.segmented_control(
        t("lab.cipher"),
        list(CIPHERS) if encoder == OWN else ["repobe"],
        format_func=lambda name: t(f"lab.{name}"),
        key=f"known_cipher_{encoder}",
        default="repobe",
        required=True,
        help=t("help.which_cipher"),
    )
    pictures = middle.select_slider(
        t("break_it.known.pictures"), [1, 2, 4, _MOST_PICTURES], 1, key="known_pictures", help=t("lab.pictures_help")
    )
    return cipher, int(pictures), encoder


def _attack(scene: Scene, cipher: str, pictures: int, shadow: LinkModels | None) -> KeyBreak:
    known, natives = unpack(scene.known_message.symbols), scene.known_message.native
    if pictures > 1:
        with st.spinner(t("lab.making_spinner")):
            for _ in scene.stock.grow(pictures + 1):
                pass
        more = scene.stock.pictures(pictures + 1)
        own = [k for k in range(pictures + 1) if not more.native[k].equal(scene.message.native[0])][:pictures]
        known, natives = unpack(more.symbols[own]), more.native[own]
    how = own_features = None
    if shadow is not None:
        how, own_features = recover_with_shadow, shadow_features(shadow, natives)
    return break_once(scene.models, CIPHERS[cipher], known, scene.message, scene.snr_db, 0, how=how, own=own_features)


def _show(scene: Scene, result: KeyBreak, pictures: int) -> None:
    classes, truth = scene.models.domain.classes, scene.chosen.label
    row = [
        Tile(t("break_it.known.tile_known"), picture(scene.known.prepared.native), t("break_it.known.tile_known_note")),
        Tile(t("break_it.known.tile_sent"), picture(scene.message.native[0]), t("break_it.known.tile_sent_note")),
    ]
    for name, reading in (
        ("scrambled", result.scrambled), ("found", result.attacker), ("holder", result.holder),
    ):  # fmt: skip
        note = reading_note(reading, classes, truth)
        row.append(Tile(t(f"break_it.known.tile_{name}"), picture(reading.native[0]), note))
    tiles(row)

    numbers = st.columns(4, wrap=True)
    if result.entries is not None:
        numbers[0].metric(t("break_it.known.entries"), f"{int(result.entries.sum())} / {result.entries.size}")
    numbers[1].metric(t("break_it.known.positions"), f"{1 - result.wrong:.0%}", help=t("lab.positions_help"))
    numbers[2].metric(t("lab.time"), t("lab.ms", value=f"{result.milliseconds:.1f}"))
    numbers[3].metric(t("lab.messages"), f"{pictures}")
    if result.entries is not None:
        figure = entries(result.entries, ("K_r", "K_c"), (t("lab.entry_right"), t("lab.entry_wrong")))
        alt = t("break_it.known.entries_alt", right=int(result.entries.sum()), all=result.entries.size)
        st.plotly_chart(figure, key="known_entries", config=CHART, alt=alt)


def _success(scene: Scene, cipher: str, pictures: int, shadow: LinkModels | None) -> Iterator[Any]:
    material = scene.stock
    yield from gather(material, attacker=_OTHERS)
    known = material.pictures()
    own = None
    if shadow is not None:
        own = torch.cat([shadow_features(shadow, one) for one in known.native.split(4)])
    yield from success_over_snr(
        scene.models,
        CIPHERS[cipher],
        unpack(known.symbols),
        material.pool("attacker").take(_OTHERS),
        pictures,
        _TRIALS,
        how=None if shadow is None else recover_with_shadow,
        own=own,
    )


def _curve(points: list[Any]) -> None:
    snrs = [point.snr_db for point in points]
    drawn = [
        Line(t("lab.holder"), snrs, [p.holder_accuracy for p in points], figures.RECEIVER, "solid", "circle-open"),
        Line(t("lab.attacker_reads"), snrs, [p.accuracy for p in points], figures.ATTACKER, "solid", "square"),
        Line(t("lab.no_key"), snrs, [p.no_key_accuracy for p in points], figures.NEUTRAL, "dot", "x"),
        Line(t("lab.exact_key"), snrs, [p.exact for p in points], figures.ATTACKER, "dot", "diamond-open"),
        Line(t("lab.positions"), snrs, [p.positions for p in points], figures.CIPHER, "dash", "cross-open"),
    ]
    span = (SNRS_DB[0] - 1, SNRS_DB[-1] + 1)
    figure = lines(drawn, t("lab.snr_axis"), t("lab.share"), percent=True, x_span=span)
    st.plotly_chart(figure, key="known_curve", config=CHART, alt=t("break_it.known.curve_alt"))
    last = points[-1]
    st.caption(
        t(
            "break_it.known.cost",
            milliseconds=f"{last.milliseconds:.1f}",
            trials=last.trials,
            left=f"{last.leftover:.3f}",
        )
    )


def _threat(shadowed: bool) -> ThreatModel:
    return SHADOW_THREAT if shadowed else KnownPlaintext.threat


def _other(domain: str) -> str:
    return next(name for name in domains() if name != domain)
