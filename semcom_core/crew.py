"""Several processes that share one job, found through Hugging Face Accelerate; alone unless a launcher started more.

``accelerate launch`` (or ``torchrun``) starts them on GPUs and on several machines. On the CPUs of one machine
:func:`launch` does, since ``accelerate launch`` starts only one process there without MPI.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from accelerate import PartialState

_WAIT = timedelta(days=7)
"""How long a process may wait for another one's work."""


@dataclass(frozen=True)
class Crew:
    """The processes that share the work: this one's rank, their number, and what they do together."""

    rank: int = 0
    size: int = 1
    state: PartialState | None = None

    @property
    def first(self) -> bool:
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""
        if self.state is not None:
            self.state.wait_for_everyone()

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """The first process does what follows before all others (which then find it done)."""
        if self.state is None:
            yield
            return
        with self.state.main_process_first():
            yield

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace floating tensors, in place, by their means over all processes: one message for all of them."""
        if self.state is None:
            return
        from accelerate.utils import reduce

        parts = list(tensors)
        if not parts:
            return
        mean = reduce(torch.cat([part.detach().flatten().float() for part in parts]), "mean")
        for part, own in zip(parts, mean.split([part.numel() for part in parts]), strict=True):
            part.data.copy_(own.reshape(part.shape))

    def share(self, batch: Any) -> Any:
        """This process's part of a batch: of each array or tensor in it every so-many-th row."""
        if self.size == 1:
            return batch
        if isinstance(batch, tuple | list):
            return type(batch)(self.share(one) for one in batch)
        return batch[self.rank :: self.size]


def crew(device: str = "cpu") -> Crew:
    """This process's place if a launcher started several; else alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return Crew()
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu", timeout=_WAIT)
    return Crew(state.process_index, state.num_processes, state)


def launched() -> bool:
    """Whether this process is one of several already."""
    return "WORLD_SIZE" in os.environ


def launch(arguments: Sequence[str], processes: int, threads: int | None) -> None:
    """``python -m semcom_core`` with these arguments in several processes of this machine.

    Args:
        threads: of each; an equal share of the cores if omitted.

    Raises:
        RuntimeError: one of them failed.
    """
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    each = str(threads or max(1, (os.cpu_count() or 1) // processes))
    done = subprocess.run(
        [*launcher, "--nproc_per_node", str(processes), "-m", "semcom_core", *arguments],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"OMP_NUM_THREADS": each},
        check=False,
    )
    if done.returncode:
        raise RuntimeError("A process failed; its message is above. Finished work is kept.")
