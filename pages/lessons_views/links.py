"""Links among the lessons, and from a lesson to the pages that it prepares."""

from __future__ import annotations

import streamlit as st

from pages.widgets.lesson_link import PAGE, PARAMETER
from pages.widgets.strings import t
from semcom_core.lessons.catalogue import Lesson, Link

PRESENT = "present"


def lesson_query(key: str) -> dict[str, str]:
    """The query of a lesson; a projector's view stays one."""
    view = st.query_params.get("view")
    return {PARAMETER: key} | ({"view": PRESENT} if view == PRESENT else {})


def to_lesson(one: Lesson, words: str = "lessons.open", icon: str | None = None, side: str = "left") -> None:
    """A link to a lesson."""
    label = t(words, number=one.number, title=t(f"lesson_{one.key}.title"))
    st.page_link(PAGE, label=label, icon=icon, icon_position=side, query_params=lesson_query(one.key))


def to_page(lesson: Lesson, link: Link) -> None:
    """A link to a prepared page, which will show the way back."""
    page = t(f"{link.page}.title")
    label = t("lessons.to_page", page=page, words=t(f"lesson_{lesson.key}.next.{link.key}"))
    query = prepared_query(lesson, link)
    st.page_link(f"pages/{link.page}.py", label=label, icon=":material/arrow_forward:", query_params=query)


def prepared_query(lesson: Lesson, link: Link) -> dict[str, str]:
    """The query parameters of a prepared page."""
    return dict(link.query) | {PARAMETER: lesson.key}
