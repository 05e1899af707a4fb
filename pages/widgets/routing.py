"""Every page is reached through ``app.py``, also by the first visitor who comes by a deep link."""

from __future__ import annotations

import runpy
from pathlib import Path

import streamlit as st

_PAGE, _ARRIVED = "page", "page_arrived"
_APP = Path(__file__).parents[2] / "app.py"


def note_page(name: str) -> None:
    """Called by ``app.py`` before it runs a page."""
    state = st.session_state
    state[_ARRIVED] = state.get(_PAGE, name) != name
    state[_PAGE] = name


def arrived() -> bool:
    """Whether the visitor was on another page of the app a moment ago."""
    return bool(st.session_state.get(_ARRIVED))


def through_router() -> None:
    """Run ``app.py`` in place of a page that was reached without it; call this first on every page.

    Until ``st.navigation`` has run once in a server's life, Streamlit takes the folder ``pages/``
    for its old kind of multipage app and runs the file that the address names directly: without
    our navigation, titles and configuration.
    """
    if _PAGE not in st.session_state:
        runpy.run_path(str(_APP))
        st.stop()
