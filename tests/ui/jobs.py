"""A page with nothing but one experiment; a test says what it works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import streamlit as st

from pages.widgets.experiment import experiment

TOTAL = 4
begin: Callable[[], Iterator[Any]] = partial(iter, ())
"""Set by the test before a visitor presses the button."""


def page() -> None:
    """Drawn by a script of its own in each session."""
    experiment("job", st.session_state.get("subject"), lambda: begin(), TOTAL, _show, "A job.")


def _show(points: list[Any]) -> None:
    st.markdown(f"Points: {points}")
