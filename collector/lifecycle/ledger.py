"""The account of a spool: accepted = stored + duplicate + erased + quarantined + pending, at any moment.

What is accepted comes from the writers' own counts, everything else from the files and the journal: a lost event shows
as missing. The figures are a consistent snapshot while writers and loader keep running: names, counts and journal are
read and checked, and read again if a segment was sealed or a batch finished in between. Which files a batch in hand
answers for, manifests say; which batches are done, the journal says.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import msgspec

from collector.loader.batches import Manifest
from collector.loader.journal import JOURNAL, JournalState, Totals
from collector.spool import framing
from collector.spool.spool import REQUEUE, Spool, events_of, writer_kind
from collector.spool.writer_counts import WriterCounts, segment_of
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """Files of one kind (segments, or prepared batches), their events and bytes; ``oldest`` in seconds since 1970."""

    files: int = 0
    events: int = 0
    bytes: int = 0
    oldest: float | None = None

    def plus(self, events: int, stat: os.stat_result) -> Backlog:
        """With one more file."""
        oldest = stat.st_mtime if self.oldest is None else min(self.oldest, stat.st_mtime)
        return Backlog(self.files + 1, self.events + events, self.bytes + stat.st_size, oldest)


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the events that were ever accepted. ``quarantined`` were set aside and did not come back."""

    accepted: int
    totals: Totals
    quarantined: int
    open: Backlog = field(default_factory=Backlog)
    sealed: Backlog = field(default_factory=Backlog)
    prepared: Backlog = field(default_factory=Backlog)

    @property
    def pending(self) -> int:
        """Events that are accepted and wait."""
        return self.open.events + self.sealed.events + self.prepared.events

    @property
    def missing(self) -> int:
        """Accepted events that are nowhere; 0 where the account holds."""
        known = self.totals.stored + self.totals.duplicate + self.totals.erased
        return self.accepted - known - self.quarantined - self.pending


def take(home: DataDir, patience: float = PATIENCE_SECONDS) -> Account:
    """The account of this moment. Raises StorageError where no moment stands still for ``patience`` seconds."""
    spool = Spool(home.spool).make()
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with ExitStack() as files:
            try:
                moment = Moment(home, spool, files)
                if moment.still():
                    return moment.account()
            except FileNotFoundError:  # it went on while we looked
                continue
    raise StorageError("could not take a consistent snapshot of the spool", "try again")


class Moment:
    """All that one look at the spool found. Raises FileNotFoundError where it went on meanwhile."""

    def __init__(self, home: DataDir, spool: Spool, files: ExitStack) -> None:
        self.spool = spool
        self.journal_path = home.root / JOURNAL
        self.names = self._names()
        self.tallies = {path.name: WriterCounts.read(path) for path in self._paths(spool.writers_dir)}
        self.journal = self._journal_stat()
        self.journal_data = self.journal_path.read_bytes() if self.journal else b""
        self.state = JournalState(self.journal_data)
        self.manifests = [
            msgspec.json.decode(path.read_bytes(), type=Manifest)
            for path in self._paths(spool.prepared_dir)
            if path.suffix == ".json"
        ]
        self.open: list[tuple[Path, BinaryIO]] = [
            (path, files.enter_context(path.open("rb"))) for path in self._paths(spool.open_dir)
        ]
        self.sealed = [(path, path.stat()) for path in self._paths(spool.sealed_dir)]

    def still(self) -> bool:
        """Whether all this was so at one moment: what is only ever added to may have grown since."""
        if self.names != self._names() or self.journal != self._journal_stat():
            return False
        now = {name: WriterCounts.read(self.spool.writers_dir / name) for name in self.tallies}
        return all((now[name].number, now[name].sealed) == (t.number, t.sealed) for name, t in self.tallies.items())

    def account(self) -> Account:
        """The account, once all is known to be of one moment."""
        done = self.state.done
        manifests = [manifest for manifest in self.manifests if str(manifest.batch_id) not in done]
        answered = {name for manifest in self.manifests for name in manifest.segments}
        waiting = [(path, stat) for path, stat in self.sealed if path.name not in answered]
        sealed = Backlog()
        requeued = sum(manifest.requeued for manifest in manifests)
        for path, stat in waiting:
            events = events_of(path) or 0
            sealed = sealed.plus(events, stat)
            requeued += events if writer_kind(path) == REQUEUE else 0
        tallies = [tally.accepted for name, tally in self.tallies.items() if name not in self.state.writers]
        return Account(
            accepted=self.state.totals.accepted + sum(tallies),
            totals=self.state.totals,
            quarantined=self.state.totals.quarantined - requeued,
            open=self._open_pile(),
            sealed=sealed,
            prepared=self._prepared_pile(manifests),
        )

    def _open_pile(self) -> Backlog:
        """Events in open segments that are acknowledged: more may be in the file that nobody was told of yet."""
        pile = Backlog()
        for path, file in self.open:
            writer, number = segment_of(path)
            tally = self.tallies.get(writer, WriterCounts())
            acknowledged = tally.open if tally.number == number else 0
            found = framing.read(file.read(), framing.key_of(path)).events if acknowledged else 0
            pile = pile.plus(min(found, acknowledged), os.fstat(file.fileno()))
        return pile

    def _prepared_pile(self, manifests: list[Manifest]) -> Backlog:
        pile = Backlog()
        for manifest in manifests:
            try:
                stat = (self.spool.prepared_dir / f"{manifest.batch_id}.arrows").stat()
            except FileNotFoundError:  # done meanwhile
                pile = replace(pile, files=pile.files + 1, events=pile.events + manifest.accepted)
                continue
            pile = pile.plus(manifest.accepted, stat)
        return pile

    def _names(self) -> list[list[str]]:
        folders = (self.spool.open_dir, self.spool.sealed_dir, self.spool.prepared_dir, self.spool.writers_dir)
        return [[path.name for path in self._paths(folder)] for folder in folders]

    def _paths(self, folder: Path) -> list[Path]:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

    def _journal_stat(self) -> tuple[int, int] | None:
        try:
            stat = self.journal_path.stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_size
