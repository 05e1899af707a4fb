"""The inversion lab: what can a thief make of a transmitted picture, and what does stopping it cost?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.inversion import plane, table, theory, watch
from pages.inversion.scene import Scene, scene
from pages.widgets.routing import through_router
from pages.widgets.sections import choose_section
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
    chosen = choose_section("inversion_lab", _SECTIONS, "inversion_section")
    try:
        _SECTIONS[chosen](scene())
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
