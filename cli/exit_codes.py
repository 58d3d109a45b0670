"""Exit codes, and the one place where an error becomes a line and a code."""

from __future__ import annotations

from enum import IntEnum

from sql.core.errors import FootfallError, UsageError


class Exit(IntEnum):
    """What a command's exit code says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    FOUND = 3  # a check ran and found something


def code_of(exc: FootfallError) -> Exit:
    """The exit code of an error."""
    return Exit.USAGE if isinstance(exc, UsageError) else Exit.FAILED
