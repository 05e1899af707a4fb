"""A small link that this visitor trained: a protection that only this session's pages know.

Nothing of it is saved on the server; it goes with the session. On the live page it takes the
place of the weights ``digits/workbench``, if there are any.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from semcom_core import link
from semcom_core.link import LinkModels
from semcom_core.workbench.settings import WorkbenchSettings

DOMAIN, DEFENSE = "digits", "workbench"
_STATE = "own_link"


@dataclass(frozen=True, eq=False)
class OwnLink:
    """A trained link in use.

    Attributes:
        number: of the run in this session.
        step: how far that run had got.
        settings: what it was trained with.
        models: its networks, with the domain's judge.
    """

    number: int
    step: int
    settings: WorkbenchSettings
    models: LinkModels

    @property
    def name(self) -> str:
        """Part of the names of everything that is kept from it: another link has another one."""
        return f"{self.number}/{self.step}"


def use(own: OwnLink) -> None:
    """From now on this is the session's small link."""
    st.session_state[_STATE] = own


def here(domain: str, defense: str) -> OwnLink | None:
    """The session's own link, if there is one and this is its place."""
    return st.session_state.get(_STATE) if (domain, defense) == (DOMAIN, DEFENSE) else None


def defenses(domain: str) -> list[str]:
    """Names of the defenses that this session can use in a domain."""
    trained = link.trained_defenses(domain)
    return trained if DEFENSE in trained or here(domain, DEFENSE) is None else [*trained, DEFENSE]


def attackers(domain: str, defense: str) -> list[str]:
    """Names of the eavesdroppers that this session can send against a defense."""
    own = here(domain, defense)
    known = link.trained_attackers(domain, defense)
    return known if own is None else list(dict.fromkeys([*known, *own.models.attacks]))
