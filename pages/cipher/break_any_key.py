"""Any key: what is read without ever finding one, however often it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import streamlit as st

from pages.cipher.scene import Scene, gather
from pages.cipher.show import Tile, head, measured_table, picture, reading_note, tiles
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.attacks import THREATS
from semcom_core.figures_attacks import shares
from semcom_core.lab.any_key import keyless_attacks, over_pictures, read_without_key, readable
from semcom_core.lab.rotation import PROTECTIONS
from semcom_core.link import Reading

_KEYS = 20
_KEYS_EACH = 4
_SHOWN = 5


def view(scene: Scene) -> None:
    """The chosen picture under twenty keys, then all samples."""
    attacks = keyless_attacks()
    attack = st.session_state.get("any_attack") or attacks[0]
    head("any_key", THREATS[attack if attack in THREATS else attacks[0]])
    left, right = st.columns(2, gap="medium")
    cipher = left.segmented_control(
        t("lab.cipher"), _readable(scene), format_func=lambda name: t(f"lab.{name}"),
        key="any_cipher", default="repobe", required=True, help=t("help.which_cipher")
    )  # fmt: skip
    if len(attacks) > 1:
        attack = right.segmented_control(
            t("controls.attacker"), attacks, format_func=lambda name: t(f"attacker.{name}.name"),
            key="any_attack", default=attacks[0], required=True, help=t("help.attack_any_key")
        )  # fmt: skip
    else:
        attack = attacks[0]
    with st.spinner(t("lab.working")):
        reading = read_without_key(scene.models, attack, PROTECTIONS[cipher], scene.message, scene.snr_db, _KEYS)
    _one_picture(scene, reading, cipher)
    experiment(
        "any_key",
        (scene.domain, scene.snr_db, cipher, attack),
        lambda: _points(scene, attack, cipher),
        len(scene.stock),
        lambda rows: _all_pictures(scene, rows),
        t("break_it.any_key.sweep", pictures=len(scene.stock), keys=_KEYS_EACH, snr=f"{scene.snr_db:g}"),
    )
    if len(_readable(scene)) < len(PROTECTIONS) - 1:
        st.caption(t("break_it.any_key.untrained"))
    measured_table(scene.domain, attack)


def _readable(scene: Scene) -> list[str]:
    """Ciphers that a trained attacker is there for; RepObE's first."""
    names = [name for name, plug_in in PROTECTIONS.items() if plug_in is not None and readable(scene.models, plug_in)]
    return sorted(names, key=lambda name: name != "repobe")


def _one_picture(scene: Scene, reading: Reading, cipher: str) -> None:
    classes, truth = scene.models.domain.classes, scene.chosen.label
    logits = reading.logits if reading.logits is not None else reading.judged
    if logits is None:
        return
    votes = np.bincount(logits.argmax(1).numpy(), minlength=len(classes))
    top = int(votes.argmax())
    words = t("break_it.any_key.same", count=int(votes[top]), all=_KEYS, name=classes[top])
    st.markdown(f"##### {words} {'' if truth is None else t('lab.right' if top == truth else 'lab.wrong')}")
    if reading.native is not None:
        row = [Tile(t("lab.sent"), picture(scene.message.native[0]))]
        for number in range(_SHOWN):
            one = Reading(*(None if part is None else part[number : number + 1] for part in vars(reading).values()))
            title = t("break_it.any_key.tile", number=number + 1)
            row.append(Tile(title, picture(one.native[0]), reading_note(one, classes, truth)))
        tiles(row, width=110)
    order = [k for k in np.argsort(-votes) if votes[k]]
    colours = [figures.ATTACKER if k == truth else figures.NEUTRAL for k in order]
    figure = shares(
        [classes[k] for k in order], [votes[k] / _KEYS for k in order], colours, t("break_it.any_key.share")
    )
    st.plotly_chart(figure, key=f"any_votes_{cipher}", config=CHART, alt=words)


def _points(scene: Scene, attack: str, cipher: str) -> Iterator[Any]:
    material = scene.stock
    yield from gather(material)
    yield from over_pictures(
        scene.models, attack, PROTECTIONS[cipher], material.pictures(), material.labels, scene.snr_db, _KEYS_EACH
    )


def _all_pictures(scene: Scene, rows: list[Any]) -> None:
    names, values = [], []
    for kind in ("answers", "seen"):
        votes = [getattr(row, kind) for row in rows]
        if votes[0] is not None:
            right = sum(vote[row.label] for vote, row in zip(votes, rows, strict=True))
            names.append(t(f"break_it.any_key.{kind}"))
            values.append(right / sum(sum(vote) for vote in votes))
    labels = {row.label for row in rows}
    names.append(t("break_it.any_key.chance", classes=len(scene.models.domain.classes)))
    values.append(1 / len(scene.models.domain.classes))
    colours = [figures.ATTACKER] * (len(names) - 1) + [figures.NEUTRAL]
    figure = shares(names, values, colours, t("lab.share_right"))
    st.plotly_chart(figure, key="any_all", config=CHART, alt=f"{names[0]}: {values[0]:.0%}")
    st.caption(t("break_it.any_key.all", pictures=len(rows), keys=_KEYS_EACH, classes=len(labels)))
