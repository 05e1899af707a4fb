"""A page that shows one section at a time; the address keeps which (``?section=…``)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import streamlit as st

from pages.widgets.strings import t
from semcom_core.weights import WeightsError

_PAGES = Path(__file__).parents[1]


def section_page(
    page: str,
    sections: Mapping[str, Callable[[], None]],
    key: str,
    styles: Sequence[str] = (),
    words: str | None = None,
) -> None:
    """Draw a whole page: its styles, the control of sections, and the chosen one.

    Args:
        page, key: see :func:`_choose`.
        sections: what draws each section; missing weights become a sentence.
        styles: style sheets beside the common one, as paths within the pages.
        words: a sentence under the control.
    """
    for style in ("widgets/style.css", *styles):
        st.html(_PAGES / style)
    chosen = _choose(page, sections, key)
    if words:
        st.caption(words)
    try:
        sections[chosen]()
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")


def _choose(page: str, names: Collection[str], key: str) -> str:
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
