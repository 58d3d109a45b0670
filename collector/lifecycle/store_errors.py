"""What goes wrong with a directory or an object store, in a line and with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sql.core.errors import StorageError

_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do in this bucket"
_REFUSED = "the object store refuses these credentials"
# By the names that PyArrow gives to errors of object stores.
_TROUBLE = {
    "NETWORK_CONNECTION": ("nothing answers", "check the network and the endpoint (AWS_ENDPOINT_URL)"),
    "NO_SUCH_BUCKET": ("there is no such bucket", "create it, or correct its name"),
    "ACCESS_DENIED": (_REFUSED, _KEYS),
    "INVALID_ACCESS_KEY_ID": (_REFUSED, _KEYS),
    "INVALID_CLIENT_TOKEN_ID": (_REFUSED, _KEYS),
    "MISSING_AUTHENTICATION_TOKEN": (_REFUSED, _KEYS),
    "SIGNATURE_DOES_NOT_MATCH": (_REFUSED, _KEYS),
    "REQUEST_TIME_TOO_SKEWED": ("the clock of this machine is wrong", "set it"),
    "SLOW_DOWN": ("the object store is busy", "try again later"),
    "SERVICE_UNAVAILABLE": ("the object store is not available", "try again later"),
    "INTERNAL_FAILURE": ("the object store has failed", "try again later"),
}


@contextmanager
def told(act: str, what: str, only_store: bool = False) -> Iterator[None]:
    """Say an OSError or ValueError of what is done in it as a StorageError: "cannot ``act`` ``what``: …".

    With ``only_store``, one that is of a single file goes through: it is missing, or may not be read.
    """
    try:
        yield
    except (OSError, ValueError) as exc:
        code = str(exc).partition("AWS Error ")[2].partition(" ")[0]
        if code in _TROUBLE:
            message, hint = _TROUBLE[code]
            raise StorageError(f"cannot {act} {what}: {message}", hint) from exc
        if only_store:
            raise
        strerror = exc.strerror if isinstance(exc, OSError) else None
        raise StorageError(f"cannot {act} {what}: {strerror or str(exc).splitlines()[0]}") from exc
