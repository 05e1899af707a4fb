"""Functions of this package in a second process, so that a page's Python and the networks do not share one lock.

::

    pages ─ run(link.receive, models, …) ─ pickle ─► python -m semcom_core.away ─ pickle ─► result

A network's forward pass gives Python's lock away and takes it back at each of its operations. Beside
another session that is busy drawing its page it waits each time: measured, a transmission of 24 ms takes
120, and one of 70 takes 460, while a core idles. In a process of its own it takes what it takes.

Networks never travel: what :func:`share` has named goes as its name, and each side has its own copy from
the same files. A call with any other network in it (a visitor's own small link), and every call while the
second process is not there, runs in this one: the result is the same, later.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from io import BytesIO
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from semcom_core import link

T = TypeVar("T")
Name = tuple[str, ...]
"""``("network", name, path of the part)`` or ``("models", domain, defense)``."""
_DONE, _FAILED, _CANNOT = "done", "failed", "cannot"
"""What became of a call; one that could not be understood, or whose result cannot travel, is made by who asked."""
_PROJECT = Path(__file__).parents[1]
TURN_S = 1e-3
"""How long a thread keeps Python's lock that another one waits for, in both processes."""

_shared: WeakValueDictionary[Name, Any] = WeakValueDictionary()
_names: dict[int, Name] = {}
_loading = threading.Lock()


class NotShared(Exception):
    """Something cannot travel: a network, or a set of them, that has no name."""


def share(thing: T, *name: str) -> T:
    """Let a network and its parts, or a domain's :class:`~semcom_core.link.LinkModels`, travel as names; returns it.

    Args:
        name: how :func:`semcom_core.link.load_live` or :func:`semcom_core.link.load_models` would load it.
    """
    if isinstance(thing, nn.Module):
        named = {("network", *name, path): part for path, part in thing.named_modules()}
    else:
        named = {("models", *name): thing}
    for full, part in named.items():
        _shared[full], _names[id(part)] = part, full
    return thing


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Name | None:
        if not isinstance(obj, (nn.Module, link.LinkModels)):
            return None
        name = _names.get(id(obj))
        if name is None or _shared.get(name) is not obj:
            raise NotShared
        return name

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is Tensor:  # ten times as fast as torch's own way, which writes a file in memory
            return torch.from_numpy, (obj.numpy(),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Name) -> Any:
        found = _shared.get(pid)
        if found is None:
            raise NotShared(pid)
        return found


class _LoadingUnpickler(pickle.Unpickler):
    """In the second process: what is asked for and not there yet is loaded, once for all lanes."""

    def persistent_load(self, pid: Name) -> Any:
        with _loading:
            return _loaded(pid)


def _dumps(thing: Any) -> bytes:
    buffer = BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(thing)
    return buffer.getvalue()


class _Process:
    """The other process and its lanes: over each goes one call at a time."""

    def __init__(self, lanes: int) -> None:
        pairs = [Pipe() for _ in range(lanes)]
        theirs = [end.fileno() for _, end in pairs]
        command = [sys.executable, "-m", "semcom_core.away", *map(str, theirs)]
        self._popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=theirs, cwd=_PROJECT)
        for _, end in pairs:
            end.close()
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for end, _ in pairs:
            self._free.put(end)

    def ask(self, question: bytes) -> bytes:
        """The answer, once a lane is free.

        Raises:
            OSError, EOFError: the process has ended.
        """
        lane = self._free.get()
        try:
            lane.send_bytes(question)
            return lane.recv_bytes()
        finally:
            self._free.put(lane)

    def end(self) -> None:
        self._popen.kill()
        self._popen.wait()


class Second:
    """The second process, as seen from the first. First come, first served.

    Args:
        lanes: calls that it answers at a time, each in a thread of its own. Networks give Python's lock away
            for most of their time, and nothing there holds it for long.
    """

    def __init__(self, lanes: int = 1) -> None:
        self._lanes = lanes
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self.ready = threading.Event()
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """What to be in while the other process works."""

    def start(self) -> None:
        """Start it in the background: until it has loaded PyTorch, everything runs here."""
        threading.Thread(target=self._start, name="second process", daemon=True).start()

    def _start(self) -> None:
        try:
            process = _Process(self._lanes)
            process.ask(_dumps((1, os.getpid, ())))
        except (OSError, EOFError, ValueError):
            return  # then there is no second process, and nothing is lost
        self._process = process
        self.ready.set()

    def stop(self) -> None:
        """End it; calls run here from now on."""
        self._end(self._process)

    def _end(self, process: _Process | None) -> bool:
        """Whether that one was still in use."""
        with self._lock:
            if process is None or self._process is not process:
                return False
            self.ready.clear()
            self._process = None
        process.end()
        return True

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """``function(*args)``, there if possible.

        Args:
            function: a function of a module, found by its name there.

        Raises:
            Exception: whatever the function raises.
        """
        process = self._process
        if process is None:
            return function(*args)
        try:
            state, result = self._ask(process, _dumps((torch.get_num_threads(), function, args)))
        except NotShared:
            return function(*args)
        if state == _FAILED:
            raise result
        return result if state == _DONE else function(*args)

    def _ask(self, process: _Process, question: bytes) -> tuple[str, Any]:
        try:
            with self.waiting():
                answer = process.ask(question)
        except (OSError, EOFError):  # it was ended, by the system if memory ran out
            if self._end(process):
                self.start()
            return _CANNOT, None
        return _Unpickler(BytesIO(answer)).load()


@cache
def second() -> Second:
    """This process's second one, with a lane for each core; :meth:`Second.start` has to be called."""
    return Second(torch.get_num_threads())


def run(function: Callable[..., T], *args: Any) -> T:
    """See :meth:`Second.run`."""
    return second().run(function, *args)


@cache
def _network(name: str) -> Any:
    module, located = link.load_live(name)
    return share(module, name), located


@cache
def _loaded(name: Name) -> Any:
    """What a name stands for, in the second process: loaded when it is first asked for, and kept."""
    kind, *rest = name
    if kind == "network":
        network, path = rest
        return _network(network)[0].get_submodule(path)
    return share(link.load_models(*rest, load=_network), *rest)


def serve(lane: Connection) -> None:
    """Answer the calls of one lane until it is closed."""
    while True:
        try:
            lane.send_bytes(_answer(lane.recv_bytes()))
        except (OSError, EOFError):
            return


def _answer(question: bytes) -> bytes:
    try:
        threads, function, args = _LoadingUnpickler(BytesIO(question)).load()
    except Exception:  # weights that are gone, say: who asked finds out as well, and has the words for it
        return _dumps((_CANNOT, None))
    try:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        state, result = _DONE, function(*args)
    except Exception as error:
        state, result = _FAILED, error
    try:
        return _dumps((state, result))
    except (NotShared, TypeError, AttributeError, pickle.PicklingError):
        return _dumps((_CANNOT, None))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is asked to stop, and then this one's lanes close
    sys.setswitchinterval(TURN_S)  # a lane's networks shall not wait long for the other's Python
    from semcom_core import away  # as a module: names in pickles say so

    lanes = [threading.Thread(target=away.serve, args=(Connection(int(number)),)) for number in sys.argv[1:]]
    for one in lanes:
        one.start()
    for one in lanes:  # a program whose main thread has ended can start no pool of threads
        one.join()
