"""Tuning: what each hyper-parameter does, with networks as they are, with a small one trained here, and as measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.tuning_views import inference, large, training
from pages.widgets.routing import through_router
from pages.widgets.sections import choose_section
from semcom_core.weights import WeightsError

_STYLES = (Path(__file__).parent / "widgets" / "style.css", Path(__file__).parent / "tuning_views" / "strip.css")
_SECTIONS: dict[str, Callable[[], None]] = {
    "inference": inference.section,
    "training": training.section,
    "large": large.section,
}


def page() -> None:
    """One section at a time; the address keeps which (``?section=training``)."""
    for style in _STYLES:
        st.html(style)
    chosen = choose_section("tuning", _SECTIONS, "tuning_section")
    try:
        _SECTIONS[chosen]()
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
