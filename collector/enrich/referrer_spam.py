"""Referrer spam: hosts that never link to anybody and want to be seen in reports.

A short list comes with the package (data/spam.txt); an operator's own file, one host a line, is added to it.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from sql.core.errors import UsageError
from sql.core.hosts import ascii_host


class SpamHosts:
    """Hosts with their subdomains. Raises UsageError where the operator's file cannot be read."""

    def __init__(self, path: Path | None = None) -> None:
        self._hosts = frozenset(_hosts(files("collector.enrich").joinpath("data/spam.txt").read_text(encoding="utf-8")))
        if path:
            try:
                self._hosts |= frozenset(_hosts(path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError) as exc:
                why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
                raise UsageError(
                    f"cannot read the spam file {path}: {why}", "write one host per line, in UTF-8"
                ) from exc  # A name of a hundred labels is not looked up a hundred times.
        self._most = max(host.count(".") for host in self._hosts) + 1

    def lists(self, host: str) -> bool:
        """Whether a referrer's host (lower case) or one of its parent domains is on the list."""
        labels = host.rsplit(".", self._most)
        return any(".".join(labels[at:]) in self._hosts for at in range(len(labels)))


def _hosts(text: str) -> set[str]:
    lines = (ascii_host(line.partition("#")[0].strip()) for line in text.splitlines())
    return {line for line in lines if line}
