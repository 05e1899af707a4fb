"""Our measurements beside the papers' numbers, with where each comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.results_views import cem, curves, diffsem, numbers, pictures, robust
from pages.widgets.routing import through_router
from pages.widgets.sections import choose_section
from pages.widgets.strings import t
from semcom_core.weights import WeightsError

_STYLES = (Path(__file__).parent / "widgets" / "style.css", Path(__file__).parent / "inversion" / "grid.css")
_SECTIONS: dict[str, Callable[[], None]] = {
    "curves": curves.section,
    "pictures": pictures.section,
    "cem": cem.section,
    "diffsem": diffsem.section,
    "robust": robust.section,
    "numbers": numbers.section,
}


def page() -> None:
    """One section at a time; the address keeps which (``?section=cem``)."""
    for style in _STYLES:
        st.html(style)
    chosen = choose_section("results", _SECTIONS, "results_section")
    st.caption(t("results.words"))
    try:
        _SECTIONS[chosen]()
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
