"""Who is who: users that are one person, by the word of an operator, and every such word in a log.

A visitor belongs to the user that it was first told to be; events before that count too (view `persons`). Merging two
users makes their visitors one person's; it can be taken back, since the log is kept and groups are made of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.event import redact
from collector.ingest.identity_keys import identity_keys
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

MAX_USERS = 100_000
_LOGGED = ["site_id", "at", "by", "act", "user_id", "other_user_id", "reason"]
_GROUPS = ["site_id", "user_id", "group_user_id", "version"]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two users of a site, as their ids are stored."""

    site_id: int
    user_id: str
    other_user_id: str


def pair(home: DataDir, site_id: int, user: str, other: str) -> Merge:
    """Two users, by the ids that the site sends. Raises UsageError where they are the same."""
    key = identity_keys(home).user
    one, two = (redact.user(each.strip(), key) for each in (user, other))
    if not one or not two or one == two:
        raise UsageError("two different user ids are needed", "such as: footfall identity merge account-17 account-18")
    return Merge(site_id, one, two)


def unknown(client: Client, merge: Merge) -> list[str]:
    """Those of the two users that no event has named."""
    users = [merge.user_id, merge.other_user_id]
    bound = {"site": merge.site_id, "users": users}
    known = {row[0] for row in client.query(query("identities/known"), parameters=bound).result_rows}
    return [user for user in users if user not in known]


def merged(client: Client, site_id: int) -> list[tuple[str, str]]:
    """Pairs of users that are merged."""
    rows = client.query(query("identities/merged"), parameters={"site": site_id}).result_rows
    return [(one, other) for one, other in rows]


def change(client: Client, home: DataDir, merge: Merge, act: str, reason: str = "") -> int:
    """Merge two users, or take it back (``act`` unmerge); returns how many users changed their group.

    Safe to run again. Raises EngineBusy, UsageError (too many merged users).
    """
    with definitions.changing(client, home):
        row = [
            merge.site_id,
            dt.datetime.now(dt.UTC),
            definitions.user(),
            act,
            merge.user_id,
            merge.other_user_id,
            reason,
        ]
        client.insert("identity_log", [row], column_names=_LOGGED)
        return regroup(client, merge.site_id)


def groups(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The user that stands for each merged user: the first by name of all that are connected."""
    parent: dict[str, str] = {}

    def root(user: str) -> str:
        while parent.setdefault(user, user) != user:
            parent[user] = parent[parent[user]]
            user = parent[user]
        return user

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return {user: root(user) for user in list(parent)}


def regroup(client: Client, site_id: int) -> int:
    """Make the groups of users again, of the log; returns how many users changed theirs."""
    wanted = groups(merged(client, site_id))
    if len(wanted) > MAX_USERS:
        raise UsageError(f"{len(wanted):,} merged users are too many", f"at most {MAX_USERS:,} a site")
    rows = client.query(query("identities/groups"), parameters={"site": site_id}).result_rows
    stored: dict[str, str] = dict(rows)  # type: ignore[arg-type]
    changed = {
        user: wanted.get(user, "")
        for user in wanted.keys() | stored.keys()
        if wanted.get(user, "") != stored.get(user, "")
    }
    if changed:
        version = int(dt.datetime.now(dt.UTC).timestamp() * 1e6)
        rows = [[site_id, user, group, version] for user, group in sorted(changed.items())]
        client.insert("user_groups", rows, column_names=_GROUPS)
    return len(changed)
