"""Which language a visitor reads: the one asked for in the address or with the button, else the browser's.

Only a language that was asked for goes into the address (``?lang=fr``): a link made by somebody
who never asked opens in the language of whoever follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

T = TypeVar("T")
LANGUAGES = {"en": "English", "fr": "Français"}
"""Code of each language and its own name for itself."""
DEFAULT = "en"
PARAMETER = "lang"
_NOW, _ASKED, _SEEN = "language", "language_asked", "language_seen"
_given: ContextVar[str | None] = ContextVar("language", default=None)
"""Set by :func:`settle` for a run, and while :func:`in_this` works."""
_STYLE = Path(__file__).parent / "language.css"


def of_locale(locale: str | None) -> str:
    """The language for a browser's locale: ``fr-CA`` gives ``fr``; one that nobody translated gives English."""
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else DEFAULT


def current() -> str:
    """The language of the running session; English where none is running (tests, command line, other threads)."""
    if (given := _given.get()) is not None:
        return given
    if get_script_run_ctx(suppress_warning=True) is None:
        return DEFAULT
    return st.session_state.get(_NOW, DEFAULT)


def in_this(make: Callable[[], T]) -> Callable[[], T]:
    """The same work in the language of this run, wherever it is done.

    A file that is made when a visitor asks for it is made on a thread without a session.
    """
    language = current()

    def made() -> T:
        token = _given.set(language)
        try:
            return make()
        finally:
            _given.reset(token)

    return made


def settle() -> None:
    """Decide the language of this run. ``app.py`` calls it before the first sentence."""
    state, asked = st.session_state, st.query_params.get(PARAMETER)
    # Only a new word in the address counts: a click may come back with the address of before the last click.
    if asked != state.get(_SEEN):
        state[_SEEN] = asked
        if asked in LANGUAGES:
            state[_ASKED] = asked
    state[_NOW] = state.get(_ASKED) or of_locale(_browser_locale())
    _given.set(state[_NOW])  # a run has a context of its own; asking it is quicker than asking the session
    for name, value in query().items():  # the menu of pages drops it
        if asked != value:
            st.query_params[name] = value


def query() -> dict[str, str]:
    """What a page's address and a share link hold of the language: nothing if nobody asked for one."""
    asked = st.session_state.get(_ASKED)
    return {PARAMETER: asked} if asked else {}


def without(address: dict[str, str]) -> dict[str, str]:
    """A page's own part of an address."""
    return {name: value for name, value in address.items() if name != PARAMETER}


def switch() -> None:
    """Draw the button to the other language, at the top of every page."""
    now = current()
    other = next(one for one in LANGUAGES if one != now)
    with st.container(key="language"):
        st.html(_STYLE)
        # For screen readers and hyphenation: Streamlit's own page says that it is English.
        st.html(f"<script>document.documentElement.lang = '{now}'</script>", unsafe_allow_javascript=True)
        st.button(
            LANGUAGES[other], key="switch_language", type="tertiary", icon=":material/translate:",
            on_click=_ask, args=(other,),
        )  # fmt: skip


def _ask(language: str) -> None:
    # What the address says at a click is older than the click.
    st.session_state.update({_ASKED: language, _SEEN: st.query_params.get(PARAMETER)})
    # A select box shows the words that it was chosen by until its value is set again.
    for key, value in st.session_state.to_dict().items():
        if isinstance(value, str):
            st.session_state[key] = value


def _browser_locale() -> str | None:
    return st.context.locale
