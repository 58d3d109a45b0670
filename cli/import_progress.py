"""The progress bar of imports, on stderr; nothing where that is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from collector.imports.log_files import LogFile


class Bar:
    """By bytes read, then by segments loaded; a context manager. ``files`` are names, ``-`` for standard input."""

    def __init__(self, files: list[str]) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        known = "-" not in files and all(Path(name).exists() for name in files)
        total = sum(Path(name).stat().st_size for name in files) if known else None
        self._before = 0
        self._position = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task("Reading", total=total)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def lines(self, file: LogFile, limit: int) -> Iterator[bytes]:
        """The lines of a file, the bar moving with them."""
        yield from file.lines(limit, lambda: self.row_at(file.position))
        self.next_file()

    def row_at(self, position: int) -> None:
        """Say how far into the current file the reading has come, in bytes."""
        self._position = position
        self._progress.update(self._task, completed=self._before + position)

    def next_file(self) -> None:
        """The current file is read."""
        self._before += self._position
        self._position = 0

    def following(self, page_views: int) -> None:
        """Say how many page views came so far."""
        self._progress.update(self._task, description=f"Following ({page_views:,} page views); ctrl-c ends")

    def loading(self, segments: int) -> None:
        """Everything is read; show how many segments are left to load."""
        self._progress.update(self._task, completed=self._before, description=f"Loading ({segments} left)")
