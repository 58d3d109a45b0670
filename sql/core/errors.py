"""Every error a user can meet, in one tree.

FootfallError                 one clear line, and what to do
├── UsageError                the request itself is wrong (flag, date, DSN, config, unknown site)
├── EngineError               ClickHouse cannot serve
│   ├── EngineBusy            another process holds the embedded engine's directory
│   ├── EngineUnavailable     no answer (down, refused, timed out)
│   ├── EngineRefused         it answered with an error
│   └── EngineTooOld          its version does not know what we ask of it
├── SchemaError               migrations disagree with what is applied
└── StorageError              a file or directory of ours cannot be read or written
"""

from __future__ import annotations


class FootfallError(Exception):
    """Base of all errors shown to a user as one line.

    ``message`` says what is wrong, ``hint`` what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(FootfallError):
    """What was asked for makes no sense: a flag, a date, a site, a setting, a DSN."""


class EngineError(FootfallError):
    """ClickHouse cannot serve the request."""


class EngineBusy(EngineError):
    """Another process holds the embedded engine's directory and does not let go."""


class EngineUnavailable(EngineError):
    """Nothing answers where ClickHouse should be."""


class EngineRefused(EngineError):
    """ClickHouse answered with an error; ``code`` is its number (0 when unknown)."""

    def __init__(self, message: str, hint: str = "", code: int = 0) -> None:
        super().__init__(message, hint)
        self.code = code


class EngineTooOld(EngineError):
    """ClickHouse is older than what Footfall is made for."""


class SchemaError(FootfallError):
    """The schema in the database and the schema in the package disagree."""


class StorageError(FootfallError):
    """A file or directory that Footfall owns cannot be read or written."""


def lacks_table(exc: BaseException) -> bool:
    """Whether a statement failed because a table that it reads does not exist."""
    return getattr(exc, "code", None) == 60  # UNKNOWN_TABLE, as the engine numbers its errors
