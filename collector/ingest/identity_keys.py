"""The keys that identities are hashed under: client ids to visitors, and user ids that are e-mail addresses.

They are this installation's own, so that its hashes cannot be joined with those of another, nor found by trying
addresses without the file. Who loses the file loses the thread: the same person is another one from then on.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import msgspec

from sql.core.data_dir import DataDir
from sql.core.errors import StorageError
from sql.core.files import write_atomic

KEY_BYTES = 32


class IdentityKeys(msgspec.Struct, frozen=True):
    """Two keys, each of at most 64 bytes."""

    client: bytes
    user: bytes


# What every installation hashed under before there was a file.
CONSTANTS = IdentityKeys(b"client", b"user")


def identity_keys(home: DataDir) -> IdentityKeys:
    """The keys of a data directory, made at first use; call it before the salts are made.

    A directory that has salts and no keys is of a version that hashed under constants: it keeps them, so that nobody
    becomes another visitor. Raises StorageError.
    """
    path = home.identity_keys_file
    try:
        if not path.exists():
            _make(path, CONSTANTS if home.salts.exists() else _fresh())
        return msgspec.json.decode(path.read_bytes(), type=IdentityKeys)
    except OSError as exc:
        raise StorageError(f"cannot create or read {path}: {exc.strerror}", f"is {home.root} writable?") from exc
    except msgspec.DecodeError as exc:
        raise StorageError(
            f"{path} is damaged: {exc}", "restore it from a backup; otherwise returning visitors count as new ones"
        ) from exc


def _fresh() -> IdentityKeys:
    return IdentityKeys(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))


def _make(path: Path, keys: IdentityKeys) -> None:
    """Whoever is first decides: the file appears as a whole, once."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_atomic(fresh, msgspec.json.encode(keys), mode=0o600)
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
