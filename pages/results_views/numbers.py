"""Every measured number: filter, look, take away."""

from __future__ import annotations

import streamlit as st

from pages.inversion.words import attack_name
from pages.results_views.common import chosen_grid
from pages.widgets.strings import t, whole

_HIDDEN = ("cell",)


def section() -> None:
    """A filtered table of all rows of one domain, and the same as CSV."""
    domain, grid = chosen_grid()
    if grid is None:
        return
    flat = [{key: value for key, value in row.items() if key not in _HIDDEN} for row in grid.csv_rows()]
    kind, channel, defense, attack = st.columns(4)
    kinds = kind.pills(
        t("results.numbers.kind"), ["receiver", "attack"], selection_mode="multi", default=["receiver", "attack"],
        format_func=lambda name: t(f"results.numbers.kind_{name}"), key="numbers_kind", help=t("help.results.kind")
    )  # fmt: skip
    channels = channel.multiselect(
        t("inversion.plane.channel"), sorted({row["channel"] for row in flat}), key="numbers_channel",
        format_func=lambda name: t(f"channel.{name}.name"), placeholder=t("results.numbers.all"),
        help=t("help.results.channels"),
    )  # fmt: skip
    defenses = defense.multiselect(
        t("results.column.defense"), list(grid.defenses), key=f"numbers_defense_{domain}",
        format_func=lambda name: t(f"defense.{name}.name"), placeholder=t("results.numbers.all"),
        help=t("help.results.defenses"),
    )  # fmt: skip
    attacks = attack.multiselect(
        t("inversion.plane.attack"), sorted({row["attack"] for row in flat if "attack" in row}), key="numbers_attack",
        format_func=attack_name, placeholder=t("results.numbers.all"), help=t("help.results.attacks")
    )  # fmt: skip
    rows = [
        row
        for row in flat
        if row["kind"] in kinds
        and (not channels or row["channel"] in channels)
        and (not defenses or row["defense"] in defenses)
        and (not attacks or row.get("attack") in attacks)
    ]
    st.caption(t("results.numbers.count", shown=whole(len(rows)), all=whole(len(flat))))
    if rows:
        st.dataframe(rows, hide_index=True, alt=t("results.numbers.alt"))
    st.download_button(
        t("results.numbers.download"), lambda: grid.csv(rows), f"semcom-{domain}.csv", "text/csv", key="numbers_csv",
        on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    st.caption(t("results.made", data=grid.data, command=grid.command))
    if grid.not_run:
        with st.expander(t("results.numbers.not_run"), icon=":material/hourglass_empty:"):
            st.dataframe(
                [{key: ", ".join(v) if isinstance(v, list) else v for key, v in row.items()} for row in grid.not_run],
                hide_index=True,
                alt=t("results.numbers.not_run"),
            )
