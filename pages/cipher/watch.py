"""Section 1: the four steps of the cipher and their inverses, on numbers, features and pixels."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.cipher import key_editor, lab_picture
from pages.cipher.watch_views import film_view, matrix_view, step_view
from pages.widgets.strings import t
from semcom_core import figures_cipher
from semcom_core.ciphers.steps import walk
from semcom_core.codecs.repobe import GRID
from semcom_core.figures_cipher import Board

SMALLEST, LARGEST = 2, GRID
_CONTENTS = ("numbers", "features", "picture")
_VIEWS = {"steps": step_view, "film": film_view, "matrix": matrix_view}
_SCALE_QUANTILE = 0.995


def section() -> None:
    """What to scramble, with which key, and one of three ways to look at it."""
    st.markdown(t("watch.intro"))
    with st.container(horizontal=True, gap="large"):
        content = _choice("watch_content", _CONTENTS, "watch.content")
        view = _choice("watch_view", tuple(_VIEWS), "watch.view")
    board = {"numbers": _numbers, "features": _features, "picture": _picture}[content]()
    key = key_editor.key_editor(*board.shape)
    _VIEWS[view](board, key, walk(key))


def _choice(key: str, options: tuple[str, ...], words: str) -> str:
    st.session_state.setdefault(key, options[0])
    return st.segmented_control(
        t(f"{words}.label"),
        options,
        format_func=lambda one: t(f"{words}.{one}"),
        key=key,
        required=True,
        persist_state="session",
        help=t(f"{words}.help"),
    )


def _numbers() -> Board:
    st.session_state.setdefault("watch_height", 4)
    st.session_state.setdefault("watch_width", 4)
    left, right = st.columns(2)
    height = left.slider(
        t("watch.height"), SMALLEST, LARGEST, key="watch_height", persist_state="session", help=t("help.cipher.height")
    )
    width = right.slider(
        t("watch.width"), SMALLEST, LARGEST, key="watch_width", persist_state="session", help=t("help.cipher.width")
    )
    return figures_cipher.numbered(height, width)


def _features() -> Board:
    domain, chosen = lab_picture.choose("watch")
    maps = lab_picture.feature_map(domain, chosen)
    st.session_state.setdefault("watch_plane", 0)
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        plane = st.segmented_control(
            t("watch.plane"),
            range(len(maps)),
            format_func=lambda number: str(number + 1),
            key="watch_plane",
            required=True,
            persist_state="session",
            help=t("help.cipher.plane"),
        )
    limit = float(np.quantile(np.abs(maps), _SCALE_QUANTILE))
    with right:
        board = _colouring(figures_cipher.of_values(maps[plane], limit))
    st.caption(t("watch.features_caption", limit=limit))
    return board


def _picture() -> Board:
    _, chosen = lab_picture.choose("watch")
    board = _colouring(figures_cipher.of_picture(lab_picture.small_pixels(chosen)))
    st.caption(t("watch.picture_caption"))
    return board


def _colouring(board: Board) -> Board:
    """The cells as they look, or coloured by where they start, so that the eye can follow them."""
    by_place = st.toggle(
        t("watch.by_place"), key="watch_by_place", persist_state="session", help=t("help.cipher.by_place")
    )
    return figures_cipher.recoloured(board) if by_place else board
