"""Break it: the attacks on permutation ciphers, each with its threat model, its cost and its success."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.cipher import break_any_key, break_chosen, break_ciphertext, break_known, break_learned, break_naive
from pages.cipher.scene import Scene, scene
from pages.widgets.strings import t

_ATTACKS: dict[str, Callable[[Scene], None]] = {
    "known": break_known.view,
    "chosen": break_chosen.view,
    "ciphertext": break_ciphertext.view,
    "learned": break_learned.view,
    "any_key": break_any_key.view,
    "naive": break_naive.view,
}


def section() -> None:
    """A chooser, and the attack chosen; ``?attack=ciphertext`` opens one."""
    shown = scene()
    st.markdown(t("break_it.intro"))
    candidates = (st.session_state.get("lab_attack"), st.query_params.get("attack"), *_ATTACKS)
    st.session_state["lab_attack"] = next(name for name in candidates if name in _ATTACKS)
    attack = st.segmented_control(
        t("break_it.choose"),
        list(_ATTACKS),
        format_func=lambda name: t(f"break_it.{name}.name"),
        key="lab_attack",
        required=True,
        persist_state="session",
        help=t("help.attack"),
    )
    _ATTACKS[attack](shown)
