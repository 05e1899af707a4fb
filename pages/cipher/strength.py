"""Section 3: how many keys there really are, why, and what a nearly right key gives."""

from __future__ import annotations

import streamlit as st

from pages.cipher import strength_wrong_key
from pages.cipher.strength_argument import argument
from pages.cipher.strength_count import count
from pages.widgets.strings import t


def section() -> None:
    """The count, the argument why it is smaller than claimed, and the wrong-key experiment."""
    st.markdown(t("strength.intro"))
    count()
    st.divider()
    argument()
    st.divider()
    strength_wrong_key.section()
