"""Section 2: two parties agree on a key, draw message keys from it, and are attacked meanwhile."""

from __future__ import annotations

import streamlit as st

from pages.cipher.keys_exchange import exchange
from pages.cipher.keys_messages import messages
from pages.cipher.keys_uniform import uniform
from pages.widgets.strings import t


def section() -> None:
    """The exchange, the keys of messages, and whether they are drawn fairly."""
    st.markdown(t("keys.intro"))
    agreed, demo = exchange()
    st.divider()
    messages(agreed, demo)
    st.divider()
    uniform()
