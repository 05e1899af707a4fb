"""What the attack sections work on: domain, picture and SNR from the sidebar, and the shared stock of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from pages.widgets import stages
from pages.widgets.experiment import Making, making
from pages.widgets.link_bar import DEFAULT_SNR_DB, snr_slider
from pages.widgets.picture_bar import picture_bar
from pages.widgets.picture_source import Chosen, known_picture
from pages.widgets.stage_cache import stage_cache
from pages.widgets.strings import t
from semcom_core import link
from semcom_core.domains import DOMAINS
from semcom_core.lab import domains
from semcom_core.lab.stock import Stock
from semcom_core.link import Encoded, LinkModels


@dataclass(frozen=True)
class Scene:
    """One visitor's choice.

    Attributes:
        chosen: the picture that is sent next; the attacker does not know it.
        known: another picture, which the attacker knows.
    """

    domain: str
    models: LinkModels
    chosen: Chosen
    known: Chosen
    snr_db: float

    @property
    def message(self) -> Encoded:
        return encoded(self.models, self.chosen)

    @property
    def known_message(self) -> Encoded:
        return encoded(self.models, self.known)

    @property
    def of(self) -> tuple[object, ...]:
        """Names this choice in keys of caches and experiments."""
        return self.domain, link.digest(self.chosen.prepared.native), self.snr_db

    @property
    def stock(self) -> Stock:
        return stock(self.domain)


def scene(*, snr: bool = True) -> Scene:
    """Draw the sidebar and collect the choice.

    Raises:
        WeightsError: the domain's networks cannot be loaded.
    """
    with st.sidebar:
        domain, chosen = picture_bar(domains())
        snr_db = DEFAULT_SNR_DB
        if snr:
            st.markdown(f"##### {t('controls.heading.link')}")
            snr_db = snr_slider(t("lab.snr"))
        st.caption(t("lab.demo_key"))
    return Scene(domain, stages.models(domain), chosen, known_picture(domain, chosen), snr_db)


def encoded(models: LinkModels, chosen: Chosen) -> Encoded:
    """A picture's symbols, from the cache that the live page uses, too."""
    native = chosen.prepared.native
    key = ("encode", models.domain.name, "base", link.digest(native))
    return stage_cache(private=chosen.private).get(key, lambda: link.encode(models, native[None]))


def stock(domain: str) -> Stock:
    """A domain's samples and pools, shared by all sessions: at most 1,024 messages a pool."""
    return _stock(domain, stages.models(domain))


@st.cache_resource(show_spinner=False, max_entries=len(DOMAINS))
def _stock(domain: str, _models: LinkModels) -> Stock:
    return Stock(_models)


def gather(stock_: Stock, sender: int = 0, attacker: int = 0, samples: int | None = None) -> Iterator[Making]:
    """Make what an experiment needs: samples, and messages of sender and attacker."""
    pools = {"sender": sender, "attacker": attacker}
    wanted = len(stock_) if any(pools.values()) or samples is None else samples
    yield from making("lab.making_samples", stock_.grow(wanted), wanted)
    for party, count in pools.items():
        if count:
            yield from making(f"lab.making_{party}", stock_.pool(party).grow(count), count)
