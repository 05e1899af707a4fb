"""The rest of a lab's sidebar: channel, SNR, and new noise."""

from __future__ import annotations

import streamlit as st

from pages.widgets.strings import t
from semcom_core import link
from semcom_core.channels import CHANNELS
from semcom_core.domains import DOMAINS

SNR_LIMITS_DB = (0.0, 25.0)
DEFAULT_SNR_DB = 11.0


def domains() -> list[str]:
    """Domains whose unprotected link is trained; a lab needs at least that."""
    return [name for name in DOMAINS if "none" in link.trained_defenses(name)]


def link_bar(lab: str, snr: str) -> tuple[str, float]:
    """Draw the controls of the link (call it inside the sidebar); the channel and the SNR in dB.

    Args:
        lab: names the lab in keys.
        snr: label of the SNR.
    """
    st.markdown(f"##### {t('controls.heading.link')}")
    channel = st.selectbox(
        t("controls.channel"),
        [name for name, one in CHANNELS.items() if one.trained],
        format_func=lambda name: t(f"channel.{name}.name"),
        key=f"{lab}_channel",
        help=t("controls.channel_help"),
        persist_state="session",
    )
    return channel, snr_slider(snr)


def snr_slider(label: str) -> float:
    """Draw a lab's SNR, which the labs share; in dB."""
    snr_db = st.slider(
        label, *SNR_LIMITS_DB, DEFAULT_SNR_DB, 0.5, format="%g dB", key="lab_snr_db",
        help=t("controls.snr_help"), persist_state="session",
    )  # fmt: skip
    return float(snr_db)


def noise_seed(lab: str, words: str) -> int:
    """The button for new noise; the seed of the noise now.

    Args:
        words: help of the button.
    """
    key = f"{lab}_seed"

    def renew() -> None:
        st.session_state[key] = (st.session_state.get(key, 0) + 1) % 2**31

    st.button(
        t("controls.new_noise"), icon=":material/refresh:", key=f"{lab}_new_noise", on_click=renew,
        help=words, width="stretch",
    )  # fmt: skip
    return st.session_state.get(key, 0)
