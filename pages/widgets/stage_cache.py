"""A bounded cache whose keys are content hashes that the caller names.

Streamlit's ``cache_data`` hashes a *sample* of a large array, so two pictures that differ in one
pixel can share a result. Here nothing is hashed behind the caller's back: a key holds the SHA-256
of the prepared picture and the settings that matter.

What derives from a sample picture under the demo key goes into one cache for all sessions; what
derives from a visitor's picture or a secret key goes into a cache in that visitor's session.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st

from pages.widgets.cores import fair_share

T = TypeVar("T")
SHARED_ENTRIES = 160
SESSION_ENTRIES = 16


class StageCache:
    """The most recently used results, at most ``entries`` of them. Values are never changed."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value under a key, computed if it is not there.

        The lock is not held while computing: two sessions may compute the same value once each,
        but none waits for another's picture.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        with fair_share():
            value = compute()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._entries:
                self._values.popitem(last=False)
        return value


@st.cache_resource(show_spinner=False)
def _shared() -> StageCache:
    return StageCache(SHARED_ENTRIES)


def stage_cache(private: bool) -> StageCache:
    """The cache for this visitor's results: the session's own if they are private."""
    if not private:
        return _shared()
    return st.session_state.setdefault("stage_cache", StageCache(SESSION_ENTRIES))
