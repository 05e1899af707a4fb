"""What the adversarial lab works on: the picture and the link from the sidebar, and the receivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from torch import nn

from pages.widgets import stages
from pages.widgets.link_bar import domains, link_bar, noise_seed
from pages.widgets.picture_bar import picture_bar
from pages.widgets.picture_source import Chosen
from pages.widgets.stage_cache import StageCache, stage_cache
from pages.widgets.strings import t
from semcom_core import link, manifest
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.domains import DOMAINS
from semcom_core.evaluation.adversarial import DENOISER
from semcom_core.manipulation.receivers import RECEIVERS, load_receiver, trained


@dataclass(frozen=True)
class Scene:
    """One visitor's choice.

    Attributes:
        truth: the class that counts as right: the label, or what the judge says of the picture.
        labelled: whether that is the picture's label.
        foreign: the picture is none of the classes.
    """

    domain: str
    chosen: Chosen
    channel: str
    snr_db: float
    seed: int
    truth: int
    labelled: bool
    foreign: bool

    @property
    def classes(self) -> tuple[str, ...]:
        return DOMAINS[self.domain].classes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the prepared picture, for keys."""
        return link.digest(self.chosen.prepared.native)

    @property
    def receivers(self) -> list[str]:
        """Receivers whose weights are there."""
        return [name for name in RECEIVERS if name in trained(self.domain)]

    @property
    def missing(self) -> list[str]:
        """Receivers that are not trained in this version."""
        return [name for name in RECEIVERS if name not in self.receivers]

    def names(self, methods: Sequence[str]) -> str:
        """Receivers in a sentence."""
        return ", ".join(t(f"adversarial.receiver.{name}.short") for name in methods)

    @property
    def cache(self) -> StageCache:
        """Attacks; those on a visitor's own picture stay in the session."""
        return stage_cache(self.chosen.private, "attacks")

    def codec(self, method: str) -> RepObECodec:
        """One receiver's networks."""
        with st.spinner(t("status.loading")):
            return receiver(self.domain, method)

    def denoiser(self) -> nn.Module | None:
        """The purifier's networks; ``None`` if they are not trained for this kind of picture."""
        name = f"{self.domain}/{DENOISER}"
        return stages.network(name)[0] if name in manifest.names() else None


@st.cache_resource(show_spinner=False)
def receiver(domain: str, method: str) -> RepObECodec:
    """One receiver for all sessions.

    Raises:
        WeightsError: not cached, so a repair takes effect.
    """
    return load_receiver(domain, method, stages.network)


def scene() -> Scene:
    """Draw the sidebar and collect the choice.

    Raises:
        WeightsError: the networks of the domain cannot be loaded.
    """
    with st.sidebar:
        domain, chosen = picture_bar(domains())
        channel, snr_db = link_bar("adversarial", t("controls.snr_db"))
        seed = noise_seed("adversarial", t("adversarial.new_noise_help"))
    truth, foreign = _truth(domain, chosen)
    return Scene(domain, chosen, channel, snr_db, seed, truth, chosen.label is not None, foreign)


def truth_note(one: Scene) -> str:
    """How "right" is decided."""
    if one.foreign:
        return t("adversarial.truth.foreign", truth=one.classes[one.truth])
    return t(f"adversarial.truth.{'label' if one.labelled else 'judge'}", truth=one.classes[one.truth])


def not_trained(one: Scene) -> None:
    """A plain sentence on every receiver that is missing."""
    if one.missing:
        names = ", ".join(t(f"adversarial.receiver.{name}.name") for name in one.missing)
        st.info(t("adversarial.not_trained", names=names), icon=":material/hourglass_empty:")


def _truth(domain: str, chosen: Chosen) -> tuple[int, bool]:
    """The class that counts as right, and whether the picture is foreign."""
    if chosen.label is not None:
        return chosen.label, chosen.foreign
    models, native = stages.models(domain), chosen.prepared.native
    judged = stage_cache(private=chosen.private).get(
        ("adversarial_judge", domain, link.digest(native)), lambda: models.judge(native[None])[0].detach()
    )
    return int(judged.argmax()), chosen.foreign
