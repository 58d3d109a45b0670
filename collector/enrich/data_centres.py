"""Networks of data centres, from a file that the operator names."""

from __future__ import annotations

from pathlib import Path

from sql.core.addresses import Networks
from sql.core.errors import UsageError


def read_networks(path: Path) -> Networks:
    """A file with one network a line; anything after a comma or a # is left out. Raises UsageError."""
    try:
        lines = [line.partition("#")[0].partition(",")[0].strip() for line in path.read_text().splitlines()]
        return Networks(filter(None, lines), strict=False)
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise UsageError(
            f"cannot read the networks in {path}: {why}", "write one network per line, such as 192.0.2.0/24"
        ) from exc
