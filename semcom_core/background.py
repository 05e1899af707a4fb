"""A thread of this process that ends with it: asked to stop, and waited for.

Python ends daemon threads where they are. In the middle of PyTorch that aborts the whole process
(``terminate called without an active exception``); other threads would keep it from ending at all.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

LEAVE_S = 10.0
"""How long a process that ends waits for a thread's step under way."""


def start(work: Callable[[], None], name: str, stop: Callable[[], None]) -> threading.Thread:
    """Run ``work`` in the background; returns its thread.

    Args:
        stop: called when Python ends; lets ``work`` return after its step under way.
    """

    def leave() -> None:
        stop()
        thread.join(LEAVE_S)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    atexit.register(leave)
    return thread
