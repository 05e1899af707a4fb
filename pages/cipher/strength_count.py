"""Theorem 1's count of keys beside the number of ciphers that they really make."""

from __future__ import annotations

import streamlit as st

from pages.widgets.strings import t, whole
from semcom_core import figures_keys
from semcom_core.ciphers.keyspace import claimed_count, exhaustive_count, log2_count, true_count
from semcom_core.codecs.repobe import GRID

_CHART = {"displayModeBar": False}
_TRIED = 20_000
"""Most keys that the page tries while the visitor waits: 4×4 has 9,216, a third of a second."""
_AES = 128
_GUESSES_A_SECOND = 10**18
_SECONDS_A_YEAR = 365.25 * 24 * 3600


def count() -> None:
    """Three numbers for a map size, and both counts over the side of square maps."""
    st.session_state.setdefault("strength_height", 4)
    st.session_state.setdefault("strength_width", 4)
    left, right = st.columns(2)
    height = left.slider(
        t("watch.height"), 2, GRID, key="strength_height", persist_state="session", help=t("help.cipher.height")
    )
    width = right.slider(
        t("watch.width"), 2, GRID, key="strength_width", persist_state="session", help=t("help.cipher.width")
    )
    claimed, true = claimed_count(height, width), true_count(height, width)
    with st.container(key="strength_counts"):
        one, two, three = st.columns(3)
        one.metric(
            t("strength.claimed"),
            amount(claimed),
            t("strength.claimed_formula"),
            delta_color="off",
            delta_arrow="off",
            border=True,
        )
        formula = "strength.true_formula" if height % width == 0 else "strength.true_formula_r"
        two.metric(t("strength.true"), amount(true), t(formula), delta_color="off", delta_arrow="off", border=True)
        if claimed <= _TRIED:
            tried = _exhaustive(height, width)
            three.metric(
                t("strength.tried"), amount(tried), t("strength.tried_of", keys=amount(claimed)), delta_color="off",
                delta_arrow="off",
                border=True,
            )  # fmt: skip
        else:
            three.metric(
                t("strength.tried"), t("strength.too_many"), t("strength.tried_up_to", most=amount(_TRIED)),
                delta_color="off", delta_arrow="off", border=True,
            )  # fmt: skip
    st.markdown(t("strength.factor", factor=claimed // true, height=height, width=width))

    chart, words = st.columns([3, 2], gap="large")
    with chart:
        sides = list(range(2, GRID + 1))
        figure = figures_keys.key_bits(
            sides,
            [log2_count(claimed_count(side, side)) for side in sides],
            [log2_count(true_count(side, side)) for side in sides],
            t("strength.claimed"),
            t("strength.true"),
            (_AES, t("strength.aes")),
            t("strength.side"),
            t("strength.bits"),
        )
        st.plotly_chart(figure, key="strength_bits", config=_CHART, alt=t("strength.bits_alt"))
    with words:
        full = true_count(GRID, GRID)
        years = full / _GUESSES_A_SECOND / _SECONDS_A_YEAR
        st.markdown(
            t(
                "strength.large",
                bits=log2_count(full),
                digits=len(str(full)),
                claimed_bits=_claimed_bits(),
                years=power(years),
            )
        )


@st.cache_data(max_entries=64, show_spinner=False)
def _exhaustive(height: int, width: int) -> int:
    return exhaustive_count(height, width)


def _claimed_bits() -> float:
    return log2_count(claimed_count(GRID, GRID))


def amount(number: int) -> str:
    """A count with thousands separators, or as a power of ten and bits if it is long."""
    return whole(number) if number < 10**9 else f"{power(number)} ≈ 2^{log2_count(number):.1f}"


def power(number: float) -> str:
    """``3.0 · 10⁴¹``."""
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa} · 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
