"""The sidebar: every choice about the link, in plain words, with the technical name in the help."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.widgets import address, own_link, stages
from pages.widgets.picture_bar import picture_bar
from pages.widgets.picture_source import Chosen
from pages.widgets.strings import t
from pages.widgets.threat import threat_sentence
from semcom_core.attacks import THREATS, default_attacker
from semcom_core.channels import CHANNELS
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.settings import AUTO, LIVE_STEPS, NOISE_LIMITS, SNR_LIMITS_DB, LinkSettings

_KEPT: dict[str, Any] = {"persist_state": "session"}
"""A control that is hidden for a while keeps its value."""


def controls() -> Chosen:
    """Draw all controls. Their values are in the session state; the picture is returned."""
    with st.sidebar:
        _, chosen = picture_bar(list(DOMAINS))
        _heading("link")
        _channel()
        _heading("defense")
        _defense()
        _heading("attacker")
        _attacker()
        _again()
    return chosen


def _heading(name: str) -> None:
    st.markdown(f"##### {t(f'controls.heading.{name}')}")


def _choice(key: str, options: list[str], table: str) -> str:
    """A select box over registry names, worded by a table of the catalogue."""
    chosen = st.selectbox(
        t(f"controls.{key}"),
        options,
        format_func=lambda name: t(f"{table}.{name}.name"),
        key=key,
        help=t(f"controls.{key}_help"),
        **_KEPT,
    )
    st.caption(t(f"{table}.{chosen}.plain"))
    return chosen


def _snr(key: str, label: str) -> None:
    low, high = SNR_LIMITS_DB
    st.slider(label, low, high, step=0.5, format="%g dB", key=key, help=t("controls.snr_help"), **_KEPT)


def _channel() -> None:
    name = _choice("channel", list(CHANNELS), "channel")
    if not CHANNELS[name].trained:
        st.caption(f":material/warning: {t('controls.untrained')}")
    _snr("snr_db", t("controls.snr_db"))


def _defense() -> None:
    options = own_link.defenses(st.session_state["domain"]) or list(DEFENSES)
    if st.session_state["defense"] not in options:  # another domain had it
        st.session_state["defense"] = LinkSettings().defense
    defense = DEFENSES[_choice("defense", options, "defense")]
    if defense.uses_noise:
        st.slider(t("controls.noise"), *NOISE_LIMITS, step=0.1, key="noise", help=t("controls.noise_help"), **_KEPT)
    if defense.uses_steps:
        st.select_slider(t("controls.steps"), LIVE_STEPS, key="steps", help=t("controls.steps_help"), **_KEPT)
        st.toggle(t("controls.labels"), key="labels", help=t("controls.labels_help"), **_KEPT)
    if not defense.keyed:
        return
    st.segmented_control(
        t("controls.policy"),
        [str(policy) for policy in reversed(KeyPolicy)],
        format_func=lambda policy: t(f"policy.{policy}.name"),
        key="policy",
        required=True,
        help=t("controls.policy_help"),
        width="stretch",
        **_KEPT,
    )
    st.caption(t(f"policy.{st.session_state['policy']}.plain"))
    st.segmented_control(
        t("controls.key_mode"),
        [stages.DEMO, stages.SECRET],
        format_func=lambda mode: t(f"key_mode.{mode}.name"),
        key="key_mode",
        default=stages.DEMO,
        required=True,
        help=t("controls.key_mode_help"),
        width="stretch",
        **_KEPT,
    )
    st.caption(t(f"key_mode.{st.session_state['key_mode']}.plain"))


def _attacker() -> None:
    state = st.session_state
    keyed = DEFENSES[state["defense"]].keyed
    automatic = default_attacker(DEFENSES[state["defense"]], KeyPolicy(state["policy"]))
    options = [AUTO, *own_link.attackers(state["domain"], state["defense"])]
    if state["attacker"] not in options:
        state["attacker"] = AUTO

    def words(name: str) -> str:
        if name == AUTO:
            return t("attacker.auto.name", name=t(f"attacker.{automatic}.tag"))
        return t(f"attacker.{name}.name")

    st.selectbox(
        t("controls.attacker"),
        options,
        format_func=words,
        key="attacker",
        help=t("controls.attacker_help"),
        **_KEPT,
    )
    chosen = automatic if state["attacker"] == AUTO else state["attacker"]
    st.caption(t(f"attacker.{chosen}.{'plain' if keyed else 'plain_without_key'}"))
    st.caption(threat_sentence(THREATS[chosen]))
    st.toggle(t("controls.eve_follows"), key="eve_follows", **_KEPT, help=t("help.eve_follows"))
    if not state["eve_follows"]:
        _snr("eve_snr_db", t("controls.eve_snr_db"))


def _again() -> None:
    """New noise and new key are separate: one changes the channel, the other what is sent."""
    state = st.session_state
    policy = KeyPolicy(state["policy"])
    counter = {KeyPolicy.MESSAGE: "message", KeyPolicy.SESSION: "session"}.get(policy)
    keyed = DEFENSES[state["defense"]].keyed
    reason = "controls.new_key_no_key" if not keyed else "controls.new_key_fixed" if counter is None else ""
    left, right = st.columns(2)
    left.button(
        t("controls.new_noise"),
        icon=":material/refresh:",
        key="new_noise",
        on_click=address.count,
        args=("seed",),
        help=t("controls.new_noise_help"),
        width="stretch",
    )
    right.button(
        t("controls.new_key"),
        icon=":material/key:",
        key="new_key",
        on_click=address.count,
        args=(counter,),
        disabled=bool(reason),
        help=t(reason or "controls.new_key_help"),
        width="stretch",
    )
