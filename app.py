"""SemCom Lab: the router. Pages live in ``pages/``; everything they show comes from ``semcom_core``."""

from __future__ import annotations

from pathlib import Path

import pandas  # noqa: F401 - whole before any figure is drawn: plotly trips over one that another session is loading
import streamlit as st

import semcom_core  # noqa: F401 - first: it sets how many threads NumPy may use
from pages.widgets import collector, cores, language, lesson_link, warm_up
from pages.widgets.routing import note_page
from pages.widgets.strings import t

# A file and not an icon's name: Streamlit would fetch that from another server.
_ICON = Path(__file__).parent / "pages" / "widgets" / "icon.svg"

language.settle()

# No icons of Material Symbols here: they would become the favicon, fetched from another server.
page = st.navigation(
    {
        "": [
            st.Page("pages/live_link.py", title=t("live_link.title"), default=True),
            st.Page("pages/lessons.py", title=t("lessons.title")),
            st.Page("pages/cipher_lab.py", title=t("cipher_lab.title")),
            st.Page("pages/inversion_lab.py", title=t("inversion_lab.title")),
            st.Page("pages/adversarial_lab.py", title=t("adversarial_lab.title")),
            st.Page("pages/tuning.py", title=t("tuning.title")),
            st.Page("pages/results.py", title=t("results.title")),
        ],
        # A menu of its own, so that the bar stays short.
        t("app.guide"): [
            st.Page("pages/story.py", title=t("story.title")),
            st.Page("pages/glossary.py", title=t("glossary.title")),
        ],
    },
    position="top",
)
st.set_page_config(page_title=f"{page.title} · {t('app.title')}", page_icon=str(_ICON), layout="wide")
language.switch()
note_page(page.url_path)
lesson_link.bar(page.url_path)
collector.start()
cores.start()
warm_up.start()
with cores.turn():
    page.run()
