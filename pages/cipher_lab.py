"""The cipher lab: watch the scrambling cipher, agree on its key, break it, repair it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.cipher import break_it, keys, repair, strength, tamper, watch
from pages.widgets.routing import through_router
from pages.widgets.sections import choose_section
from semcom_core.weights import WeightsError

_STYLE = Path(__file__).parent / "widgets" / "style.css"
_SECTIONS: dict[str, Callable[[], None]] = {
    "watch": watch.section,
    "keys": keys.section,
    "strength": strength.section,
    "break": break_it.section,
    "repair": repair.section,
    "tamper": tamper.section,
}


def page() -> None:
    """One section at a time; the address keeps which (``?section=break``)."""
    st.html(_STYLE)
    chosen = choose_section("cipher_lab", _SECTIONS, "section")
    try:
        _SECTIONS[chosen]()
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
