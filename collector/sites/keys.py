"""Write keys of sites: new ones, revoking, rotating. A key is shown once; what stays is its hash."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from collector.sites.registry import Site, hash_key
from collector.sites.table import Key, all_keys, changing, put_key
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

Clock = Callable[[], float]
MAX_LABEL = 100


def new_key(client: Client, site_id: int, label: str, clock: Clock = time.time) -> tuple[Key, str]:
    """Make a key; returns how it is kept, and the key itself. The caller holds ``changing``.

    Raises UsageError: the label is too long, or no line of text.
    """
    check_label(label)
    text = f"wk_{secrets.token_urlsafe(24)}"
    key_id = max((key.key_id for key in all_keys(client)), default=0) + 1
    key = Key(key_id, site_id, hash_key(text), label, int(clock() * 1000))
    put_key(client, key)
    return key, text


def add_key(client: Client, home: DataDir, site: Site, label: str = "") -> tuple[Key, str]:
    """One more key of a site; returns how it is kept, and the key itself. Raises UsageError as ``new_key`` does."""
    with changing(client, home):
        return new_key(client, site.site_id, label)


def find_key(client: Client, key_id: int, clock: Clock = time.time) -> Key:
    """A key that is not revoked at this moment. Raises UsageError where it is, or is none."""
    for key in all_keys(client):
        if key.key_id == key_id:
            if not is_live(key, clock):
                raise UsageError(f"key {key_id} is already revoked", "see `footfall key list`")
            return key
    raise UsageError(f"no key {key_id}", "see `footfall key list`")


def revoke_key(client: Client, home: DataDir, key_id: int, clock: Clock = time.time) -> Key:
    """Refuse a key from now on; returns it. Raises UsageError as ``find_key`` does."""
    with changing(client, home):
        key = replace(find_key(client, key_id, clock), revoked_at=int(clock() * 1000))
        put_key(client, key)
    return key


def rotate_keys(
    client: Client, home: DataDir, site: Site, keep_for: int, label: str = "", clock: Clock = time.time
) -> tuple[Key, str, list[Key]]:
    """A new key, and the end of all others after ``keep_for`` seconds; those that end sooner do so.

    Returns how the new key is kept, the key itself, and the others. Raises UsageError as ``new_key`` does.
    """
    with changing(client, home):
        others = [ending(key, keep_for, clock) for key in live_keys(client, site, clock)]
        key, text = new_key(client, site.site_id, label, clock)
        for other in others:
            put_key(client, other)
    return key, text, others


def revoke_all(client: Client, site: Site, clock: Clock = time.time) -> None:
    """Refuse all keys of a site from now on. The caller holds ``changing``."""
    for key in live_keys(client, site, clock):
        put_key(client, ending(key, 0, clock))


def live_keys(client: Client, site: Site, clock: Clock = time.time) -> list[Key]:
    """The keys of a site that are not revoked at this moment."""
    return [key for key in all_keys(client) if key.site_id == site.site_id and is_live(key, clock)]


def ending(key: Key, keep_for: int, clock: Clock = time.time) -> Key:
    """The key with its end ``keep_for`` seconds from now, or sooner where it was to end sooner."""
    end = int(clock() * 1000) + keep_for * 1000
    return replace(key, revoked_at=end if key.revoked_at is None else min(end, key.revoked_at))


def is_live(key: Key, clock: Clock = time.time) -> bool:
    """Whether the key is taken at this moment."""
    return key.revoked_at is None or key.revoked_at > clock() * 1000


def check_label(label: str) -> None:
    """Raises UsageError for a label that is too long, or no line of text."""
    if len(label) > MAX_LABEL or not label.isprintable():
        raise UsageError(f"not a label: {label!r}", f"use one line of at most {MAX_LABEL} characters")


def listed(keys: list[Key], sites: list[Site]) -> pl.DataFrame:
    """One row a key: key_id, site (domain), label, created_at, revoked_at.

    Moments are UTC, to the second; revoked_at is null while nothing revokes the key.
    """
    import polars as pl

    domains = {site.site_id: site.domain for site in sites}
    moment = pl.Datetime("ms", "UTC")
    return pl.DataFrame(
        {
            "key_id": [key.key_id for key in keys],
            "site": [domains.get(key.site_id, "") for key in keys],
            "label": [key.label for key in keys],
            "created_at": [key.created_at // 1000 * 1000 for key in keys],
            "revoked_at": [None if key.revoked_at is None else key.revoked_at // 1000 * 1000 for key in keys],
        },
        schema={"key_id": pl.UInt32, "site": pl.String, "label": pl.String, "created_at": moment, "revoked_at": moment},
    )
