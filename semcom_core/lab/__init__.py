"""The cipher lab's experiments: pure functions, and generators that yield as they go.

A generator does a little work between two yields, so that a page can show progress and stop
it. Nothing here knows of a page. The attacks themselves are in :mod:`semcom_core.attacks`.
"""

from __future__ import annotations

SNRS_DB = (0.0, 7.0, 11.0, 15.0, 19.0, 23.0)
"""The signal-to-noise ratios at which attacks are tried."""
