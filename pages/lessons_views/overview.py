"""All lessons, with what each is about and which are done."""

from __future__ import annotations

import streamlit as st

from pages.lessons_views.links import to_lesson
from pages.widgets.lesson_link import ANSWERS
from pages.widgets.strings import t
from semcom_core.lessons.catalogue import Lesson, lessons


def view() -> None:
    """The list."""
    every, answers = lessons(), st.session_state.get(ANSWERS, {})
    st.title(t("lessons.title"), anchor=False)
    st.markdown(t("lessons.intro"))
    share = len(answers) / len(every)
    st.progress(share, t("lessons.progress", done=len(answers), all=len(every)))
    with st.container(key="lesson_list"):
        grid = st.grid(2, min_column_width=300, gap="small")
        for one in every.values():
            with grid.cell():
                _card(one, one.key in answers)


def _card(one: Lesson, done: bool) -> None:
    with st.container(border=True, height="stretch"):
        to_lesson(one, icon=":material/check_circle:" if done else ":material/radio_button_unchecked:")
        st.markdown(t(f"lesson_{one.key}.goal"))
        state = t("lessons.done" if done else "lessons.not_done")
        st.caption(f"{t('lessons.minutes', minutes=one.minutes)} · {t(f'domain.{one.domain}.name')} · {state}")
