"""A page that shows one section at a time; the address keeps which (``?section=…``)."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from pages.widgets.strings import t


def choose_section(page: str, names: Collection[str], key: str) -> str:
    """Draw the control and give the chosen section, the first one by default.

    Args:
        page: the page's table of the catalogue; it words ``sections`` and ``section.<name>``.
        key: of the control; differs from page to page, so that each keeps its own.
    """
    state = st.session_state
    candidates = (state.get(key), st.query_params.get("section"), *names)
    state[key] = next(name for name in candidates if name in names)
    chosen = st.segmented_control(
        t(f"{page}.sections"),
        list(names),
        key=key,
        format_func=lambda name: t(f"{page}.section.{name}"),
        label_visibility="collapsed",
        required=True,
    )
    st.query_params["section"] = chosen
    return chosen
