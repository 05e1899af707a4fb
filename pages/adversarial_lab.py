"""The adversarial lab: how little must be changed of a picture for a receiver to misread it, and what helps?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.adversarial import attack, flip, many, space
from pages.adversarial.scene import Scene, scene
from pages.widgets.routing import through_router
from pages.widgets.sections import choose_section
from semcom_core.weights import WeightsError

_STYLES = (
    Path(__file__).parent / "widgets" / "style.css",
    Path(__file__).parent / "inversion" / "grid.css",
    Path(__file__).parent / "adversarial" / "rows.css",
)
_SECTIONS: dict[str, Callable[[Scene], None]] = {
    "attack": attack.section,
    "flip": flip.section,
    "space": space.section,
    "many": many.section,
}


def page() -> None:
    """One section at a time; the address keeps which (``?section=flip``)."""
    for style in _STYLES:
        st.html(style)
    chosen = choose_section("adversarial_lab", _SECTIONS, "adversarial_section")
    try:
        _SECTIONS[chosen](scene())
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
