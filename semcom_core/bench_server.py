"""The app in a process of its own, for measuring: started, watched, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[1]
START_LIMIT_S = 120.0


def free_address() -> str:
    """An address on this machine whose port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def started(address: str, script: Path = PROJECT / "app.py", log: Path | None = None) -> Iterator[subprocess.Popen]:
    """``streamlit run`` at an address of this machine, until the context ends; it answers when this gives it.

    Args:
        log: what the server prints; nowhere if omitted.

    Raises:
        RuntimeError: it ends or does not answer in time.
    """
    host, _, port = address.rpartition("//")[2].partition(":")
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.address", host, "--server.port", port]
    with open(log or os.devnull, "w") as output:
        server = subprocess.Popen(command, cwd=script.parent, stdout=output, stderr=subprocess.STDOUT)
    try:
        began = time.perf_counter()
        while not answers(address):
            if server.poll() is not None or time.perf_counter() - began > START_LIMIT_S:
                raise RuntimeError("The app did not start; try `streamlit run app.py` to see why.")
            time.sleep(0.02)
        yield server
    finally:
        server.terminate()
        server.wait()


def answers(address: str) -> bool:
    """Whether a Streamlit server is there and well; unknown addresses answer 200, too, so the body counts."""
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as response:
            return response.read() == b"ok"
    except (urllib.error.URLError, OSError):
        return False


def resident_mb(process: int) -> float | None:
    """Resident memory of a running process and those it started now; ``None`` where the system does not tell.

    What they share (libraries) is counted for each.
    """
    return _sum(_status(one, "VmRSS") for one in _family(process))


def peak_mb(process: int) -> float | None:
    """Their largest resident memory so far, each on its own; ``None`` where the system does not tell.

    (``RUSAGE_CHILDREN`` would count the caller's own memory, which a child has until it starts its program.)
    """
    return _sum(_status(one, "VmHWM") for one in _family(process))


def _status(process: int, field_: str) -> float | None:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith(field_)), None)
    return None if kilobytes is None else round(int(kilobytes) * 1024 / 1e6, 1)


def processor_s(process: int) -> float | None:
    """Processor time that a running process and those it started have used; ``None`` where the system does not tell."""
    return _sum(_processor_s(one) for one in _family(process))


def _family(process: int) -> list[int]:
    """A process and all that it started and that still run."""
    found = [process]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:  # a thread that has just ended
                continue
    return found


def _sum(figures: Iterable[float | None]) -> float | None:
    known = [one for one in figures if one is not None]
    return round(sum(known), 2) if known else None


def _processor_s(process: int) -> float | None:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Watch:
    """Samples a process's memory every ``every_s`` seconds: ``with Watch(pid) as watch: …``.

    Attributes:
        samples: (seconds since the start, MB).
    """

    process: int
    every_s: float = 1.0
    samples: list[tuple[float, float]] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._end = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._end.wait(self.every_s):
            now = resident_mb(self.process)
            if now is None:
                return
            self.samples.append((time.monotonic() - self._began, now))
