"""From a lesson to a prepared page and back: ``?lesson=<key>`` stays in the address of the prepared page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.widgets.link_bar import SNR_LIMITS_DB
from pages.widgets.routing import arrived
from pages.widgets.strings import t
from semcom_core.domains import DOMAINS
from semcom_core.lessons.catalogue import lessons
from semcom_core.settings import LIVE_STEPS, NOISE_LIMITS

PARAMETER = "lesson"
PAGE = "pages/lessons.py"
ANSWERS = "lesson_answers"
"""In the session: what was locked in, by lesson."""
_SEEN = "lesson_link_seen"
_LAB = {"domain": "domain", "sample": "sample_{domain}", "snr_db": "lab_snr_db"}
_STATE = {
    "cipher_lab": _LAB | {"section": "section", "attack": "lab_attack"},
    "inversion_lab": _LAB | {"section": "inversion_section"},
    "adversarial_lab": _LAB | {"section": "adversarial_section", "eps": "adv_eps_{domain}"},
    "tuning": {
        "section": "tuning_section", "domain": "knob_domain", "defense": "knob_defense", "noise": "knob_noise",
        "steps": "knob_steps", "snr_db": "knob_snr_db",
    },
    "results": {"section": "results_section", "domain": "results_domain"},
}  # fmt: skip
"""Which control of a page a query parameter stands for. The live page reads its address itself."""


def _between(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _one_of(options: Any, kind: Callable[[str], Any] = str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = kind(text)
        if value not in options:
            raise ValueError(text)
        return value

    return read


_READ: dict[str, Callable[[str], Any]] = {
    "domain": _one_of(DOMAINS),
    "snr_db": _between(*SNR_LIMITS_DB),
    "noise": _between(*NOISE_LIMITS),
    "steps": _one_of(LIVE_STEPS, int),
    "eps": _between(0.0, 1.0),
}
"""Values that a control would refuse are left out; names of sections, samples and defenses are checked by the pages."""


def kept() -> dict[str, str]:
    """The query parameter as long as the visitor comes from a lesson."""
    key = st.query_params.get(PARAMETER)
    return {PARAMETER: key} if key in lessons() else {}


def bar(page: str) -> None:
    """Prepare a page that a lesson opened, and draw the way back; on the live page the way to the first lesson.

    Args:
        page: its path in the address; empty for the live page.
    """
    first = _SEEN not in st.session_state
    st.session_state[_SEEN] = True
    if page == "lessons":
        return
    key = kept().get(PARAMETER)
    if key:
        if first or arrived():
            _prepare(page)
        one = lessons()[key]
        words = t("lessons.back", number=one.number, title=t(f"lesson_{key}.title"))
        st.page_link(PAGE, label=words, icon=":material/arrow_back:", query_params={PARAMETER: key})
    elif not page and not st.session_state.get(ANSWERS) and st.query_params.get("view") is None:
        one = next(iter(lessons().values()))
        title = t(f"lesson_{one.key}.title")
        words = t("lessons.begin", number=one.number, title=title, minutes=one.minutes)
        st.page_link(PAGE, label=words, icon=":material/school:", query_params={PARAMETER: one.key})


def _prepare(page: str) -> None:
    """Put what the address says into the controls, whatever they were left at."""
    state, query = st.session_state, st.query_params.to_dict()
    state["source"] = "sample"
    state["key_mode"] = "demo"
    for name, control in _STATE.get(page, {}).items():
        if name not in query:
            continue
        try:
            value = _READ.get(name, str)(query[name])
        except ValueError:
            continue
        state[control.format(domain=query.get("domain", ""))] = value
