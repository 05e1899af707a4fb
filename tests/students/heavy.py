"""Students with a heavy job: the white-box search, or the training of a small link, again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.students.protocol import Session, SessionDropped

JOBS = {
    "white_box": ("inversion_lab", "watch", "white_box_start"),
    "training": ("tuning", "training", "workbench_start"),
}
"""Page, its section, and the button that starts the job."""


@dataclass(frozen=True)
class Heavy:
    """What became of the heavy jobs.

    Attributes:
        slices: turns that the job got; started, finished: jobs.
        longest_s: the longest wait between two signs of life.
    """

    kind: str
    started: int
    finished: int
    slices: int
    longest_s: float
    errors: tuple[str, ...]


async def heavy(kind: str, session: Session, clock: Callable[[], float], until: float) -> Heavy:
    """Open the page, start the job, start it again whenever it is done."""
    page, section, button = JOBS[kind]
    started, finished, slices, longest, errors = 0, 0, 0, 0.0, []
    last = time.monotonic()

    def alive() -> None:
        nonlocal slices, longest, last
        slices, longest, last = slices + 1, max(longest, time.monotonic() - last), time.monotonic()

    try:
        await session.run()
        await session.run(page=page, query=f"section={section}")
        session.on_fragment = alive
        while clock() < until:
            if session.page.has(button):
                finished = started
                session.press(button)
                started, last = started + 1, time.monotonic()
                await session.run()
            errors += session.page.complaints()
            await asyncio.sleep(0.5)
    except (SessionDropped, KeyError) as error:
        errors.append(f"{type(error).__name__}: {error}")
    return Heavy(kind, started, finished, slices, round(longest, 1), tuple(dict.fromkeys(errors)))
