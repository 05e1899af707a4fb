"""Finished cells of a resumable evaluation: JSON lines, one file a process, on disk before the next cell begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

Row = dict[str, Any]


def opened(folder: Path, rank: int) -> TextIO:
    """One process's file, made if need be; what is in it stays."""
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"cells-{rank}.jsonl").open("a")


def write(file: TextIO, row: Row) -> None:
    """Add a row; a line torn by a crash ends where the next begins."""
    file.write(f"\n{json.dumps(row)}")
    file.flush()


def rows(folder: Path) -> Iterator[Row]:
    """Every process's rows; torn lines are left out."""
    for file in sorted(folder.glob("cells-*.jsonl")):
        for line in file.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue
