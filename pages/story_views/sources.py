"""Where the story's numbers come from: every figure with interval, attack, pictures, command and hashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import streamlit as st

from pages.story_views.words import hundredths
from pages.widgets.strings import t, whole
from semcom_core.evaluation.told import Share, Source, Told

_COLUMNS = ("what", "share", "interval", "by", "images", "data", "command")


def sources(told: Iterable[Told]) -> None:
    """The expander at the end of every screen."""
    told = list(told)
    with st.expander(t("story.sources.title"), icon=":material/fact_check:"):
        st.markdown(t("story.sources.place", snr=f"{told[0].snr_db:g}"))
        rows = [row for one in told for row in _rows(one)]
        st.dataframe(rows, hide_index=True, alt=t("story.sources.alt"))
        if any(_balanced(one) for one in told):
            st.caption(t("story.sources.balanced"))
        st.markdown(t("story.sources.hashes"))
        hashes = sorted({item for one in told for source in one.sources for item in source.weights})
        lines = [f"`{told[0].domain}/{name}` `{sha}`" for name, sha in hashes]
        st.markdown("\n\n".join(lines) or t("story.not_run"))


def _rows(one: Told) -> Iterator[dict[str, str]]:
    name = t(f"story.defense.{one.defense}")
    missing = dict.fromkeys(_COLUMNS[1:], "–") | {"share": t("story.not_run")}
    if one.receiver is None:
        yield _row(t("story.sources.receiver_row", name=name), **missing)
    else:
        ours = one.receiver
        yield _row(t("story.sources.receiver_row", name=name), **_share(ours.share), **_from(ours.source, ours.images))
    title = t("story.sources.attack_row", name=name)
    for attack in one.attacks:
        origin = _from(attack.source, attack.images)
        yield _row(title, **_share(attack.best), **origin | {"by": t(f"attacker.{attack.name}.short")})
    if not one.attacks:
        yield _row(title, **missing)


def _row(what: str, **cells: str) -> dict[str, str]:
    cells = {"what": what} | cells
    return {t(f"story.sources.column_{name}"): cells.get(name, "–") for name in _COLUMNS}


def _share(share: Share) -> dict[str, str]:
    low, high = share.interval
    return {"share": hundredths(share.value), "interval": f"{hundredths(low)} – {hundredths(high)}"}


def _from(source: Source, images: int) -> dict[str, str]:
    return {"images": whole(images), "data": source.data, "command": source.command}


def _balanced(one: Told) -> bool:
    return any(attack.best.balanced for attack in one.attacks)
