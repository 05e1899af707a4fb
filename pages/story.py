"""The story: the result in three screens, in plain words, for people who decide."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.story_views import bar
from pages.story_views.scene import Scene
from pages.story_views.screens import SCREENS
from pages.story_views.sources import sources
from pages.widgets.link_bar import domains
from pages.widgets.picture_source import chosen_before
from pages.widgets.report import report_button
from pages.widgets.routing import through_router
from pages.widgets.strings import t
from semcom_core.domains import DOMAINS
from semcom_core.weights import WeightsError

_STYLES = Path(__file__).parent / "story_views"


def page() -> None:
    """Which screen, whose picture; then draw it."""
    st.html(_STYLES / "story.css")
    if bar.presenting():
        st.html(_STYLES / "present.css")
    number = bar.screen(len(SCREENS))
    domain = _domain()
    try:
        scene = Scene(domain, chosen_before(domain))
        shown = SCREENS[number - 1](scene)
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    bar.bar(number, len(SCREENS))
    with st.container(horizontal=True, vertical_alignment="bottom", key="story_tools"):
        bar.view_button()
        report_button(shown.session, shown.transmission, shown.facts)
    if not bar.presenting():
        _choose(domain)
    sources(scene.told.values())


def _domain() -> str:
    """The kind of picture: chosen here, named by the address, or last used on the live page."""
    settings = st.session_state.get("link_settings")
    names = domains() or list(DOMAINS)  # without weights, the picture's stages say what to do
    candidates = (st.session_state.get("story_domain"), st.query_params.get("domain"), settings and settings.domain)
    domain = next((name for name in candidates if name in names), names[0])
    if domain != names[0] or "domain" in st.query_params:
        st.query_params["domain"] = domain
    st.session_state["story_domain"] = domain
    return domain


def _choose(domain: str) -> None:
    """The kind of picture; which picture it is, other pages decide."""
    st.segmented_control(
        t("story.domain"),
        domains() or list(DOMAINS),
        format_func=lambda name: t(f"domain.{name}.name"),
        key="story_domain",
        required=True,
        persist_state="session",
        help=t("story.domain_help"),
    )
    st.caption(t("story.your_picture"))


through_router()
page()
