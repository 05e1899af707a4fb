"""What the inversion lab works on: the picture and the link from the sidebar, and a cache of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.cipher.lab_picture import sample
from pages.inversion.words import defense_name
from pages.widgets import stages
from pages.widgets.link_bar import domains, link_bar, noise_seed
from pages.widgets.picture_bar import picture_bar
from pages.widgets.picture_source import Chosen
from pages.widgets.stage_cache import stage_cache
from pages.widgets.strings import t
from semcom_core import link
from semcom_core.compare import Cell, Row, canonical, compare, sent_cell
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.settings import LIVE_STEPS, NOISE_LIMITS, LinkSettings

_QUICK_STEPS = 4


@dataclass(frozen=True)
class Scene:
    """One visitor's choice.

    Attributes:
        settings: channel, SNR, noise, steps; each defense takes what it heeds.
        sent: the picture as sent, with the judge's reading.
        truth: the class that counts as right; ``None`` for a picture of none of them.
        labelled: whether that is the picture's label, not the judge's word.
    """

    chosen: Chosen
    settings: LinkSettings
    sent: Cell
    truth: int | None
    labelled: bool

    @property
    def domain(self) -> str:
        return self.settings.domain

    @property
    def classes(self) -> tuple[str, ...]:
        return DOMAINS[self.domain].classes

    @property
    def of(self) -> tuple[object, ...]:
        """Names this choice in keys of experiments."""
        return link.digest(self.chosen.prepared.native), self.settings

    def row(self, defense: str, attacks: list[str]) -> Row:
        """One defense on this picture against these attacks; only what changed is computed."""
        models = stages.models(self.domain, defense)
        native = self.chosen.prepared.native[None]
        keep = stage_cache(self.chosen.private, "inversions").get
        return compare(models, native, canonical(self.settings, defense), attacks, keep)


def is_heavy(settings: LinkSettings, defense: str) -> bool:
    """Whether a defense takes seconds under these settings, so that it waits for a button."""
    return DEFENSES[defense].uses_steps and settings.steps > _QUICK_STEPS


def scene() -> Scene:
    """Draw the sidebar and collect the choice.

    Raises:
        WeightsError: the networks of the domain cannot be loaded.
    """
    with st.sidebar:
        domain, chosen = picture_bar(domains())
        channel, snr_db = link_bar("inversion", t("inversion.snr"))
        noise, steps = _strength(domain)
        seed = noise_seed("inversion", t("controls.new_noise_help"))
        st.caption(t("lab.demo_key"))
    settings = LinkSettings(domain, channel, snr_db, defense="none", noise=noise, steps=steps, seed=seed)
    return _made(chosen, settings)


def sample_scene(domain: str, key: str, snr_db: float) -> Scene:
    """A sample over a link at this SNR without fading, no controls."""
    return _made(sample(domain, key), LinkSettings(domain, snr_db=snr_db, defense="none"))


def _made(chosen: Chosen, settings: LinkSettings) -> Scene:
    digest, models = link.digest(chosen.prepared.native), stages.models(settings.domain)
    sent = stage_cache(chosen.private, "inversions").get(
        ("sent", settings.domain, digest), lambda: sent_cell(models, chosen.prepared.native[None])
    )
    labelled = chosen.label is not None
    foreign = chosen.foreign or (not labelled and sent.foreign)
    truth = None if foreign else chosen.label if labelled else int(np.argmax(sent.judged))
    return Scene(chosen, settings, sent, truth, labelled)


def _strength(domain: str) -> tuple[float, int]:
    """Noise and steps, where a trained defense heeds them."""
    plain, trained = LinkSettings(), link.trained_defenses(domain)
    noise, steps = plain.noise, plain.steps
    noisy = [name for name in trained if DEFENSES[name].uses_noise]
    stepped = [name for name in trained if DEFENSES[name].uses_steps]
    if noisy or stepped:
        st.markdown(f"##### {t('inversion.strength')}")
    if noisy:
        noise = st.slider(
            t("controls.noise"), *NOISE_LIMITS, plain.noise, 0.1, key="inversion_noise",
            help=t("controls.noise_help"), persist_state="session",
        )  # fmt: skip
        st.caption(t("inversion.heeded_by", names=", ".join(map(defense_name, noisy))))
    if stepped:
        steps = st.select_slider(
            t("controls.steps"), LIVE_STEPS, plain.steps, key="inversion_steps", help=t("controls.steps_help"),
            persist_state="session",
        )  # fmt: skip
        st.caption(t("inversion.heeded_by", names=", ".join(map(defense_name, stepped))))
    return float(noise), int(steps)
