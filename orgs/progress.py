"""How far a job in the background has come, in a small file: seen by others while its transaction is open.

A row of the database cannot tell it: the work is one transaction, and on SQLite nobody else can write meanwhile.
The file's time is the sign of life, renewed by a thread however long one statement takes.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BEAT_SECONDS = 2.0
WRITE_SECONDS = 0.5
Tick = Callable[[str, int], None]


def silent(stage: str, rows: int) -> None:
    """For whom nobody waits."""


class Reporter:
    """Writes the file while the work goes on; use as a context, `tick` is handed to who does the work."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, int] = {}
        self.last = 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        """The first sign of life."""
        self._write()
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The last numbers stay."""
        self.ended.set()
        self.thread.join()
        self._write()

    def tick(self, stage: str, rows: int) -> None:
        """So many rows have passed this stage by now."""
        self.rows[stage] = rows
        if time.monotonic() - self.last > WRITE_SECONDS:
            self._write()

    def _write(self) -> None:
        self.last = time.monotonic()
        draft = self.path.with_suffix(".part")
        with suppress(OSError):  # a full disk must not stop the work for its progress
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(self.rows), encoding="ascii")
            draft.replace(self.path)

    def _beat(self) -> None:
        while not self.ended.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self.path)


def rows(path: Path, stages: Sequence[str]) -> dict[str, int]:
    """How many have passed each stage so far; zeros where nothing is known."""
    found: Any = None
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="ascii"))
    if not isinstance(found, dict):
        found = {}
    return {stage: int(found.get(stage, 0)) for stage in stages}


def last_sign(path: Path) -> float:
    """When the work last showed that it lives (seconds since the epoch); 0 for never."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
