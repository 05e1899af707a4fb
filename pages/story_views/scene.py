"""What the story is told with: the visitor's picture over four links, what was measured, how long protection takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from pages.widgets import stages
from pages.widgets.facts import Facts, facts
from pages.widgets.picture_source import Chosen
from pages.widgets.stages import Session
from semcom_core import link
from semcom_core.attacks.base import undo
from semcom_core.evaluation.grid import PLANE_SNR_DB
from semcom_core.evaluation.told import Told, told
from semcom_core.link import Transmission
from semcom_core.settings import LinkSettings
from semcom_core.timing import timed

BARE, CIPHER, REPAIR, FAST = "none", "repobe", "rotation", "rotation_fast"
COMPARED = (BARE, "noise", CIPHER, REPAIR)
_RUNS = 3


@dataclass(frozen=True)
class Shown:
    """One live transmission."""

    session: Session
    transmission: Transmission
    facts: Facts


@dataclass(frozen=True)
class Scene:
    """One visitor's story."""

    domain: str
    chosen: Chosen

    def shown(self, defense: str, attacker: str) -> Shown:
        """The picture over the story's link under a defense, against an attacker.

        Raises:
            WeightsError: the networks cannot be loaded.
        """
        settings = LinkSettings(self.domain, snr_db=PLANE_SNR_DB, defense=defense, attacker=attacker)
        session = stages.open_session(self.chosen, settings)
        transmission = stages.transmit(session)
        read = facts(transmission, session.models.domain.classes, self.chosen.label, self.chosen.foreign)
        return Shown(session, transmission, read)

    @cached_property
    def told(self) -> dict[str, Told]:
        """What was measured of each compared defense."""
        return {name: told(self.domain, name) for name in COMPARED}


def protection_ms(scene: Scene, defense: str) -> float:
    """Median time to protect one picture and to undo that with the key, in milliseconds, on this machine."""
    return _timed(scene.domain, defense, scene)


@st.cache_resource(show_spinner=False, max_entries=16)
def _timed(domain: str, defense: str, _scene: Scene) -> float:
    shown = _scene.shown(defense, "adaptive")
    session, encoded = shown.session, shown.transmission.encoded

    def work(_: int) -> None:
        sent = link.send(encoded, session.settings, session.source, session.models.parts)
        undo(sent.x, sent.chain, sent.keys, shown.transmission.reception.received.effective()[1])

    return timed(work, _RUNS, warmup=1).p50
