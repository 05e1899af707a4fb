"""Python's garbage collector, kept from walking through all modules and networks after every rerun.

Streamlit collects all generations after each script run; with PyTorch loaded that holds every
session for about a quarter of a second of processor time. So ``.streamlit/config.toml`` leaves it
to Python's own thresholds (``runner.postScriptGC``), and what is there for good is frozen: a full
collection then takes about a millisecond. What a closed session left in reference cycles may have been
frozen with it, so everything is thawed, collected and frozen again every two minutes.
"""

from __future__ import annotations

import gc
import threading
import time

import streamlit as st

_FIRST_S = (10.0, 30.0)
"""The first pages load modules and networks; so the first times come soon."""
_EVERY_S = 120.0


def tidy() -> None:
    """Collect all garbage, and freeze what is left."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """The server's one tidying thread."""
    thread = threading.Thread(target=_always, name="collector", daemon=True)
    thread.start()
    return thread


def _always() -> None:
    for pause in _FIRST_S:
        time.sleep(pause)
        tidy()
    while True:
        time.sleep(_EVERY_S)
        tidy()
