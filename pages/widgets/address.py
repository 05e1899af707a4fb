"""The page's state and its address: a pasted link restores everything that it may restore.

``LinkSettings.to_query`` and ``from_query`` are the only format. Streamlit's own
``bind="query-params"`` is not used: it writes the *visible label* of a choice into the address
(``channel=No+fading``), so a link would break with every rewording, and it cannot bind what a
button counts (noise, key). Here the address holds registry names and numbers.

A link never holds a picture or key material: one made from an upload opens with a sample.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.widgets import language, lesson_link
from pages.widgets.routing import arrived
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES
from semcom_core.settings import LinkSettings

PRESENT = "present"
_COUNTERS = ("seed", "message", "session")
_DEFAULTS = LinkSettings()


def restore() -> None:
    """Fill the widgets from the address when the visitor came by a link, or went back or forward.

    Must run before any widget. If the address is not the one that this page wrote last, either
    the visitor navigated, or a control was moved before the browser had the new address; only
    in the first case are the controls still where the last run left them.
    """
    query = language.without(st.query_params.to_dict())
    state = st.session_state
    known = "link_address" in state
    if known and not query and arrived():  # the menu of pages drops the address; the visitor changed nothing
        _fill(state["link_settings"])
        return
    prepared = arrived() and lesson_link.PARAMETER in query  # a lesson's link counts, whatever the controls say
    if known and not prepared and (query == state["link_address"] or read() != state["link_settings"]):
        return
    _fill(LinkSettings.from_query(query))
    state["link_sample"] = query.get("sample")
    state["link_view"] = query.get("view")


def read() -> LinkSettings:
    """The settings that the controls stand for, in canonical form: what has no effect is default."""
    state = st.session_state
    chosen = state["defense"] if DEFENSES[state["defense"]].available(state["domain"]) else _DEFAULTS.defense
    defense = DEFENSES[chosen]
    return LinkSettings(
        domain=state["domain"],
        channel=state["channel"],
        snr_db=float(state["snr_db"]),
        eve_snr_db=None if state["eve_follows"] else float(state["eve_snr_db"]),
        defense=defense.name,
        noise=float(state["noise"]) if defense.uses_noise else _DEFAULTS.noise,
        steps=int(state["steps"]) if defense.uses_steps else _DEFAULTS.steps,
        labels=bool(state["labels"]) if defense.uses_steps else _DEFAULTS.labels,
        policy=KeyPolicy(state["policy"]) if defense.keyed else _DEFAULTS.policy,
        attacker=state["attacker"],
        **{name: int(state[name]) for name in _COUNTERS},
    )


def write(settings: LinkSettings, sample: str | None) -> None:
    """Put settings and sample into the address; ``sample`` is ``None`` for the default one."""
    query = address(settings, sample)
    if st.session_state.get("link_view") == PRESENT:
        query["view"] = PRESENT
    query |= lesson_link.kept()
    shown = query | language.query()
    if st.query_params.to_dict() != shown:
        st.query_params.from_dict(shown)
    st.session_state["link_address"] = query
    st.session_state["link_settings"] = settings


def address(settings: LinkSettings, sample: str | None) -> dict[str, str]:
    """Query parameters of a link to these settings."""
    return settings.to_query() | ({"sample": sample} if sample else {})


def prepare(settings: LinkSettings) -> dict[str, str]:
    """Another page's way here: set the controls, and give the query to switch to this page with."""
    _fill(settings)
    query = address(settings, None)
    st.session_state["link_address"], st.session_state["link_settings"] = query, settings
    return query


def presenting() -> bool:
    """Whether the controls are hidden and the type is large, for a projector."""
    return st.session_state.get("link_view") == PRESENT


def present(on: bool) -> None:
    """Button callback: enter or leave the presentation view."""
    # Controls that are not drawn lose their state; the settings of the last run bring it back.
    _fill(st.session_state["link_settings"])
    st.session_state["link_view"] = PRESENT if on else None


def count(name: str) -> None:
    """Button callback: the next noise, message or session."""
    st.session_state[name] = (int(st.session_state[name]) + 1) % 2**31


def _fill(settings: LinkSettings) -> None:
    values: dict[str, Any] = {
        "domain": settings.domain,
        "channel": settings.channel,
        "snr_db": settings.snr_db,
        "eve_follows": settings.eve_snr_db is None,
        "eve_snr_db": settings.chosen_eve_snr_db,
        "defense": settings.defense,
        "noise": settings.noise,
        "steps": settings.steps,
        "labels": settings.labels,
        "policy": str(settings.policy),
        "attacker": settings.attacker,
    }
    st.session_state.update(values | {name: getattr(settings, name) for name in _COUNTERS})
