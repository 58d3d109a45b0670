"""Settings: ``footfall.toml``, environment variables over it, flags over both. Read once, typed, frozen."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Set
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote

from collector.event.limits import Limits
from collector.ingest.paths import PAGE_EVENTS, PAGE_PIXEL, SCRIPT, Paths
from sql.client import embedded_home
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

FILE_NAME = "footfall.toml"
LOG_FORMATS = ("auto", "text", "json")
_LIMITS = Limits()
# Settings of earlier versions, for the error that they lead to.
RENAMED = {
    "segment_seconds": "segment_max_age_seconds",
    "spool_bytes": "spool_max_bytes",
    "request_seconds": "request_timeout_seconds",
    "country_file": "geoip_file",
    "metrics_allow": "metrics_networks",
}
# Smallest and largest value of every figure.
BOUNDS = {
    "port": (1, 65_535),
    "workers": (1, 64),
    "segment_bytes": (1_000, 1024**3),
    "segment_max_age_seconds": (0.01, 3_600.0),
    "spool_max_bytes": (1_000, 1024**5),
    "max_batch_events": (1, 100_000),
    "max_body_bytes": (1_000, 64 * 1024**2),
    "max_event_bytes": (100, 1024**2),
    "max_properties": (0, 1_000),
    "max_property_name": (1, 1_000),
    "max_text": (1, 32_768),
    "site_events_per_second": (0, 10_000_000),
    "site_burst": (1, 100_000_000),
    "address_requests_per_second": (0, 1_000_000),
    "address_burst": (1, 10_000_000),
    "request_timeout_seconds": (0.1, 3_600.0),
    "connections_per_address": (0, 1_000_000),
    "idempotency_days": (1, 90),
}


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """How events come in."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    durability: str = "fsync"
    segment_bytes: int = 8 * 1024 * 1024
    segment_max_age_seconds: float = 1.0
    spool_max_bytes: int = 4 * 1024**3
    geoip_file: str = ""
    data_centre_file: str = ""
    spam_file: str = ""
    trusted_proxies: tuple[str, ...] = ()
    max_batch_events: int = _LIMITS.batch_events
    max_body_bytes: int = _LIMITS.body_bytes
    max_event_bytes: int = _LIMITS.event_bytes
    max_properties: int = _LIMITS.properties
    max_property_name: int = _LIMITS.property_name
    max_text: int = _LIMITS.text
    site_events_per_second: int = 2_000
    site_burst: int = 4_000
    address_requests_per_second: int = 50
    address_burst: int = 200
    metrics_networks: tuple[str, ...] = ("127.0.0.1", "::1")
    request_timeout_seconds: float = 20.0
    connections_per_address: int = 256
    script_path: str = SCRIPT
    events_path: str = PAGE_EVENTS
    pixel_path: str = PAGE_PIXEL

    @property
    def address(self) -> str:
        """Where it listens, as a URL."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def paths(self) -> Paths:
        """Under which names script, events and pixel are served. Raises UsageError for what cannot be one."""
        return Paths(self.script_path, self.events_path, self.pixel_path)

    @property
    def limits(self) -> Limits:
        """What an event and a request may hold."""
        return Limits(
            self.max_batch_events,
            self.max_body_bytes,
            self.max_event_bytes,
            self.max_properties,
            self.max_property_name,
            self.max_text,
        )


@dataclass(frozen=True, slots=True)
class LoaderConfig:
    """How events are loaded."""

    idempotency_days: int = 7


@dataclass(frozen=True, slots=True)
class Config:
    """Everything configurable. ``data_dir`` holds spool, salts and the embedded engine."""

    data_dir: Path = Path("footfall-data")
    url: str = ""
    log_format: str = "auto"
    collector: CollectorConfig = field(default_factory=CollectorConfig)
    loader: LoaderConfig = field(default_factory=LoaderConfig)
    source: Path | None = None

    @property
    def home(self) -> DataDir:
        """The data directory: the one that ``url`` names, where it names one."""
        return embedded_home(self.database_url) or DataDir(self.data_dir)

    @property
    def database_url(self) -> str:
        """The URL for ``sql.client.connect``: the embedded engine in ``data_dir`` unless ``url`` is set."""
        return self.url or f"chdb://{quote(str(self.data_dir.absolute()))}"


def load(path: Path | None = None, data_dir: Path | None = None, url: str | None = None) -> Config:
    """The configuration in force.

    ``path`` (or FOOTFALL_CONFIG) names the file; else ``footfall.toml`` here or in a parent directory.
    FOOTFALL_DATA_DIR and FOOTFALL_URL go over the file, the arguments over both.
    Raises UsageError: no file, a syntax error, an unknown or wrongly typed setting.
    """
    named = path or (Path(os.environ["FOOTFALL_CONFIG"]) if os.environ.get("FOOTFALL_CONFIG") else None)
    found = named or _search(Path.cwd())
    data_dir = data_dir or (Path(os.environ["FOOTFALL_DATA_DIR"]) if os.environ.get("FOOTFALL_DATA_DIR") else None)
    if found is None and data_dir is None:
        raise UsageError(
            f"no {FILE_NAME} here or above", "run `footfall init`, or name a data directory with --data-dir"
        )
    table = _read(found) if found else {}
    base = found.parent if found else Path.cwd()
    config = _build(table, found)
    return Config(
        data_dir=data_dir.absolute() if data_dir else (base / config.data_dir).absolute(),
        url=url or os.environ.get("FOOTFALL_URL") or config.url,
        log_format=config.log_format,
        collector=config.collector,
        loader=config.loader,
        source=found,
    )


def _search(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"no such file: {path}", "run `footfall init` to make one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is not valid TOML: {exc}") from exc
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc


def _build(table: dict[str, Any], source: Path | None) -> Config:
    collector = _typed(CollectorConfig(), table.pop("collector", {}), f"{source}: [collector]")
    loader = _typed(LoaderConfig(), table.pop("loader", {}), f"{source}: [loader]")
    _check_bounds("collector", collector, source)
    _check_bounds("loader", loader, source)
    _check_networks(collector, source)
    _check_paths(collector, source)
    beside = source.parent if source else Path.cwd()
    for name in ("geoip_file", "data_centre_file", "spam_file"):
        if given := getattr(collector, name):
            collector = replace(collector, **{name: str((beside / given).absolute())})
    top = _typed(Config(), table, f"{source}")
    url = top.url
    if url:
        embedded_home(url)
    if top.log_format not in LOG_FORMATS:
        raise UsageError(f"{source}: log_format must be one of {', '.join(LOG_FORMATS)}, not {top.log_format!r}")
    return Config(Path(top.data_dir), url, top.log_format, collector, loader, source)


def _typed(default: Any, given: Any, where: str) -> Any:
    """``default`` with the values of a table, each checked against the default's type."""
    if not isinstance(given, dict):
        raise UsageError(f"{where} must be a table")
    known = {f.name: getattr(default, f.name) for f in fields(default)}
    values = {}
    for name, value in given.items():
        if name not in known or name in {"source", "collector", "loader"}:
            raise UsageError(f"{where} has no setting {name!r}", _nearest(name, known.keys() - {"source"}))
        values[name] = _coerce(known[name], value, f"{where}: {name}")
    return type(default)(**(known | values))


