"""Facts that collectors need, as files in the data directory, so that none waits for ClickHouse.

The tables are the truth; ``publish`` writes a file from them, ``SnapshotFile`` reads it again when it changes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from sql.core.files import write_atomic

log = logging.getLogger("footfall.collector")
LOOK_SECONDS = 1.0
T = TypeVar("T")


def publish(path: Path, facts: Sequence[object]) -> None:
    """Write the file for collectors, if it differs."""
    data = msgspec.json.format(msgspec.json.encode(facts), indent=1)
    if not path.exists() or path.read_bytes() != data:
        write_atomic(path, data, mode=0o600)


class SnapshotFile(Generic[T]):
    """A list of ``kind`` in a file; looks at most once a second whether it changed."""

    def __init__(self, path: Path, kind: type[T], clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._kind = kind
        self._clock = clock
        self._looked = -1e9
        self.known = False
        """Whether it was ever read."""
        self._stamp: tuple[int, int] | None = None

    def changed(self, at_once: bool = False) -> list[T] | None:
        """What the file holds, where it is not what it held when it was read last; else None.

        A file that cannot be read leaves what was read before in force; it is looked for again a second later.
        """
        now = self._clock()
        if not at_once and now - self._looked < LOOK_SECONDS:
            return None
        self._looked = now
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp == self._stamp:
                return None
            facts: list[T] = msgspec.json.decode(self.path.read_bytes(), type=list[self._kind])  # type: ignore[name-defined]
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else "it is damaged"
            log.error("cannot read %s: %s; keeping the previous version", self.path.name, why)
            return None
        self._stamp = stamp
        self.known = True
        return facts
