"""Three ways to look at the cipher: step by step, as a film, as one matrix."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.widgets.strings import t, whole
from semcom_core import figures_cipher
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.steps import State, filled
from semcom_core.figures_cipher import Board, FilmWords

_CHART = {"displayModeBar": False}
States = tuple[State, ...]


def step_view(board: Board, key: ConfusionKey, states: States) -> None:
    """The map before and after one step, the equation, and one cell's numbers in it."""
    number = _step_choice(states)
    state = states[number]
    name = state.rule.name
    st.markdown(t(f"watch.step.{name}.words", r=key.r, c=key.c))

    row, column = _cell(board)
    came_from = divmod(int(state.reads[row, column]), key.width)
    if number:
        before, after, words = st.columns([1, 1, 1], gap="medium")
        with before:
            earlier = states[number - 1]
            _board(board, earlier, key, t(f"watch.step.{earlier.rule.name}.map"), "watch_before", came_from)
    else:
        after, words = st.columns([1, 2], gap="medium")
    with after:
        _board(board, state, key, t(f"watch.step.{name}.map"), "watch_after", (row, column))
    with words:
        left, right = st.columns(2)
        left.number_input(t("watch.row"), 0, key.height - 1, key="watch_row", help=t("help.cipher.row"))
        right.number_input(t("watch.column"), 0, key.width - 1, key="watch_column", help=t("help.cipher.column"))
        st.latex(state.rule.general)
        if number:
            equation, _, result = filled(state.rule, key, row, column).rpartition(" = ")
            st.latex(rf"\begin{{aligned}}&{equation}\\&\quad = {result}\end{{aligned}}")
        value = board.labels.ravel()[state.origin[row, column]]
        home = divmod(int(state.origin[row, column]), key.width)
        st.markdown(t("watch.cell_holds", row=row, column=column, value=value, home=f"({home[0]}, {home[1]})"))
        if number:
            st.caption(t("watch.equation_number", number=state.rule.number))
        if name == "inverse_row_confusion":
            at_home = int((state.origin == states[0].origin).sum())
            st.success(t("watch.home", count=at_home, all=state.origin.size), icon=":material/check_circle:")
            st.caption(t("watch.mended"))
    st.caption(t("watch.hover_hint"))


def film_view(board: Board, key: ConfusionKey, states: States) -> None:
    """All steps and inverses as one animation; play, pause and slider run in the browser."""
    names = [t(f"watch.step.{state.rule.name}.film") for state in states]
    marks = [t(f"watch.step.{state.rule.name}.mark") for state in states]
    words = FilmWords(t("watch.film.play"), t("watch.film.pause"), t("watch.film.hover"))
    figure = figures_cipher.film(board, [state.origin for state in states], names, marks, words)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(figure, key="watch_film", config=_CHART, alt=t("watch.film.alt", cells=board.labels.size))
    with right:
        st.markdown(t("watch.film.words"))


def matrix_view(board: Board, key: ConfusionKey, states: States) -> None:
    """The four steps together as one permutation matrix."""
    permutation = key.permutation()
    cells = len(permutation)
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = figures_cipher.permutation_matrix(
            permutation, key.width, t("watch.matrix.x"), t("watch.matrix.y"), t("watch.matrix.hover")
        )
        st.plotly_chart(figure, key="watch_matrix", config=_CHART, alt=t("watch.matrix.alt", cells=cells))
    with right:
        fixed = int((permutation == np.arange(cells)).sum())
        st.markdown(t("watch.matrix.words", cells=cells, entries=whole(cells**2), fixed=fixed))


def _step_choice(states: States) -> int:
    """Previous, the nine states, next."""
    st.session_state.setdefault("watch_step", 0)
    last = len(states) - 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            t("watch.previous"), key="watch_previous", icon=":material/chevron_left:", on_click=_move, args=(-1, last),
            disabled=st.session_state["watch_step"] == 0,
        )  # fmt: skip
        st.button(
            t("watch.next"), key="watch_next", icon=":material/chevron_right:", on_click=_move, args=(1, last),
            disabled=st.session_state["watch_step"] == last, type="primary",
        )  # fmt: skip
    return st.segmented_control(
        t("watch.step_label"),
        range(len(states)),
        format_func=lambda number: t(f"watch.step.{states[number].rule.name}.name"),
        key="watch_step",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )


def _move(by: int, last: int) -> None:
    st.session_state["watch_step"] = min(max(st.session_state["watch_step"] + by, 0), last)


def _cell(board: Board) -> tuple[int, int]:
    """The cell that the inputs name, kept inside a map that became smaller."""
    state, (height, width) = st.session_state, board.shape
    state["watch_row"] = min(state.get("watch_row", min(1, height - 1)), height - 1)
    state["watch_column"] = min(state.get("watch_column", min(2, width - 1)), width - 1)
    return state["watch_row"], state["watch_column"]


def _board(
    board: Board, state: State, key: ConfusionKey, title: str, chart: str, marked: tuple[int, int] | None
) -> None:
    st.caption(title)
    labels = board.labels.ravel()
    hover = [
        f"{filled(state.rule, key, i, j, latex=False)} ← <b>{labels[state.origin[i, j]]}</b>"
        for i, j in np.ndindex(*board.shape)
    ]
    figure = figures_cipher.board_figure(board, state.origin, hover, marked)
    st.plotly_chart(figure, key=chart, config=_CHART, alt=t("watch.board_alt", title=title))
