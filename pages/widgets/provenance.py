"""Where everything on the page comes from: models with their hashes, what each attacker is assumed to know."""

from __future__ import annotations

import streamlit as st

from pages.widgets.stages import Session
from pages.widgets.strings import t
from pages.widgets.threat import COLUMNS, threat_rows
from semcom_core.defenses import DEFENSES
from semcom_core.link import Transmission


def provenance(session: Session, transmission: Transmission) -> None:
    """The expander at the end of the page."""
    with st.expander(t("provenance.title"), key="provenance", icon=":material/fact_check:", on_change="rerun") as view:
        if not view.open:
            return
        st.markdown(f"**{t('provenance.threats')}**")
        header = [t(f"threat.column.{column}") for column in COLUMNS]
        st.markdown(_table(header, threat_rows(transmission.eavesdropping.attacker)))
        st.caption(t("provenance.threats_note"))
        st.markdown(f"**{t('provenance.models')}**")
        st.markdown(_model_table(session))
        if session.own:
            run, _, step = session.own.partition("/")
            st.caption(t("provenance.own_link", run=run, step=step))
        st.caption(t("provenance.models_note"))
        if session.chosen.credit:
            st.caption(t("provenance.credit", credit=session.chosen.credit))
        st.markdown(t("provenance.honest"))


def _model_table(session: Session) -> str:
    columns = ["model", "role", "origin", "revision", "sha256"]
    rows = [
        [
            f"`{one.name}`",
            _role(one.name.partition("/")[2]),
            t(f"provenance.origin.{one.origin}"),
            f"`{one.revision[:12]}`" if one.revision else "–",
            f"`{one.sha256[:16]}…`",
        ]
        for one in session.models.located
    ]
    return _table([t(f"provenance.column.{column}") for column in columns], rows)


def _role(name: str) -> str:
    """What a network is there for; attackers of one defense share a sentence."""
    kind, _, defense = name.partition("_")
    if kind in ("ridge", "inversion", "conv") and defense in DEFENSES:
        return t(f"provenance.role.{kind}", defense=t(f"defense.{defense}.name"))
    if defense in DEFENSES and DEFENSES[defense].own_encoder:
        return t("provenance.role.own_encoder", role=_role(kind), defense=t(f"defense.{defense}.name"))
    if name in DEFENSES:
        return t("provenance.role.defense", defense=t(f"defense.{name}.name"))
    return t(f"provenance.role.{name}")


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
