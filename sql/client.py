"""The one way to open ClickHouse: a URL in, a clickhouse-connect client out.

``chdb:///data/dir`` is the embedded engine in that data directory: its HTTP front where one runs,
otherwise the directory itself, opened by this process until the client is closed.
``clickhouse://user:password@host:8123/database`` (or http, https, clickhouses) is a server.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, EngineRefused, EngineTooOld, EngineUnavailable, UsageError
from sql.core.files import OwnedLock
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# What the promise rests on; never left to a version's defaults (docs/architecture.md, "Settings").
PINNED = {
    "async_insert": 0,
    "wait_for_async_insert": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "materialized_views_ignore_errors": 0,
    # All events of a visitor are on one shard of a cluster, so a question's parts are joined there.
    "distributed_product_mode": "local",
}
# The oldest server on which all of our SQL is tested (tests/collector/test_server_versions.py).
MINIMUM_VERSION = (25, 8)


@dataclass(frozen=True, slots=True)
class EngineEndpoint:
    """What a running embedded engine says of itself in ``engine.json``; it answers at ``engine.sock`` beside it."""

    pid: int
    password: str
    boot: str

    @classmethod
    def read(cls, home: DataDir) -> EngineEndpoint | None:
        """Where the running engine answers, or None if there is no complete file."""
        try:
            return cls(**json.loads(home.engine_file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None


def embedded_home(url: str) -> DataDir | None:
    """The data directory of a ``chdb:`` URL; None for a server's URL. Raises UsageError when it is neither."""
    parts = _split(url)
    if parts.scheme == "chdb":
        path = unquote(parts.netloc + parts.path)
        if "\0" in path:
            raise UsageError(f"a directory's name cannot contain a NUL byte: {url!r}")
        if not path:
            raise UsageError(f"no directory in {url!r}", "write chdb:///path/to/data")
        return DataDir(Path(path))
    if parts.scheme in {"clickhouse", "clickhouses", "http", "https"} and parts.hostname:
        return None
    raise _not_a_url(url)


def connect(
    url: str,
    *,
    wait: float = 10.0,
    what: str = "footfall",
    timeout: float = 300.0,
    direct: bool = True,
    newer: bool = False,
) -> Client:
    """A client for ``url``, with the pinned settings on every statement.

    A database whose schema a newer Footfall has made is refused, unless ``newer`` says that it will do: whoever reads
    or writes it with the SQL of this version might take or make it for something else.

    ``wait`` is how long (seconds) to wait for a busy directory or an engine that is starting, ``what``
    how this process is named to others who find the directory busy, ``timeout`` seconds for one answer.
    With ``direct`` False an embedded engine must be running already.

    Raises UsageError (bad URL), EngineBusy, EngineUnavailable, EngineRefused (password, database), EngineTooOld,
    SchemaError.
    """
    client = _connect(url, wait, what, timeout, direct)
    try:
        _refuse_older_server(client)
        if not newer:
            from sql.schema.migrate import refuse_newer

            refuse_newer(client)
    except BaseException:
        client.close()
        raise
    return client


def version_of(client: Client) -> tuple[int, ...]:
    """Year and number of the ClickHouse behind a client, such as (25, 8)."""
    return tuple(map(int, re.findall(r"\d+", str(client.server_version))[:2]))


def _refuse_older_server(client: Client) -> None:
    version = version_of(client)
    if version < MINIMUM_VERSION:
        has, needs = (".".join(map(str, each)) for each in (version, MINIMUM_VERSION))
        raise EngineTooOld(f"this server runs ClickHouse {has}; Footfall needs {needs} or newer", "upgrade the server")


def _connect(url: str, wait: float, what: str, timeout: float, direct: bool) -> Client:
    home = embedded_home(url)
    if home is None:
        return _server(url, timeout)
    home.make()
    lock = OwnedLock(home.engine_lock, what)
    deadline = time.monotonic() + wait
    while True:
        endpoint = EngineEndpoint.read(home)
        if endpoint is not None:
            client = _front(home, endpoint, timeout)
            if client is not None:
                return client
        if direct and lock.try_acquire():
            return _direct(home, lock)
        if time.monotonic() >= deadline and not direct:
            raise EngineUnavailable("the embedded engine is not running", "start it with `footfall serve`")
        if time.monotonic() >= deadline:
            raise EngineBusy(
                f"the engine directory is in use by {lock.holder() or 'another process'}",
                "wait for it to finish, or run `footfall serve` to share the engine",
            )
        time.sleep(0.02)


@contextmanager
def opened(url: str, **how: Any) -> Iterator[Client]:
    """``connect`` as a context that closes the client."""
    client = connect(url, **how)
    try:
        yield client
    finally:
        client.close()


