"""Guided lessons: predict, run the link, compare; ``?lesson=fading`` opens one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.lessons_views import lesson, overview
from pages.widgets.lesson_link import kept
from pages.widgets.routing import through_router
from semcom_core.lessons.catalogue import lessons
from semcom_core.weights import WeightsError

_PAGES = Path(__file__).parent


def page() -> None:
    """The list of lessons, or the one that the address names."""
    for style in ("widgets/style.css", "lessons_views/lessons.css"):
        st.html(_PAGES / style)
    if lesson.presenting():
        st.html(_PAGES / "lessons_views" / "present.css")
    chosen = kept()
    try:
        if chosen:
            lesson.view(lessons()[chosen["lesson"]])
        else:
            overview.view()
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


through_router()
page()
