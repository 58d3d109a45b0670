"""Access logs that are still being written: their page views as they come."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from collector.event.model import SpooledEvent
from collector.imports.access_log import AccessLog
from collector.imports.file_reader import MAX_LINE, FileReader
from collector.imports.log_files import STDIN
from collector.imports.sink import Sink
from collector.imports.tail import Pipe, Stream, Tail

EVERY_SECONDS = 1.0
# So much of a file is read before the next one has its turn, 16 MiB.
CHUNKS = 64
# How often a waiting follower looks whether it is to stop, and how long a pipe gathers lines.
STEP_SECONDS = 0.1


class Follower:
    """Follows files by name, and standard input as ``-``; a context manager.

    Raises UsageError and StorageError as Tail does.
    """

    def __init__(self, log: AccessLog, names: Sequence[str]) -> None:
        self._log = log
        self._tails = [Tail(name, MAX_LINE) for name in dict.fromkeys(names) if name != STDIN]
        self._pipe = Pipe(MAX_LINE) if STDIN in names else None
        self._readers: dict[Stream, FileReader] = {}
        self.behind = False
        """Whether the last look left something unread."""

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def over(self) -> bool:
        """Whether nothing can come any more: there was only standard input, and it has ended."""
        return not self._tails and self._pipe is not None and self._pipe.over

    @property
    def troubles(self) -> list[str]:
        """Files that cannot be opened now, and why."""
        return [f"cannot read {tail.name}: {tail.trouble}" for tail in self._tails if tail.trouble]

    def events(self) -> Iterator[SpooledEvent]:
        """The page views in what is there now; of a file that is far behind, some."""
        self.behind = False
        for tail in self._tails:
            for stream in tail.streams():
                yield from self._of(stream, tail.name)
        if self._pipe is not None:
            yield from self._of(self._pipe, "standard input")
        for stream in [stream for stream in self._readers if stream.over]:
            reader = self._readers.pop(stream)
            yield from reader.events(stream.last())
            yield from reader.rest()
            reader.close()

    def close(self) -> None:
        """Let go of the files, and tell their bad lines. A line without its end is left for the next time."""
        for reader in self._readers.values():
            reader.close()
        for tail in self._tails:
            tail.close()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait for that long, until ``stop`` is set, or until standard input has something."""
        until = time.monotonic() + seconds
        pipes = [self._pipe.fd] if self._pipe is not None and not self._pipe.over else []
        while (left := until - time.monotonic()) > 0 and not stop.wait(min(left, STEP_SECONDS)):
            if pipes and select.select(pipes, [], [], 0)[0]:
                return

    def _of(self, stream: Stream, name: str) -> Iterator[SpooledEvent]:
        if (reader := self._readers.get(stream)) is None:
            if stream.over:
                return
            reader = self._readers[stream] = self._log.file(name)
        for _ in range(CHUNKS):
            if not (lines := stream.lines()):
                return
            yield from reader.events(lines)
        self.behind = True


def follow(follower: Follower, sink: Sink, stop: threading.Event, on_pass: Callable[[], None] = lambda: None) -> None:
    """Bring in what comes, every second, until ``stop`` is set; ``on_pass`` is called after each look at the files."""
    sealed = 0.0
    while not stop.is_set() and not follower.over:
        sink.add(follower.events())
        if (now := time.monotonic()) - sealed >= EVERY_SECONDS:
            sink.seal()
            sealed = now
        on_pass()
        if not follower.behind:
            follower.wait(sealed + EVERY_SECONDS - time.monotonic(), stop)
