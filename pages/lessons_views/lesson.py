"""One lesson: goal, experiment, question, and after the answer what really happens."""

from __future__ import annotations

import streamlit as st

from pages.lessons_views import reveal
from pages.lessons_views.links import PRESENT, to_lesson, to_page
from pages.widgets.lesson_link import ANSWERS, PAGE
from pages.widgets.strings import t
from semcom_core.lessons.catalogue import Lesson, lessons
from semcom_core.settings import LinkSettings


def presenting() -> bool:
    """Whether the type is large, for a projector."""
    return st.query_params.get("view") == PRESENT


def view(lesson: Lesson) -> None:
    """Draw it from top to bottom."""
    words = f"lesson_{lesson.key}"
    _top(lesson)
    st.title(t(f"{words}.title"), anchor=False)
    goal, before = st.columns(2, gap="large")
    with goal:
        _heading("goal")
        st.markdown(t(f"{words}.goal"))
    with before:
        _heading("before")
        st.markdown(t(f"{words}.before"))
    _heading("setting")
    st.markdown(t(f"{words}.setting"))
    st.caption("  \n".join(dict.fromkeys(link_words(one) for one in lesson.runs.values())))
    _question(lesson)
    if lesson.key in _answers():
        reveal.view(lesson, _answers()[lesson.key])
        _heading("next")
        for link in lesson.links:
            to_page(lesson, link)
        _neighbours(lesson)
    if not presenting():
        _teacher(lesson)


def link_words(settings: LinkSettings) -> str:
    """The settings of a link in one line, as the live page names them."""
    line = t(
        "lessons.link_words",
        domain=t(f"domain.{settings.domain}.name"),
        defense=t(f"defense.{settings.defense}.name"),
        channel=t(f"channel.{settings.channel}.name"),
        snr=f"{settings.snr_db:g}".replace("-", "−"),
    )
    if settings.chosen_defense.uses_noise:
        line += t("lessons.link_noise", noise=f"{settings.noise:g}")
    if settings.chosen_defense.keyed:
        line += t("lessons.link_attacker", attacker=t(f"attacker.{settings.chosen_attacker}.short"))
    return line


def _answers() -> dict[str, str]:
    """What this session locked in, by lesson."""
    return st.session_state.setdefault(ANSWERS, {})


def _heading(name: str) -> None:
    st.header(t(f"lessons.heading.{name}"), anchor=False)


def _top(lesson: Lesson) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        of = t("lessons.of", number=lesson.number, all=len(lessons()))
        st.markdown(f"{of} · {t('lessons.minutes', minutes=lesson.minutes)}", width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            st.page_link(PAGE, label=t("lessons.all"), icon=":material/list:")
            st.button(
                t("lessons.present.leave" if presenting() else "lessons.present.enter"),
                icon=":material/present_to_all:", key="lesson_present", on_click=_present, args=(not presenting(),),
                help=t("lessons.present.help"), type="tertiary",
            )  # fmt: skip


def _present(on: bool) -> None:
    if on:
        st.query_params["view"] = PRESENT
    else:
        st.query_params.pop("view", None)


def _question(lesson: Lesson) -> None:
    """The question; once the answer is locked in it stays."""
    key, locked = f"lesson_choice_{lesson.key}", _answers().get(lesson.key)
    _heading("question")
    if locked is not None:
        st.session_state[key] = locked
    with st.container(border=True, key="lesson_question"):
        chosen = st.radio(
            t(f"lesson_{lesson.key}.question"), lesson.options, index=None, key=key, disabled=locked is not None,
            format_func=lambda one: t(f"lesson_{lesson.key}.option.{one}"), help=t("lessons.question.help"),
        )  # fmt: skip
        if locked is not None:
            st.caption(t("lessons.question.locked", option=t(f"lesson_{lesson.key}.option.{locked}")))
            return
        st.button(
            t("lessons.question.lock"), icon=":material/lock:", key="lesson_lock", type="primary",
            disabled=chosen is None, help=t("lessons.question.lock_help"), on_click=_lock, args=(lesson.key, chosen),
        )  # fmt: skip
        if chosen is None:
            st.caption(t("lessons.question.pick_first"))


def _lock(key: str, option: str) -> None:
    _answers()[key] = option


def _neighbours(lesson: Lesson) -> None:
    every = list(lessons().values())
    _heading("lessons")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if lesson.number > 1:
            to_lesson(every[lesson.number - 2], "lessons.previous", ":material/arrow_back:")
        if lesson.number < len(every):
            to_lesson(every[lesson.number], "lessons.next", ":material/arrow_forward:", "right")


def _teacher(lesson: Lesson) -> None:
    st.divider()
    if not st.toggle(
        t("lessons.teacher.switch"),
        key="lesson_teacher",
        help=t("lessons.teacher.switch_help"),
        persist_state="session",
    ):
        return
    with st.container(border=True, key="lesson_notes"):
        _heading("teacher")
        st.markdown(t("lessons.teacher.time", minutes=lesson.minutes))
        for name in ("expected", "misconception", "discussion"):
            st.markdown(t(f"lessons.teacher.{name}", words=t(f"lesson_{lesson.key}.teacher.{name}")))
