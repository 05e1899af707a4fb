"""The share link: the live page's address with these settings, and what it does not restore."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import streamlit as st

from pages.widgets import address, language
from pages.widgets.stages import Session
from pages.widgets.strings import t


def share_link(session: Session) -> str:
    """The address of the live page with these settings, also from another page."""
    here = urlsplit(st.context.url or "")
    query = urlencode(address.address(session.settings, session.chosen.sample) | language.query())
    return here._replace(path=_live_page(here.path), query=query, fragment="").geturl()


def _live_page(path: str) -> str:
    """The path of the live page: it lies at the root, where another page has its name."""
    folder, _, last = path.rpartition("/")
    return f"{folder}/" if last and last == st.session_state.get("page") else path


def share_note(session: Session) -> str:
    """What the share link restores, and what it cannot."""
    notes = [t("take.share_private") if session.chosen.private else t("take.share_sample")]
    if not session.source.demo:
        notes.append(t("take.share_secret"))
    if session.own:
        notes.append(t("take.share_own"))
    return " ".join(notes)
