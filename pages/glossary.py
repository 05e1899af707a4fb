"""The glossary: every technical term in one plain sentence, to search and to link to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl

import streamlit as st

from pages.widgets import glossary
from pages.widgets.glossary import Term
from pages.widgets.routing import through_router
from pages.widgets.strings import t

_PAGES = Path(__file__).parent
_SEARCH, _TERM = "glossary_search", "term"


def page() -> None:
    """The search, then the terms that fit; one alone if the address names it."""
    st.html(_PAGES / "widgets" / "glossary.css")
    st.markdown(f"# {t('glossary.title')}")
    st.caption(t("glossary.intro"))
    words = st.text_input(
        t("glossary.search"), key=_SEARCH, type="search", live=True, on_change=_forget, max_chars=60,
        placeholder=t("glossary.search_placeholder"), help=t("glossary.search_help"),
    )  # fmt: skip
    every = glossary.terms()
    asked = st.query_params.get(_TERM)
    if asked and not words:
        alone = [one for one in every if one.key == asked]
        if alone:
            _entry(alone[0])
            st.button(t("glossary.back"), key="glossary_back", icon=":material/arrow_back:", on_click=_forget)
            return
        st.info(t("glossary.unknown", words=asked[:40]), icon=":material/search_off:")
    shown = [one for one in every if one.has(words or "")]
    if not shown:
        st.info(t("glossary.none", words=words), icon=":material/search_off:")
        return
    st.caption(t("glossary.count", shown=len(shown), all=len(every)))
    _list(shown)


def _list(shown: Sequence[Term]) -> None:
    for one in shown:
        _entry(one)


def _entry(one: Term) -> None:
    """A heading, so that a screen reader can jump from term to term; then the sentence."""
    with st.container(key=f"term_{one.key}"):
        st.markdown(f"### {one.name}")
        if one.also:
            st.caption(t("glossary.also", names=one.also))
        st.markdown(one.plain)
        if one.formula:
            st.markdown(t("glossary.formula", formula=f"${one.formula}$"))
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            if one.see:
                _see(one.see)
            st.markdown(glossary.term(one.key, t("glossary.link")), width="content")


def _see(where: str) -> None:
    """A link to the place in another page."""
    page, _, query = where.partition("?")
    label = t("glossary.see", page=t(f"{page}.title"))
    st.page_link(f"pages/{page}.py", label=label, icon=":material/visibility:", query_params=dict(parse_qsl(query)))


def _forget() -> None:
    """Leave the single term of the address."""
    st.query_params.pop(_TERM, None)


through_router()
page()