def running(home: DataDir) -> EngineEndpoint | None:
    """The embedded engine that runs in ``home`` and answers, or None."""
    endpoint = EngineEndpoint.read(home)
    if endpoint is None:
        return None
    client = _front(home, endpoint, 5.0)
    if client is None:
        return None
    client.close()
    return endpoint


def boot_of(client: Client, url: str) -> str:
    """A name for this life of the engine: it differs after every restart."""
    home = embedded_home(url)
    if home is not None:
        endpoint = EngineEndpoint.read(home)
        if endpoint is None:
            raise EngineUnavailable("the embedded engine is stopping")
        return endpoint.boot
    if not client.command(query("engine/lives")):
        client.command(query("engine/life_begin"))
    return str(client.command(query("engine/life")))


def in_process(client: Client) -> bool:
    """Whether a client has the embedded engine in this process."""
    from clickhouse_connect.driver.httpclient import HttpClient

    return not isinstance(client, HttpClient)


def listens(home: DataDir) -> bool:
    """Whether an embedded engine takes connections in ``home``."""
    from sql.core.unix_socket import connected

    try:
        connected(home.engine_socket, 5.0).close()
    except OSError:
        return False
    return True


def _front(home: DataDir, endpoint: EngineEndpoint, timeout: float) -> Client | None:
    from sql.core.unix_socket import SocketPool

    if not listens(home):  # it died without a word
        return None
    pool = SocketPool(home.engine_socket, maxsize=8, retries=1)
    try:
        client = _http(
            host="localhost",
            port=80,
            username="footfall",
            password=endpoint.password,
            timeout=timeout,
            compress=False,
            pool_mgr=pool,
        )
    except (EngineUnavailable, EngineRefused):  # it ended, or another one has begun, which publishes itself now
        pool.clear()
        return None
    _on_close(client, pool.clear)
    return client


def _server(url: str, timeout: float) -> Client:
    parts = _split(url)
    secure = parts.scheme in {"https", "clickhouses"}
    try:
        port = parts.port or (8443 if secure else 8123)
    except ValueError:
        raise UsageError(
            f"bad port in {masked(url)!r}", "a password with / ? # [ or ] in it must be percent-encoded"
        ) from None
    return _http(
        host=parts.hostname or "",
        port=port,
        username=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or None,
        secure=secure,
        timeout=timeout,
    )


def _http(*, timeout: float, **where: Any) -> Client:
    from clickhouse_connect import get_client
    from clickhouse_connect.driver.exceptions import DatabaseError, Error, OperationalError

    try:
        # One session a client would forbid two statements at once on it; nothing here needs sessions.
        return get_client(
            settings=PINNED,
            autogenerate_session_id=False,
            send_receive_timeout=int(timeout),
            connect_timeout=5,
            **where,
        )
    except OperationalError as exc:
        target = f"{where['host']}:{where['port']}"
        raise EngineUnavailable(
            f"ClickHouse does not respond at {target}", "check that it is running and that the URL is correct"
        ) from exc
    except DatabaseError as exc:
        raise EngineRefused(
            f"ClickHouse refused: {first_line(exc)}", "check user, password and database in the URL"
        ) from exc
    except Error as exc:
        raise EngineUnavailable(f"cannot connect to ClickHouse: {first_line(exc)}") from exc


def _direct(home: DataDir, lock: OwnedLock) -> Client:
    """Open the directory in this process; closing the client lets go of it."""
    from clickhouse_connect import get_client

    from sql.schema import swaps

    try:
        client = get_client(interface="chdb", path=str(home.engine_dir.resolve()), settings=PINNED)
    except Exception as exc:
        lock.release()
        raise EngineUnavailable(f"cannot open the engine directory {home.engine_dir}: {first_line(exc)}") from exc
    _on_close(client, lock.release)
    try:
        run = swaps.running(client)
        if sides := swaps.side_tables(run):
            swaps.finish(run, sides)
    except BaseException:
        client.close()
        raise
    return client


def _on_close(client: Client, after: Callable[[], None]) -> None:
    close = client.close

    def close_both() -> None:
        close()
        after()

    client.close = close_both  # type: ignore[method-assign]


def first_line(exc: BaseException) -> str:
    """The part of an engine's error that a person wants to read."""
    text = str(exc).split("\n", 1)[0]
    start = text.find("DB::Exception: ")
    return text[start + 15 :] if start >= 0 else text


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _not_a_url(url) from None


def _not_a_url(url: str) -> UsageError:
    return UsageError(
        f"not a database URL: {masked(url)!r}",
        "chdb:///path/to/data or clickhouse://user:password@host:8123/database",
    )


def masked(url: str) -> str:
    """``url`` without its password, however badly it is written."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url, flags=re.DOTALL)
