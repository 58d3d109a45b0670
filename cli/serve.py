"""Commands that run Footfall: serve, and each of its processes alone."""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import options, settings
from collector.choices import Durability

if TYPE_CHECKING:
    from cli.config.settings import Config
    from collector.ingest.service import AppOptions
    from collector.supervisor import Child

log = logging.getLogger("footfall.serve")
# Over the settings of these names; help texts are how their descriptions begin.
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.")]
Workers = Annotated[int | None, typer.Option(help="Collector processes.")]
Durable = Annotated[Durability | None, typer.Option(help="What a 202 promises.")]

# For how long an engine that lives may start: it gives way, and the machine may be busy with other things.
ENGINE_SECONDS = 120.0


def serve(host: Host = None, port: Port = None, workers: Workers = None, durability: Durable = None) -> None:
    """Run engine, loader and collector until ctrl-c."""
    from collector.supervisor import Child, Supervisor, await_predecessor
    from sql.client import embedded_home
    from sql.core.errors import EngineBusy
    from sql.core.files import OwnedLock

    config = _logged(_over(host, port, workers, durability))
    where = config.collector.host, config.collector.port
    app_options(config)
    home = config.home.make()
    lock = OwnedLock(home.serve_lock, "footfall serve")
    if not lock.try_acquire():
        raise EngineBusy(f"footfall serve is already running: {lock.holder()}", "stop it first")
    if lock.abandoned:
        await_predecessor(home, *where, _say)
    _check_port(*where)
    command = [sys.executable, "-m", "cli.main", *_root_options()]
    flags = [f"--host={where[0]}", f"--port={where[1]}"]
    flags += [f"--workers={workers}"] if workers else []
    flags += [f"--durability={durability}"] if durability else []
    children = [Child("loader", [*command, "loader"]), Child("collector", [*command, "collector", *flags])]
    ready: dict[str, Callable[[Child], None]] = {}
    if embedded_home(config.database_url):
        children.insert(0, Child("engine", [*command, "engine"]))
        ready["engine"] = lambda child: _await_engine(config, child)
    else:
        _prepare_database(config)
    try:
        Supervisor(children, ready).run(
            lambda: _say(f"collector on http://{where[0]}:{where[1]}  (ctrl-c drains and stops)")
        )
    finally:
        lock.release()
    _say("stopped; all accepted events are loaded or in the spool")


def engine() -> None:
    """Run only the embedded engine."""
    from sql.core.process import give_way

    give_way()
    from sql.engine.server import serve as run

    run(_logged().home, wait=30.0)


def loader(
    once: Annotated[bool, typer.Option("--once", help="Load everything in the spool, then exit.")] = False,
) -> None:
    """Run only the loader. It needs ClickHouse."""
    from collector.loader import allocators
    from sql.core.process import give_way

    give_way()
    allocators.return_memory_early()
    from cli.loading import loader_options
    from collector.loader.loader import Loader
    from collector.loader.retry import Stopped
    from sql.core.errors import EngineUnavailable
    from sql.core.signals import on_request_to_end

    config = _logged()
    finish, stop = threading.Event(), threading.Event()

    def signalled() -> None:
        if finish.is_set():
            stop.set()
        finish.set()
        _later(30.0, stop.set)
        _later(36.0, lambda: os._exit(1))  # an answer that never comes; what is open waits in the spool

    on_request_to_end(signalled)
    home = config.home.make()
    how = loader_options(config)
    if once:
        with _engine(config), Loader(home, config.database_url, how, finish) as running:
            try:
                batches = running.drain()
            except Stopped:
                raise EngineUnavailable(
                    "stopped while ClickHouse was unavailable", "events that are not loaded yet stay in the spool"
                ) from None
        _say(f"loaded {batches} batches" if batches else "the spool is empty")
        return
    with Loader(home, config.database_url, how, stop) as running:
        running.run(finish)
    # Threads of the engine's client may still wait for an answer that never comes.
    os._exit(0)


def collector(host: Host = None, port: Port = None, workers: Workers = None, durability: Durable = None) -> None:
    """Run only the collector. It does not need ClickHouse."""
    from collector.web.server import Server

    config = _logged(_over(host, port, workers, durability))
    where = config.collector.host, config.collector.port
    _check_port(*where)
    config.home.make()
    Server(app_options(config), *where, config.collector.workers).run()


def _over(host: str | None, port: int | None, workers: int | None, durability: Durability | None) -> dict[str, object]:
    given = {"host": host, "port": port, "workers": workers, "durability": durability}
    return {f"collector.{name}": value for name, value in given.items()}


