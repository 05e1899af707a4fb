"""The cipher's key as a person edits it: a bad one is refused with the reason, the last good one stays."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.widgets.cipher_view import fingerprint
from pages.widgets.strings import t
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.key_text import KeyTextError, order_text, parse_key
from semcom_core.ciphers.keys import KeyPolicy, KeySource

_PARTS = ("K_r", "K_c", "r", "c")
_OPEN_UP_TO = 8
"""Larger keys are long: their editor opens on demand."""


def key_editor(height: int, width: int) -> ConfusionKey:
    """Draw the editor and give the key of an H×W map: what is typed, or the last good one."""
    state = st.session_state
    size = (height, width)
    if state.get("watch_key_size") != size:  # another map: its own last key
        state["watch_key_size"] = size
        _show(_keys().setdefault(size, _drawn(0, height, width)))
    elif "watch_text_K_r" not in state:  # the fields were not on the page for a while
        _show(_keys()[size])

    with st.expander(t("watch.key.title"), expanded=max(size) <= _OPEN_UP_TO, icon=":material/key:"):
        rows, columns, r, c = st.columns([4, 4, 1, 1])
        rows.text_input(t("watch.key.rows", count=height), key="watch_text_K_r", help=t("help.cipher.rows"))
        columns.text_input(t("watch.key.columns", count=width), key="watch_text_K_c", help=t("help.cipher.columns"))
        r.text_input(t("watch.key.r", last=height - 1), key="watch_text_r", help=t("help.cipher.r"))
        c.text_input(t("watch.key.c", last=width - 1), key="watch_text_c", help=t("help.cipher.c"))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                t("watch.key.draw"), key="watch_draw", icon=":material/casino:", on_click=_draw, args=size,
                help=t("watch.key.draw_help"),
            )  # fmt: skip
            st.button(t("watch.key.identity"), key="watch_identity", on_click=_identity, args=size)
        try:
            key = _keys()[size] = parse_key(*(state[f"watch_text_{part}"] for part in _PARTS), height, width)
        except KeyTextError as error:
            key = _keys()[size]
            st.error(t("watch.key.refused", reason=error), icon=":material/key_off:")
            st.button(t("watch.key.back"), key="watch_key_back", icon=":material/undo:", on_click=_show, args=(key,))
        st.caption(t("watch.key.fingerprint", value=fingerprint(key)))
    return key


def _keys() -> dict[tuple[int, int], ConfusionKey]:
    """The last good key of each map size; this section's keys are drawn from the public demo key."""
    return st.session_state.setdefault("watch_keys", {})


def _drawn(number: int, height: int, width: int) -> ConfusionKey:
    nonce = f"{number}/{height}/{width}".encode()
    stream = KeySource.published().stream("lab/watch", KeyPolicy.MESSAGE, seed=0, session=0, nonce=nonce)
    return ConfusionKey.draw(stream, height, width)


def _draw(height: int, width: int) -> None:
    st.session_state["watch_draws"] = st.session_state.get("watch_draws", 0) + 1
    _show(_drawn(st.session_state["watch_draws"], height, width))


def _identity(height: int, width: int) -> None:
    # Not r = c = 0 and sorted orders: those still shift row i by i, and column j by j.
    _show(ConfusionKey(np.arange(height), np.arange(width), 0, 0))


def _show(key: ConfusionKey) -> None:
    """Write a key into the fields."""
    texts = (order_text(key.K_r), order_text(key.K_c), str(key.r), str(key.c))
    st.session_state.update({f"watch_text_{part}": text for part, text in zip(_PARTS, texts, strict=True)})
