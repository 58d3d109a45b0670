"""What comes on standard input."""

from __future__ import annotations

import sys

from sql.core.errors import UsageError


def read() -> bytes:
    """All of it. Raises UsageError where it is closed."""
    if sys.stdin is None:
        raise UsageError("standard input is closed", "pipe something into it, or name a file")
    return sys.stdin.buffer.read()
