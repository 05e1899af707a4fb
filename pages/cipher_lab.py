"""The cipher lab: watch the scrambling cipher, agree on its key, break it, repair it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.cipher import break_it, keys, repair, strength, tamper, watch
from pages.widgets.routing import through_router
from pages.widgets.strings import t
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
    if st.query_params.get("section") in _SECTIONS and "section" not in st.session_state:
        st.session_state["section"] = st.query_params["section"]
    chosen = st.segmented_control(
        t("cipher_lab.sections"),
        list(_SECTIONS),
        key="section",
        default=None if "section" in st.session_state else "watch",
        format_func=lambda name: t(f"cipher_lab.section.{name}"),
        label_visibility="collapsed",
        required=True,
    )
    st.query_params["section"] = chosen
    try:
        _SECTIONS[chosen]()
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
