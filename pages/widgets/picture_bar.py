"""The top of a lab's sidebar: kind of picture, and where the picture comes from."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.widgets.picture_source import Chosen, choose_picture
from pages.widgets.strings import t
from semcom_core.domains import DOMAINS


def picture_bar(domains: Sequence[str]) -> tuple[str, Chosen]:
    """Draw the controls (call it inside the sidebar); the domain and the picture.

    Args:
        domains: those on offer, the default one first.
    """
    # Set at each run: what another page's widget left under this key goes when that page does.
    candidates = (st.session_state.get("domain"), st.query_params.get("domain"), *domains)
    st.session_state["domain"] = next(name for name in candidates if name in domains)
    for key in ("source", *(f"sample_{name}" for name in DOMAINS)):
        if st.session_state.get(key) is not None:
            st.session_state[key] = st.session_state[key]
    st.markdown(f"##### {t('controls.heading.picture')}")
    domain = st.segmented_control(
        t("controls.domain"),
        domains,
        format_func=lambda name: t(f"domain.{name}.name"),
        key="domain",
        required=True,
        label_visibility="collapsed",
        width="stretch",
        persist_state="session",
    )
    return domain, choose_picture(domain)
