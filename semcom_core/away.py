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
from pathlib import Path
from typing import IO, Any, TypeVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from semcom_core import link

T = TypeVar("T")
Name = tuple[str, ...]
"""``("network", name, path of the part)`` or ``("models", domain, defense)``."""
_READY = "ready"
_DONE, _FAILED, _CANNOT = "done", "failed", "cannot"
"""What became of a call; one that could not be understood, or whose result cannot travel, is made by who asked."""
_PROJECT = Path(__file__).parents[1]

_shared: WeakValueDictionary[Name, Any] = WeakValueDictionary()
_names: dict[int, Name] = {}


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
    """In the second process: what is asked for and not there yet is loaded."""

    def persistent_load(self, pid: Name) -> Any:
        return _loaded(pid)


def _dumps(thing: Any) -> bytes:
    buffer = BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(thing)
    return buffer.getvalue()


class Second:
    """The second process, as seen from the first. One call at a time, first come, first served."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.ready = threading.Event()
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """What to be in while the other process works."""

    def start(self) -> None:
        """Start it in the background: until it has loaded PyTorch, everything runs here."""
        threading.Thread(target=self._start, name="second process", daemon=True).start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "semcom_core.away"]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_PROJECT)
            if pickle.load(process.stdout) == _READY:
                self._process = process
                self.ready.set()
        except (OSError, EOFError, pickle.UnpicklingError):
            pass  # then there is no second process, and nothing is lost

    def stop(self) -> None:
        """End it; calls run here from now on."""
        with self._turn:
            self._end()

    def _end(self) -> None:
        self.ready.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """``function(*args)``, there if possible.

        Args:
            function: a function of a module, found by its name there.

        Raises:
            Exception: whatever the function raises.
        """
        if not self.ready.is_set():
            return function(*args)
        try:
            state, result = self._ask(_dumps((torch.get_num_threads(), function, args)))
        except NotShared:
            return function(*args)
        if state == _FAILED:
            raise result
        return result if state == _DONE else function(*args)

    def _ask(self, question: bytes) -> tuple[str, Any]:
        with self.waiting(), self._turn:
            if not self.ready.is_set():
                return _CANNOT, None
            try:
                self._process.stdin.write(len(question).to_bytes(8, "little") + question)
                self._process.stdin.flush()
                answer = _frame(self._process.stdout)
            except (OSError, EOFError):  # it was ended, by the system if memory ran out
                self._end()
                self.start()
                return _CANNOT, None
        return _Unpickler(BytesIO(answer)).load()


def _frame(stream: IO[bytes]) -> bytes:
    """The next message: its length in eight bytes, then itself."""
    head = stream.read(8)
    length = int.from_bytes(head, "little")
    body = stream.read(length)
    if len(head) < 8 or len(body) < length:
        raise EOFError
    return body


@cache
def second() -> Second:
    """This process's second one; :meth:`Second.start` has to be called."""
    return Second()


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


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer calls until the stream of questions ends."""
    answers.write(pickle.dumps(_READY))
    answers.flush()
    while True:
        try:
            question = _frame(questions)
        except EOFError:
            return
        answer = _answer(question)
        answers.write(len(answer).to_bytes(8, "little") + answer)
        answers.flush()


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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is asked to stop, and then this one has no input
    private = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not print into an answer
    from semcom_core import away  # as a module: names in pickles say so

    away.serve(sys.stdin.buffer, private)
