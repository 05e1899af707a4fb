"""For contrast: an attacker that expects no protection, and why it proves nothing."""

from __future__ import annotations

import streamlit as st

from pages.cipher.scene import Scene
from pages.cipher.show import Tile, head, measured_table, picture, reading_note, tiles
from pages.widgets.strings import t
from semcom_core.attacks import THREATS
from semcom_core.attacks.naive import NaiveInversion
from semcom_core.lab.any_key import keyless_attacks, read_without_key
from semcom_core.lab.rotation import PROTECTIONS


def view(scene: Scene) -> None:
    """The same decoder on the plain and on the scrambled link, beside the attacker that knows the method."""
    head("naive", THREATS[NaiveInversion.name])
    classes, truth = scene.models.domain.classes, scene.chosen.label
    row = [Tile(t("lab.sent"), picture(scene.message.native[0]))]
    with st.spinner(t("lab.working")):
        for attack, cipher in (
            (NaiveInversion.name, "none"),
            (NaiveInversion.name, "repobe"),
            (keyless_attacks()[0], "repobe"),
        ):
            reading = read_without_key(scene.models, attack, PROTECTIONS[cipher], scene.message, scene.snr_db, 1)
            title = t("break_it.naive.tile", attack=t(f"attacker.{attack}.tag"), cipher=t(f"lab.{cipher}"))
            row.append(Tile(title, picture(reading.native[0]), reading_note(reading, classes, truth)))
    tiles(row, width=170)
    st.warning(t("break_it.naive.warning"), icon=":material/warning:")
    measured_table(scene.domain, NaiveInversion.name)
