"""Are the drawn keys fair? Thousands of small permutations, counted, beside a naive shuffle."""

from __future__ import annotations

import streamlit as st

from pages.widgets.strings import t, whole
from semcom_core import figures_keys
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.ciphers.uniformity import Uniformity, fisher_yates, naive_shuffle, uniformity

_CHART = {"displayModeBar": False}
SIZE = 4
EACH = 200
"""Expected draws of each of the 24 permutations."""
_LEVEL = 0.99


def uniform() -> None:
    """Counts of all orders of four, for our shuffle and for the naive one, with the test of both."""
    state = st.session_state
    st.markdown(t("keys.uniform.words", draws=whole(24 * EACH)))
    st.button(t("keys.uniform.again"), key="keys_uniform_again", icon=":material/casino:", on_click=_again)
    fair, naive = _tests(state.get("keys_uniform_round", 0))
    figure = figures_keys.permutation_counts(
        fair.orders,
        fair.counts,
        naive.counts,
        fair.expected,
        t("keys.uniform.fair"),
        t("keys.uniform.naive"),
        t("keys.uniform.expected", count=f"{fair.expected:g}"),
        t("keys.uniform.count"),
    )
    st.plotly_chart(figure, key="keys_uniform", config=_CHART, alt=t("keys.uniform.alt"))
    left, right = st.columns(2)
    for column, name, test in ((left, "fair", fair), (right, "naive", naive)):
        with column.container(border=True):
            verdict = t("keys.uniform.passed" if test.passed else "keys.uniform.failed")
            st.metric(
                t(f"keys.uniform.{name}"), f"χ² = {test.statistic:.1f}", verdict, delta_color="off", delta_arrow="off"
            )
            st.caption(t("keys.uniform.limit", limit=test.limit, freedom=len(test.orders) - 1, p=f"{test.p_value:.2g}"))
    st.caption(t("keys.uniform.note"))


@st.cache_data(max_entries=16, show_spinner=False)
def _tests(number: int) -> tuple[Uniformity, Uniformity]:
    """Both shuffles on key streams of the same round."""
    source = KeySource.published()
    streams = (
        source.stream(f"lab/uniform/{name}", KeyPolicy.MESSAGE, seed=0, session=0, nonce=str(number).encode())
        for name in ("fair", "naive")
    )
    shuffles = (fisher_yates, naive_shuffle)
    one, other = (uniformity(s, SIZE, 24 * EACH, f, _LEVEL) for s, f in zip(streams, shuffles, strict=True))
    return one, other


def _again() -> None:
    st.session_state["keys_uniform_round"] = st.session_state.get("keys_uniform_round", 0) + 1
