"""What the results' sections share: choosers, "not run", provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from pages.widgets.strings import t, whole
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import grid as grids
from semcom_core.evaluation.grid import Grid

CHART = {"displayModeBar": False}


def choose(name: str, options: Sequence[str], label: str, table: str) -> str:
    """A segmented control over registry names."""
    key = f"results_{name}"
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return st.segmented_control(
        label,
        options,
        key=key,
        required=True,
        format_func=lambda one: t(f"{table}.{one}.name"),
        persist_state="session",
        help=t("help.domain"),
    )


def choose_domain() -> str:
    """Which data set."""
    return choose("domain", list(DOMAINS), t("controls.domain"), "domain")


def loaded(domain: str) -> Grid | None:
    """The domain's grid; says so where it was not run."""
    grid = grids.load(domain)
    if grid is None:
        not_run(domain)
    return grid


def chosen_grid() -> tuple[str, Grid | None]:
    """The chooser of data sets, what is peculiar about the chosen one, and its grid (:func:`loaded`)."""
    domain = choose_domain()
    data_note(domain)
    return domain, loaded(domain)


def not_run(domain: str) -> None:
    """That there is nothing, and how to get it."""
    st.info(t("results.not_run", domain=domain), icon=":material/hourglass_empty:")


def data_note(domain: str) -> None:
    """What is peculiar about our copy of the data."""
    if domain == "objects":
        st.caption(f":material/info: {t('results.jpeg')}")


def provenance(grid: Grid, rows: Iterable[dict[str, Any]]) -> None:
    """Data, images, seeds and hashes behind some rows."""
    rows = list(rows)
    with st.expander(t("results.provenance"), icon=":material/fact_check:"):
        st.markdown(t("results.made", data=grid.data, command=grid.command))
        counts = sorted({row["images"] for row in rows})
        seeds = sorted({len(row["seeds"]) for row in rows})
        if rows:
            st.markdown(
                t("results.counted", images=_range(counts), seeds=_range(seeds), train=_trained_on(rows))
            )  # fmt: skip
        hashes = sorted({item for row in rows for item in row.get("weights", {}).items()})
        st.dataframe(
            [
                {t("results.column.weights"): f"{grid.domain}/{name}", t("provenance.column.sha256"): sha}
                for name, sha in hashes
            ],
            hide_index=True,
            alt=t("results.hashes_alt"),
        )


def _range(values: Sequence[int]) -> str:
    return whole(values[0]) if len(values) == 1 else f"{whole(values[0])}–{whole(values[-1])}"


def _trained_on(rows: Sequence[dict[str, Any]]) -> str:
    counts = sorted({row["train_images"] for row in rows if row.get("train_images")})
    return t("results.trained_on", images=_range(counts)) if counts else ""
