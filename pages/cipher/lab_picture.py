"""The picture that the lab's sections work on: a sample, or the one last sent on the live page."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch.nn.functional as F

from pages.widgets import stages
from pages.widgets.picture_source import Chosen, chosen_before
from pages.widgets.stage_cache import stage_cache
from pages.widgets.strings import t
from semcom_core import link, samples
from semcom_core.codecs.repobe import GRID, unpack
from semcom_core.domains import DOMAINS
from semcom_core.lab import domains

LIVE = "live"


def choose(prefix: str) -> tuple[str, Chosen]:
    """Draw the two controls of a section; the domain and the picture."""
    state = st.session_state
    settings = state.get("link_settings")
    if state.get(f"{prefix}_domain") not in domains():
        wanted = settings.domain if settings else None
        state[f"{prefix}_domain"] = wanted if wanted in domains() else domains()[0]
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    domain = left.segmented_control(
        t("lab_picture.domain"),
        domains(),
        format_func=lambda name: t(f"domain.{name}.name"),
        key=f"{prefix}_domain",
        required=True,
        persist_state="session",
        width="stretch",
        help=t("help.domain"),
    )
    titles = {one.key: one.title for one in samples.samples(domain)}
    if settings and settings.domain == domain:
        titles = {LIVE: t("lab_picture.live")} | titles
    key = f"{prefix}_picture_{domain}"
    if state.get(key) not in titles:
        state[key] = next(iter(titles))
    name = right.selectbox(
        t("lab_picture.picture"),
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        persist_state="session",
        help=t("help.picture"),
    )
    if name == LIVE:
        return domain, chosen_before(domain)
    with st.spinner(t("lab_picture.drawing")):
        return domain, sample(domain, name)


@st.cache_resource(max_entries=64, show_spinner=False)
def sample(domain: str, key: str) -> Chosen:
    """A sample, prepared; the same object for all sessions."""
    one = next(one for one in samples.samples(domain) if one.key == key)
    image = samples.render(domain, key)
    return Chosen("sample", image, DOMAINS[domain].prepare(image), one.label, one.foreign, key, credit=one.credit)


def encoded(domain: str, chosen: Chosen) -> link.Encoded:
    """The picture's symbols, from the cache that the live page uses, too."""
    native = chosen.prepared.native
    key = ("encode", domain, "base", link.digest(native))
    return stage_cache(private=chosen.private).get(key, lambda: link.encode(stages.models(domain), native[None]))


def feature_map(domain: str, chosen: Chosen) -> np.ndarray:
    """The encoder's four planes, float32 (4,28,28)."""
    return unpack(encoded(domain, chosen).symbols)[0].numpy()


def small_pixels(chosen: Chosen) -> np.ndarray:
    """The prepared picture at 28×28, uint8 (28,28,C); larger pictures by area averaging."""
    native = chosen.prepared.native
    if native.shape[-1] != GRID:
        native = F.adaptive_avg_pool2d(native, GRID)
    return (native.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
