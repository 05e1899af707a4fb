"""How measurements are written down.

Finished cells of a resumable evaluation are JSON lines, one file a process, on disk before the next cell
begins; ``results.json`` is what is published of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from semcom_core.manifest import write_atomically

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


def publish(file: Path, content: Mapping[str, Any]) -> None:
    """Write a ``results.json``: a line for each row of a list, so that a change shows as the rows that changed."""
    fields = [f" {_json(name)}: {_value(value)}" for name, value in content.items()]
    write_atomically(file, ("{\n" + ",\n".join(fields) + "\n}\n").encode())


def _value(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _json(value)
    return "[\n" + ",\n".join(f"  {_json(row)}" for row in value) + "\n ]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
