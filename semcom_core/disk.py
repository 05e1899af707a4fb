"""Arrays on disk that have their space before anything is written into them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike


def with_space(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> np.memmap:
    """A new array file of zeros, mapped for writing.

    Writing into a mapped file whose space is not there ends the process (SIGBUS); so all of it is
    asked for at once.

    Raises:
        OSError: the disk is full; no file is left.
    """
    try:
        array = np.lib.format.open_memmap(path, "w+", dtype, shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return array
