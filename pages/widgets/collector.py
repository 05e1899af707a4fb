"""Memory of a server with many sessions: when garbage is collected, and how threads share the heap.

Streamlit collects all generations after each script run; with PyTorch loaded that holds every
session for about a quarter of a second of processor time. So ``.streamlit/config.toml`` leaves it
to Python's own thresholds (``runner.postScriptGC``), and what is there for good is frozen: a full
collection then takes about a millisecond. What a closed session left in reference cycles may have been
frozen with it, so everything is thawed, collected and frozen again every two minutes.

Each page run is a thread, and glibc gives threads up to eight heaps a core, none of which can use what
another one has free: with thirty sessions a tenth of a gigabyte, and growing. So there are two, and what they have free
goes back to the system when garbage is collected.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys
import threading
import time
from typing import Any

import streamlit as st

_FIRST_S = (10.0, 30.0)
"""The first pages load modules and networks; so the first times come soon."""
_EVERY_S = 120.0
_M_ARENA_MAX = -8
"""Of glibc's ``malloc.h``."""


def tidy() -> None:
    """Collect all garbage, freeze what is left, and give back what is free."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if trim := _glibc("malloc_trim"):
        trim(0)


def share_heaps() -> None:
    """Two heaps for all threads, where the C library is glibc; a setting in ``MALLOC_ARENA_MAX`` wins."""
    if "MALLOC_ARENA_MAX" not in os.environ and (set_option := _glibc("mallopt")):
        set_option(_M_ARENA_MAX, 2)
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # for the second process


def _glibc(function: str) -> Any:
    """A function of the C library that this process runs on, or None elsewhere than on Linux with glibc."""
    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """The server's one tidying thread."""
    share_heaps()
    atexit.register(gc.unfreeze)  # else libraries report what they still hold when Python ends
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
