"""Why c, and mostly r, add no keys: shift one, and another key makes the very same cipher."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.widgets.cipher_view import fingerprint
from pages.widgets.strings import t
from semcom_core import figures_cipher
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.key_text import order_text
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.ciphers.keyspace import cells_right, compensate_c, compensate_r, same_cipher, shift_c, shift_r

_CHART = {"displayModeBar": False}
_SIZES = {"4 × 4": (4, 4), "5 × 5": (5, 5), "6 × 3": (6, 3), "3 × 4": (3, 4), "2 × 5": (2, 5)}
"""The last two: W does not divide H, so r is not absorbed."""


def argument() -> None:
    """A key, the same with one offset shifted, and the key that makes up for it."""
    st.markdown(t("argument.words"))
    state = st.session_state
    state.setdefault("argument_offset", "c")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            t("argument.size"),
            list(_SIZES),
            key="argument_size",
            persist_state="session",
            width=140,
            help=t("help.cipher.size"),
        )
        offset = st.segmented_control(
            t("argument.offset"),
            ("c", "r"),
            key="argument_offset",
            required=True,
            persist_state="session",
            help=t("help.cipher.offset"),
        )
        height, width = _SIZES[name]
        by = st.slider(
            t("argument.by"), 1, (width if offset == "c" else height) - 1 or 1, key=f"argument_by_{name}_{offset}",
            width=220, help=t("help.cipher.by")
        ) if (width if offset == "c" else height) > 2 else 1  # fmt: skip
        st.button(t("argument.draw"), key="argument_draw", icon=":material/casino:", on_click=_draw)
    key = _key(height, width)
    shifted = (shift_c if offset == "c" else shift_r)(key, by)
    try:
        made_up = (compensate_c if offset == "c" else compensate_r)(key, by)
    except ValueError:
        made_up = None

    plain = figures_cipher.numbered(height, width)
    grid = st.grid(3, min_column_width=250, gap="medium")
    with grid.cell():
        _card(t("argument.first"), plain, key, key)
    with grid.cell():
        _card(t("argument.shifted", offset=offset, by=by), plain, shifted, key)
    with grid.cell():
        if made_up is None:
            st.markdown(f"**{t('argument.none_title')}**")
            st.info(t("argument.none", height=height, width=width), icon=":material/block:")
        else:
            _card(t("argument.made_up", offset=offset, by=by), plain, made_up, key)
    st.markdown(t(f"argument.why_{offset}"))
    canonical = [key.canonical(), shifted.canonical(), *([] if made_up is None else [made_up.canonical()])]
    names = [
        t("argument.first"),
        t("argument.shifted", offset=offset, by=by),
        t("argument.made_up", offset=offset, by=by),
    ]
    lines = [f"- {name} → `{_text(one)}`" for name, one in zip(names, canonical, strict=False)]
    st.markdown(t("argument.canonical") + "\n\n" + "\n".join(lines))


def _card(title: str, plain: figures_cipher.Board, key: ConfusionKey, original: ConfusionKey) -> None:
    """A key, the map that it sends, and whether it is the original cipher."""
    st.markdown(f"**{title}**")
    st.markdown(f"`{_text(key)}`")
    rows, columns = key.source()
    hover = [f"({i}, {j}) ← {plain.labels[rows[i, j], columns[i, j]]}" for i, j in np.ndindex(*plain.shape)]
    figure = figures_cipher.board_figure(plain, rows * key.width + columns, hover)
    figure.update_layout(height=230)
    st.plotly_chart(figure, key=f"argument_{title}", config=_CHART, alt=f"{title}: {fingerprint(key)}")
    if key is original:
        st.markdown(t("argument.this_is"))
    elif same_cipher(key, original):
        st.badge(t("argument.same"), icon=":material/check:", color="blue")
    else:
        share = cells_right(original, key)
        text = t("argument.other", right=round(share * plain.labels.size), all=plain.labels.size)
        st.badge(text, icon=":material/close:", color="orange")


def _text(key: ConfusionKey) -> str:
    return f"K_r = {order_text(key.K_r)} | K_c = {order_text(key.K_c)} | r = {key.r} | c = {key.c}"


def _key(height: int, width: int) -> ConfusionKey:
    number = st.session_state.get("argument_draws", 0)
    nonce = f"{number}/{height}/{width}".encode()
    stream = KeySource.published().stream("lab/argument", KeyPolicy.MESSAGE, seed=0, session=0, nonce=nonce)
    return ConfusionKey.draw(stream, height, width)


def _draw() -> None:
    st.session_state["argument_draws"] = st.session_state.get("argument_draws", 0) + 1
