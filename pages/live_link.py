"""The live link: one picture, what the receiver gets, what the eavesdropper gets, what the cipher did."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.widgets import address, picture_source, stages
from pages.widgets.cards import cards
from pages.widgets.cipher_view import cipher_view
from pages.widgets.controls import controls
from pages.widgets.facts import facts, summary
from pages.widgets.picture_source import Chosen
from pages.widgets.pictures import png, sharp, to_pil
from pages.widgets.provenance import provenance
from pages.widgets.routing import through_router
from pages.widgets.strings import t
from pages.widgets.sweep_view import sweep_view
from pages.widgets.take_away import take_away
from semcom_core.weights import WeightsError

_STYLE = Path(__file__).parent / "widgets" / "style.css"
_PRESENT_STYLE = Path(__file__).parent / "widgets" / "present.css"


def page() -> None:
    """Read the controls, transmit, show."""
    st.html(_STYLE)
    address.restore()
    if address.presenting():
        st.html(_PRESENT_STYLE)
        settings = st.session_state["link_settings"] if "link_settings" in st.session_state else address.read()
        chosen = picture_source.chosen_before(settings.domain)
    else:
        chosen = controls()
        settings = address.read()
    address.write(settings, chosen.sample)

    try:
        session = stages.open_session(chosen, settings)
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    transmission = stages.transmit(session)
    told = facts(transmission, session.models.domain.classes, chosen.label, chosen.foreign)

    with st.container(key="summary"):
        st.markdown(summary(told))
    cards(session, transmission, told)
    take_away(session, transmission, told)
    _preparation(chosen)
    cipher_view(session, transmission)
    sweep_view(session, told.truth)
    provenance(session, transmission)


def _preparation(chosen: Chosen) -> None:
    """The picture as it came beside what the link sends, where preparing it changed anything."""
    notes = (*chosen.notes, *chosen.prepared.notes)
    native = to_pil(chosen.prepared.native)
    same = chosen.original.size == native.size and chosen.original.convert(native.mode).tobytes() == native.tobytes()
    if same and not notes:
        return
    icon = ":material/auto_fix_high:"
    with st.expander(t("preparation.title"), expanded=chosen.private, icon=icon, on_change="rerun") as view:
        if not view.open:
            return
        before, after, words = st.columns([1, 1, 2], gap="medium")
        for column, picture, name in ((before, _bounded(chosen.original), "before"), (after, sharp(native), "after")):
            title = t(f"preparation.{name}")
            column.image(png(picture), title, width="stretch", output_format="PNG", alt=title)
        words.markdown("\n".join(f"- {note}" for note in notes) or t("preparation.resized"))


def _bounded(original: picture_source.Image.Image) -> picture_source.Image.Image:
    """A copy that is small enough to send to the browser at every rerun."""
    copy = original.convert("RGB")
    copy.thumbnail((448, 448))
    return sharp(copy)


through_router()
page()