def app_options(config: Config) -> AppOptions:
    """What the collector runs with. Raises UsageError or StorageError for files and settings that keep it from it."""
    from pathlib import Path

    from collector.enrich.data_centres import read_networks
    from collector.enrich.geo import Places
    from collector.enrich.referrer_spam import SpamHosts
    from collector.ingest.rate_limits import RateLimits, Rates
    from collector.ingest.service import AppOptions
    from collector.spool.spool import SpoolOptions

    c = config.collector
    if c.geoip_file:  # say now what is wrong with files
        Places(Path(c.geoip_file)).close()
    if c.data_centre_file:
        read_networks(Path(c.data_centre_file))
    if c.spam_file:
        SpamHosts(Path(c.spam_file))
    spool = SpoolOptions(c.durability, c.segment_bytes, c.segment_max_age_seconds, c.spool_max_bytes)
    rates = Rates(c.site_events_per_second, c.site_burst, c.address_requests_per_second, c.address_burst)
    return AppOptions(
        config.home,
        spool,
        c.geoip_file,
        c.trusted_proxies,
        limits=c.limits,
        data_centre_file=c.data_centre_file,
        rate_limits=RateLimits(rates),
        metrics_networks=c.metrics_networks,
        request_timeout_seconds=c.request_timeout_seconds,
        connections_per_address=c.connections_per_address,
        paths=c.paths,
    )


def _engine(config: Config) -> AbstractContextManager[object]:
    """The embedded engine for the time of a command, started if none runs; nothing to do for a server."""
    from contextlib import nullcontext

    from sql.client import embedded_home
    from sql.engine.server import alongside

    return alongside(config.home) if embedded_home(config.database_url) else nullcontext()


def _await_engine(config: Config, child: Child) -> None:
    from sql.engine.server import await_ready

    await_ready(config.home, ENGINE_SECONDS, lambda: child.alive)
    _say("engine ready")
    _prepare_database(config)


def _prepare_database(config: Config) -> None:
    from collector.sites.event_schema_definitions import EVENT_SCHEMA
    from collector.sites.network_definitions import NETWORK
    from collector.sites.table import publish_sites
    from collector.sites.tombstones import publish_tombstones
    from sql import definitions
    from sql.client import opened
    from sql.schema.upgrade import bring_up_to_date

    with opened(config.database_url, what="footfall serve", direct=False) as client:
        bring_up_to_date(client, config.home, lambda step: _say(f"schema: {step.name}"))
        sites = publish_sites(client, config.home)
        definitions.publish(client, config.home, EVENT_SCHEMA)
        definitions.publish(client, config.home, NETWORK)
        publish_tombstones(client, config.home)
    if not sites:
        _say("no sites yet; in another terminal: footfall site add shop.example --timezone Europe/Paris")


def _check_port(host: str, port: int) -> None:
    from collector.supervisor import cannot_listen
    from sql.core.errors import UsageError

    if why := cannot_listen(host, port):
        raise UsageError(f"cannot listen on {host}:{port}: {why}", "choose another with --host or --port")


def _root_options() -> list[str]:
    given = {"--config": options.config, "--data-dir": options.data_dir, "--url": options.url}
    verbose = ["--verbose"] if logging.getLogger().isEnabledFor(logging.INFO) else []
    return verbose + [f"{name}={value}" for name, value in given.items() if value is not None]


def _later(seconds: float, do: Callable[[], object]) -> None:
    """Do it then, unless the process has ended."""
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()


def _logged(flags: Mapping[str, object] | None = None) -> Config:
    """The configuration, with this process's log as it says."""
    from collector import logs

    config = settings(flags)
    if logs.set_up(config.log_format, logging.getLogger().level):
        log.setLevel(logging.INFO)
    return config


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with its errors in the log where that is read by machines."""

    @functools.wraps(command)
    def run(*args: Any, **named: Any) -> None:
        from cli.exit_codes import code_of
        from sql.core.errors import FootfallError

        try:
            command(*args, **named)
        except FootfallError as exc:
            if not log.level:
                raise
            log.error(str(exc))
            raise typer.Exit(code_of(exc)) from exc

    return run


def _say(text: str) -> None:
    """A line for whoever started it: in the log where that is read by machines."""
    if log.level:
        log.info(text)
    else:
        typer.echo(f"footfall: {text}", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: footfall serve --port 8080")(_told(serve))
    app.command(epilog="Example: footfall engine")(_told(engine))
    app.command(epilog="Example: footfall loader --once")(_told(loader))
    app.command(epilog="Example: footfall collector --host 0.0.0.0 --port 8080 --workers 4")(_told(collector))
