"""Which screen is shown, and the buttons that turn the pages; the address says both (``?screen=2&view=present``)."""

from __future__ import annotations

import streamlit as st

from pages.widgets.strings import t

_SCREEN, _VIEW, _PRESENT = "screen", "view", "present"


def screen(count: int) -> int:
    """The screen that the address names, from 1; the first if it names none."""
    asked = st.query_params.get(_SCREEN, "1")
    return int(asked) if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= count else 1


def presenting() -> bool:
    """Whether the type is large, for a projector."""
    return st.query_params.get(_VIEW) == _PRESENT


def bar(number: int, count: int) -> None:
    """Back, where we are, next: the arrow keys do the same."""
    with st.container(key="story_bar", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.button(
            t("story.back"), key="story_back", icon=":material/arrow_back:", shortcut="Left", disabled=number == 1,
            on_click=_go, args=(number - 1,), help=t("story.keys"),
        )  # fmt: skip
        st.markdown(t("story.step", number=number, all=count), width="content")
        st.button(
            t("story.next"), key="story_next", icon=":material/arrow_forward:", shortcut="Right",
            disabled=number == count, on_click=_go, args=(number + 1,), type="primary", help=t("story.keys"),
        )  # fmt: skip


def view_button() -> None:
    """Enter or leave the presentation view."""
    there = presenting()
    st.button(
        t("story.leave_present" if there else "story.present"),
        key="story_view",
        icon=":material/tune:" if there else ":material/present_to_all:",
        on_click=_view,
        args=(not there,),
        help=t("story.present_help"),
    )


def _go(number: int) -> None:
    st.query_params[_SCREEN] = str(number)


def _view(present: bool) -> None:
    if present:
        st.query_params[_VIEW] = _PRESENT
    else:
        st.query_params.pop(_VIEW, None)
