"""``python -m semcom_core bench faults``: what happens when something around the app breaks.

Each fault is made for real, in a temporary folder or on a free port, and what follows is compared
with what is promised. Nothing of the weights folder is changed.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import resource
import shutil
import signal
import socket
import tempfile
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from semcom_core import hub, job_queue, manifest, weights
from semcom_core.evaluation import journal
from semcom_core.job_queue import End, JobQueue
from semcom_core.manifest import CONFIG, MODEL, HubUnavailable, MissingWeights, TamperedWeights

NAME = "digits/base"
"""The model that suffers; a copy of it."""
_FULL = (errno.ENOSPC, errno.EFBIG)


class Broken(AssertionError):
    """A promise was not kept."""


def main(file: Path | None = None) -> None:
    """Try all faults, print one line each, and write ``file`` as JSON if given.

    Raises:
        ValueError: a promise was not kept.
    """
    outcomes: dict[str, str] = {}
    for name, fault in FAULTS.items():
        try:
            with tempfile.TemporaryDirectory() as folder:
                outcomes[name] = fault(Path(folder))
        except Broken as error:
            outcomes[name] = f"BROKEN: {error}"
        print(f"{name}: {outcomes[name]}")
    if file:
        file.write_text(json.dumps(outcomes, indent=2) + "\n")
    if broken := [name for name, words in outcomes.items() if words.startswith("BROKEN")]:
        raise ValueError(f"Not as promised: {', '.join(broken)}.")


def browser_closed(folder: Path) -> str:
    """A visitor closes the browser in the middle of a job."""
    queue = JobQueue(slice_s=0.0, ahead_s=0.1, expires_s=0.3)
    held: list[weakref.ref[torch.Tensor]] = []
    steps: list[int] = []

    def job() -> Generator[int, None, None]:
        big = torch.zeros(1_000_000)
        held.append(weakref.ref(big))
        while True:
            yield len(big)

    ticket = queue.submit("gone", job(), steps.append)
    queue.advance()
    started = time.monotonic()
    while ticket.end is None:
        queue.advance()
        time.sleep(0.01)
    gc.collect()
    _promise(ticket.end is End.GONE and held[0]() is None, "the job's memory is still held")
    _promise(bool(steps), "what was reached is lost")
    seconds = job_queue.EXPIRES_S
    return f"no work {job_queue.AHEAD_S:g} s after the last poll, memory freed after {seconds:g} s ({_s(started)} here)"


def weights_missing(folder: Path) -> str:
    """A file of the weights is gone."""
    with _copy(folder) as copy:
        (copy / NAME / MODEL).unlink()
        return _refused(MissingWeights, lambda: weights.load(NAME))


def weights_tampered(folder: Path) -> str:
    """One bit of the weights, then of their configuration, is another."""
    words = ""
    for file in (MODEL, CONFIG):
        with _copy(folder / file) as copy:
            path = copy / NAME / file
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            words = _refused(TamperedWeights, lambda: weights.load(NAME))
    return words


def disk_full(folder: Path) -> str:
    """There is no space for a model, a row of a journal, or an evaluation's result."""
    with _copy(folder / "weights") as copy:
        before = _contents(copy)
        config = json.loads((copy / NAME / CONFIG).read_bytes())
        other = weights.load(NAME).module
        with torch.no_grad():
            next(other.parameters()).add_(1.0)
        for limit in (0, 4_000, len(before[f"{NAME}/{MODEL}"]) // 2):
            with no_space(limit):
                _fails_full(lambda: weights.save(NAME, other, config))
            _promise(_contents(copy) == before, "a save that failed has changed the weights folder")
        _promise(isinstance(weights.load(NAME).module, nn.Module), "the model before is lost")

    _note(folder, {"cell": "whole"})
    with no_space(30):
        _fails_full(lambda: _note(folder, {"cell": "torn", "value": 0.5}))
    _note(folder, {"cell": "next"})
    found = [row["cell"] for row in journal.rows(folder)]
    _promise(found == ["whole", "next"], f"the journal trusts {found}")

    result = folder / "results.json"
    manifest.write_atomically(result, b"{}")
    with no_space(100):
        _fails_full(lambda: manifest.write_atomically(result, b"x" * 200))
    _promise(result.read_bytes() == b"{}" and not list(folder.glob("*.tmp")), "a torn result is left")
    return "nothing torn is left, what was there stays"


def hub_down(folder: Path) -> str:
    """The weights are on the Hub, and the Hub does not answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    # The client reads its settings as it is loaded.
    import huggingface_hub.constants as constants

    origin = hub.HubSource("owner/name", "0" * 40)
    kept, constants.ENDPOINT = constants.ENDPOINT, nobody
    started = time.monotonic()
    try:
        words = _refused(HubUnavailable, lambda: hub.fetch(origin, f"{NAME}/{MODEL}"))
    finally:
        constants.ENDPOINT = kept
    return f"{words} (after {_s(started)})"


FAULTS: dict[str, Callable[[Path], str]] = {
    "browser closed in the middle of a job": browser_closed,
    "weights missing": weights_missing,
    "weights tampered with": weights_tampered,
    "disk full": disk_full,
    "Hub down": hub_down,
}


@contextmanager
def no_space(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond ``size`` bytes: what is written is cut off, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def _copy(folder: Path) -> Iterator[Path]:
    """A weights folder with a copy of one model, in use for the block."""
    source = manifest.root()
    shutil.copytree(source / NAME, folder / NAME)
    files = {file: manifest.read()[file] for file in manifest.files_of(NAME)}
    kept = os.environ.get("SEMCOM_WEIGHTS")
    os.environ["SEMCOM_WEIGHTS"] = str(folder)
    hub_repo = os.environ.pop("SEMCOM_HUB_REPO", None)
    try:
        manifest.update(files)
        yield folder
    finally:
        for name, value in (("SEMCOM_WEIGHTS", kept), ("SEMCOM_HUB_REPO", hub_repo)):
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _note(folder: Path, row: journal.Row) -> None:
    with journal.opened(folder, 0) as rows:
        journal.write(rows, row)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refused(kind: type[Exception], work: Callable[[], object]) -> str:
    """The sentence with which something is refused."""
    try:
        work()
    except kind as error:
        return str(error)
    raise Broken(f"no {kind.__name__}")


def _fails_full(work: Callable[[], object]) -> None:
    try:
        work()
    except OSError as error:
        _promise(error.errno in _FULL, f"{error}")
    else:
        raise Broken("it was written without space")


def _promise(kept: bool, words: str) -> None:
    if not kept:
        raise Broken(words)


def _s(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"