def _nearest(name: str, known: Set[str]) -> str:
    if name in RENAMED:
        return f"it is called {RENAMED[name]} now"
    if near := get_close_matches(name, known, 1):
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(sorted(known))}"


def _coerce(default: Any, value: Any, where: str) -> Any:
    if isinstance(value, str) and "\0" in value:
        raise UsageError(f"{where} must not contain a NUL")
    if isinstance(default, Path) and isinstance(value, str):
        return Path(value)
    if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise UsageError(f"{where} must be {type(default).__name__}, not {value!r}")
    return value


def _check_bounds(section: str, given: CollectorConfig | LoaderConfig, source: Path | None) -> None:
    for name in (each.name for each in fields(given) if each.name in BOUNDS):
        least, most = BOUNDS[name]
        value = getattr(given, name)
        if not least <= value <= most:
            raise UsageError(f"{source}: [{section}]: {name} must lie between {least:,} and {most:,}, not {value}")


def _check_networks(collector: CollectorConfig, source: Path | None) -> None:
    from ipaddress import ip_network

    for name in ("trusted_proxies", "metrics_networks"):
        for text in getattr(collector, name):
            try:
                ip_network(text)
            except ValueError as exc:
                raise UsageError(
                    f"{source}: [collector]: {name}: {exc}", "addresses and networks, such as 10.0.0.0/8"
                ) from None


def _check_paths(collector: CollectorConfig, source: Path | None) -> None:
    try:
        _ = collector.paths
    except UsageError as exc:
        raise UsageError(f"{source}: [collector]: {exc.message}", exc.hint) from None
