"""Which version of rules and lists a derivation is made by, and how old the lists are."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from sql.core.errors import UsageError

# Of each derivation: the number of its rules, raised where code makes something else of the same event; its lists; the
# packages that hold more of them.
_MADE_OF = {
    "channels": (1, ("sources.csv",), ("publicsuffixlist",)),
    "user-agents": (1, ("agents.csv",), ("ua-parser-builtins", "ua-parser-rs")),
    "bots": (1, ("bots.csv", "scanned.txt", "spam.txt"), ("crawler-user-agents",)),
}


def updated() -> dt.date:
    """The day on which the lists in the package were last updated from their origins."""
    return dt.date.fromisoformat(_list("updated.txt").decode().strip())


def versions(spam_file: Path | None = None) -> Mapping[str, str]:
    """By derivation, the day of the lists and a hash of all that it is made by; ``spam_file`` is the operator's own.

    Versions whose hashes are the same are the same. Raises UsageError where the operator's file cannot be read.
    """
    own = {"bots": _own(spam_file)} if spam_file else {}
    return {name: f"{updated()} {_hash(*of, own.get(name, b''))}" for name, of in _MADE_OF.items()}


def _hash(number: int, lists: tuple[str, ...], packages: tuple[str, ...], own: bytes) -> str:
    parts = [str(number).encode(), *map(_list, lists), *(version(name).encode() for name in packages), own]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:8]


def _list(name: str) -> bytes:
    return (files("collector.enrich") / "data" / name).read_bytes()


def _own(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read the spam file {path}: {exc.strerror}", "write one host per line") from exc
