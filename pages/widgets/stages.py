"""The link's four stages behind the page's caches: moving a slider re-runs only what depends on it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

import streamlit as st
from torch import nn

from pages.widgets import own_link
from pages.widgets.picture_source import Chosen, known_picture
from pages.widgets.stage_cache import StageCache, stage_cache
from pages.widgets.strings import t
from semcom_core import away, link
from semcom_core.attacks import THREATS
from semcom_core.ciphers.keys import KeySource
from semcom_core.settings import LinkSettings
from semcom_core.weights import Located

DEMO, SECRET = "demo", "secret"


@dataclass(frozen=True)
class Session:
    """Everything that one transmission of one visitor needs.

    Attributes:
        key_id: names the key source in cache keys without giving anything of it away.
        digest: SHA-256 of the prepared picture.
        own: names the visitor's own small link in cache keys; empty for links that all share.
    """

    models: link.LinkModels
    chosen: Chosen
    settings: LinkSettings
    source: KeySource
    key_id: str
    digest: bytes
    own: str = ""

    @property
    def cache(self) -> StageCache:
        return stage_cache(private=self.chosen.private or not self.source.demo or bool(self.own))


@st.cache_resource(show_spinner=False)
def network(name: str) -> tuple[nn.Module, Located]:
    """One network for all sessions and all defenses that use it."""
    module, located = link.load_live(name)
    return away.share(module, name), located


@st.cache_resource(show_spinner=False)
def shared_models(domain: str, defense: str) -> link.LinkModels:
    return away.share(link.load_models(domain, defense, network), domain, defense)


def models(domain: str, defense: str = "none") -> link.LinkModels:
    """The networks of a domain's link under one defense: the visitor's own, or those that all sessions share.

    Raises:
        WeightsError: see :func:`semcom_core.link.load_models`; not cached, so a repair takes effect.
    """
    own = own_link.here(domain, defense)
    if own is not None:
        return own.models
    with st.spinner(t("status.loading")):
        return shared_models(domain, defense)


def key_source() -> tuple[KeySource, str]:
    """The visitor's key source and its name in cache keys; a secret one lives in the session only."""
    if st.session_state.get("key_mode", DEMO) == DEMO:
        return KeySource.published(), DEMO
    if "secret_key" not in st.session_state:
        st.session_state["secret_key"] = (KeySource.agreed(), secrets.token_hex(8))
    return st.session_state["secret_key"]


def open_session(chosen: Chosen, settings: LinkSettings) -> Session:
    """Collect what the stages need; loads the domain's networks on first use."""
    source, key_id = key_source()
    digest = link.digest(chosen.prepared.native)
    own = own_link.here(settings.domain, settings.defense)
    name = "" if own is None else own.name
    return Session(models(settings.domain, settings.defense), chosen, settings, source, key_id, digest, name)


def encoded(session: Session, chosen: Chosen) -> link.Encoded:
    """Stage 1 of a picture: the session's own, or the one that the attacker knows."""
    native = chosen.prepared.native
    encoder = session.own or session.settings.chosen_defense.encoder
    key = ("encode", session.settings.domain, encoder, link.digest(native))
    cache = stage_cache(private=chosen.private or bool(session.own))
    return cache.get(key, lambda: away.run(link.encode, session.models, native[None]))


def known(session: Session) -> link.Encoded | None:
    """The earlier message that the attacker knows the picture of; ``None`` if it knows none."""
    if not THREATS[session.settings.chosen_attacker].known_plaintexts:
        return None
    return encoded(session, known_picture(session.settings.domain, session.chosen))


def transmit(session: Session) -> link.Transmission:
    """All stages, each from the cache where nothing that it depends on has changed."""
    settings, models_, cache = session.settings, session.models, session.cache
    plain = encoded(session, session.chosen)
    sender = (session.digest, session.key_id, session.own, _sender_settings(settings))
    sent = cache.get(
        ("send", *sender), lambda: away.run(link.send, plain, settings, session.source, session.models.parts)
    )
    reception = cache.get(
        ("receive", *sender, settings.channel, settings.snr_db),
        lambda: away.run(link.receive, models_, plain, sent, settings),
    )
    eavesdropping = cache.get(
        ("eavesdrop", *sender, settings.channel, settings.chosen_eve_snr_db, settings.chosen_attacker),
        lambda: away.run(link.eavesdrop, models_, plain, sent, settings, session.source, known(session)),
    )
    judged = cache.get(("judge", settings.domain, session.digest), lambda: away.run(link.judge_sent, models_, plain))
    return link.compose(models_, settings, plain, sent, reception, eavesdropping, judged)


def _sender_settings(settings: LinkSettings) -> LinkSettings:
    """The settings with everything that the sender does not use at its default."""
    plain = LinkSettings()
    snr_db = settings.snr_db if settings.chosen_defense.heeds_snr else plain.snr_db
    return replace(settings, channel=plain.channel, snr_db=snr_db, eve_snr_db=None, attacker=plain.attacker)
