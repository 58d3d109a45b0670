"""Where things lie: one data directory, named parts."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwuid

from sql.core.errors import StorageError

log = logging.getLogger("footfall.home")


@dataclass(frozen=True, slots=True)
class DataDir:
    """The data directory of one Footfall: engine files, spool, locks, salts, published facts."""

    root: Path

    @property
    def engine_dir(self) -> Path:
        """The embedded engine's own directory (chDB's path)."""
        return self.root / "engine"

    @property
    def engine_file(self) -> Path:
        """Where a running embedded engine publishes its password and the name of its life (mode 0600)."""
        return self.root / "engine.json"

    @property
    def engine_socket(self) -> Path:
        """The unix socket on which a running embedded engine answers (mode 0600)."""
        return self.root / "engine.sock"

    @property
    def engine_lock(self) -> Path:
        """Held by whoever has the engine directory open."""
        return self.root / "engine.lock"

    @property
    def serve_lock(self) -> Path:
        """Held by the one `footfall serve`."""
        return self.root / "serve.lock"

    @property
    def loader_lock(self) -> Path:
        """Held by the one loader."""
        return self.root / "loader.lock"

    @property
    def definitions_lock(self) -> Path:
        """Held while a version of a definition is written."""
        return self.root / "definitions.lock"

    @property
    def exports_lock(self) -> Path:
        """Held while an audience or conversions are exported."""
        return self.root / "exports.lock"

    @property
    def schedule_lock(self) -> Path:
        """Held while the exports of a file are run by their schedule."""
        return self.root / "schedule.lock"

    @property
    def segments_lock(self) -> Path:
        """Held while who belongs to segments is written."""
        return self.root / "segments.lock"

    @property
    def partitions_lock(self) -> Path:
        """Held while events or derivations are written: by the loader per batch, by a rebuild, by migrations."""
        return self.root / "partitions.lock"

    @property
    def backup_lock(self) -> Path:
        """Held while a backup is made."""
        return self.root / "backup.lock"

    @property
    def backup_held(self) -> Path:
        """Hard links to all that a backup copies, while it is made."""
        return self.root / "backup.held"

    @property
    def backup_file(self) -> Path:
        """Which backup was made last, or begun."""
        return self.root / "backup.json"

    @property
    def spool(self) -> Path:
        """The write-ahead spool."""
        return self.root / "spool"

    @property
    def salts(self) -> Path:
        """Daily salts of the cookieless visitor hash."""
        return self.root / "salts"

    @property
    def identity_keys_file(self) -> Path:
        """The keys that client ids and e-mail addresses are hashed under."""
        return self.root / "identity-keys.json"

    @property
    def sites_file(self) -> Path:
        """The registry of sites that collectors read."""
        return self.root / "sites.json"

    @property
    def event_schemas_file(self) -> Path:
        """The schemas of events that collectors read."""
        return self.root / "event-schemas.json"

    @property
    def networks_file(self) -> Path:
        """The affiliate networks that may send postbacks, which collectors read."""
        return self.root / "networks.json"

    @property
    def tombstones_file(self) -> Path:
        """Keyed hashes of erased visitors and users, which collectors and the loader read."""
        return self.root / "tombstones.json"

    @property
    def receipts(self) -> Path:
        """What commands changed, one file a run."""
        return self.root / "receipts"

    @property
    def imports(self) -> Path:
        """What was imported, one file a run."""
        return self.root / "imports"

    @property
    def tracker(self) -> Path:
        """The tracker's files, of each version that was served."""
        return self.root / "tracker"

    @property
    def tracker_lock(self) -> Path:
        """Held while a version of the tracker is kept."""
        return self.root / "tracker.lock"

    def make(self) -> DataDir:
        """Create the directory if it is missing, for its owner alone; one that is open to others is closed.

        Raises StorageError where it cannot be made or written, or belongs to somebody else (``check_owner``).
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.check_owner()
            mode = stat.S_IMODE(self.root.stat().st_mode)
            if mode & 0o077 and self.root.stat().st_uid == os.geteuid():
                self.root.chmod(0o700)
                log.warning(
                    "%s was accessible to other users (mode %o); access is now restricted to its owner", self.root, mode
                )
            if not os.access(self.root, os.W_OK):
                raise StorageError(f"cannot write to {self.root}", "choose another data_dir or fix its permissions")
        except OSError as exc:
            raise StorageError(f"cannot create the data directory {self.root}: {exc.strerror}") from exc
        return self

    def check_owner(self) -> None:
        """Raise StorageError where this is root and the directory another user's: what root wrote there, nobody else
        could read, and the service would stop.
        """
        try:
            owner = self.root.stat().st_uid
        except OSError:
            return
        if os.geteuid() == 0 and owner:
            try:
                user = getpwuid(owner).pw_name
            except KeyError:
                user = f"'#{owner}'"
            raise StorageError(f"this data directory belongs to user {user}: {self.root}", f"sudo -u {user} footfall …")
