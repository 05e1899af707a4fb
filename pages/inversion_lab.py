"""The inversion lab: what can a thief make of a transmitted picture, and what does stopping it cost?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.inversion import plane, table, theory, watch
from pages.inversion.scene import Scene, scene
from pages.widgets.routing import through_router
from pages.widgets.strings import t
from semcom_core.weights import WeightsError

_STYLES = (Path(__file__).parent / "widgets" / "style.css", Path(__file__).parent / "inversion" / "grid.css")
_SECTIONS: dict[str, Callable[[Scene], None]] = {
    "table": table.section,
    "plane": plane.section,
    "watch": watch.section,
    "theory": theory.section,
}


def page() -> None:
    """One section at a time; the address keeps which (``?section=plane``)."""
    for style in _STYLES:
        st.html(style)
    state = st.session_state
    candidates = (state.get("inversion_section"), st.query_params.get("section"), *_SECTIONS)
    state["inversion_section"] = next(name for name in candidates if name in _SECTIONS)
    chosen = st.segmented_control(
        t("inversion_lab.sections"),
        list(_SECTIONS),
        key="inversion_section",
        format_func=lambda name: t(f"inversion_lab.section.{name}"),
        label_visibility="collapsed",
        required=True,
    )
    st.query_params["section"] = chosen
    try:
        _SECTIONS[chosen](scene())
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
