"""``python -m tests.students``: a class of simulated students against a running app; a report as JSON.

Progress goes to standard error, one line a few seconds; the report to standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the server's cores are not ours

from tests.students import pictures
from tests.students.check import recheck
from tests.students.heavy import JOBS, heavy
from tests.students.protocol import Session
from tests.students.student import Student

JOIN_S = 10.0
"""The class comes in within so many seconds (less if the whole test is short)."""
RECHECKED = 60
_PATIENCE_S = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.students", description=__doc__)
    parser.add_argument("address", help="of a running app, for instance http://127.0.0.1:8501")
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--interval", type=float, default=3.0, help="seconds between two changes of one student")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--heavy", action="append", choices=JOBS, default=[], help="beside them, a heavy job")
    parser.add_argument("--recheck", type=int, default=RECHECKED, help="results to compute again afterwards")
    arguments = parser.parse_args()
    json.dump(asyncio.run(_class(arguments)), sys.stdout)


async def _class(arguments: argparse.Namespace) -> dict[str, object]:
    began = time.monotonic()
    looks: list = []
    owners: dict[str, int] = {}
    bag = _bag(arguments.seed)

    def clock() -> float:
        return time.monotonic() - began

    join = min(JOIN_S, arguments.seconds / 4)
    with ThreadPoolExecutor(max(8, arguments.students)) as pool:
        async with AsyncExitStack() as open_sessions:

            async def visitor(number: int) -> Session:
                await asyncio.sleep(join * number / max(1, arguments.students))
                return await open_sessions.enter_async_context(Session(arguments.address, _PATIENCE_S, pool))

            async def student(number: int) -> Student:
                session = await visitor(number)
                one = Student(
                    number, session, arguments.interval, clock, owners, bag.__next__, looks, arguments.seed
                )  # fmt: skip
                await one.live(arguments.seconds)
                return one

            async def laborious(kind: str) -> object:
                return await heavy(kind, await visitor(0), clock, arguments.seconds)

            watching = asyncio.create_task(_progress(clock, looks))
            jobs = [asyncio.create_task(laborious(kind)) for kind in arguments.heavy]
            done = await asyncio.gather(
                *(student(number) for number in range(arguments.students)), return_exceptions=True
            )
            labours = await asyncio.gather(*jobs)
            watching.cancel()
            used = time.process_time()
    members = [one for one in done if isinstance(one, Student)]
    failed = [f"{type(one).__name__}: {one}" for one in done if isinstance(one, BaseException)]
    again = recheck(looks, arguments.recheck, arguments.seed)
    return {
        "live": [list(pair) for pair in pictures.live_pairs()],
        "results": [asdict(result) for one in members for result in one.results],
        "failed": failed,
        "heavy": [asdict(one) for one in labours],
        "recheck": asdict(again),
        "client_cpu_s": round(used, 1),
        "megabytes": round(sum(one.session.bytes_received for one in members) / 1e6, 1),
    }


def _bag(seed: int) -> Iterator[tuple[str, str]]:
    """All pairs of domain and defense in a random order, again and again: each is drawn equally often."""
    shuffled = random.Random(seed)
    while True:
        pairs = pictures.live_pairs()
        shuffled.shuffle(pairs)
        yield from pairs


async def _progress(clock: Callable[[], float], looks: list) -> None:
    while True:
        await asyncio.sleep(10.0)
        print(f"{clock():5.0f} s, {len(looks)} results", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
