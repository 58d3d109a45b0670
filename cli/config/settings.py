"""Every setting as a field of a struct, and what is known of each: its name, its variable, its default, its values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import quote

from msgspec import Meta, Struct
from msgspec.structs import fields

from collector.choices import LogFormat
from collector.event.limits import Limits
from collector.ingest.paths import Paths
from collector.settings import LOADER, CollectorSettings, File, LoaderSettings
from sql.client import embedded_home, masked
from sql.core.data_dir import DataDir

PREFIX = "FOOTFALL_"


class CollectorConfig(CollectorSettings, frozen=True):
    """How events come in."""

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


class Config(Struct, frozen=True):
    """The settings in force, and the file that was read (None: there is none)."""

    data_dir: Annotated[
        File, Meta(min_length=1, description="Directory of the spool, the salts, the journal and the embedded engine.")
    ] = "footfall-data"
    url: Annotated[
        str,
        Meta(
            description="ClickHouse server; empty: the embedded engine in `data_dir`. `clickhouses://` and `https://` "
            "use TLS (port 8443 unless the URL names one).",
            examples=["clickhouse://user:password@host:8123/database"],
        ),
    ] = ""
    log_format: Annotated[
        LogFormat,
        Meta(
            description="Format of the log that `footfall serve` and its processes write to stderr; `auto`: text on a "
            "terminal, JSON (one object on each line) elsewhere."
        ),
    ] = LogFormat.AUTO
    backup_to: Annotated[
        str,
        Meta(
            description="Where `footfall backup` keeps backups: a directory on another disk or an `s3://` URL.",
            examples=["s3://bucket/footfall"],
        ),
    ] = ""
    collector: CollectorConfig = CollectorConfig()
    loader: LoaderSettings = LOADER
    source: Path | None = None

    @property
    def home(self) -> DataDir:
        """The data directory: the one that ``url`` names, where it names one."""
        return embedded_home(self.database_url) or DataDir(Path(self.data_dir))

    @property
    def database_url(self) -> str:
        """The URL for ``sql.client.connect``: the embedded engine in ``data_dir`` unless ``url`` is set."""
        return self.url or f"chdb://{quote(str(Path(self.data_dir).absolute()))}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``kind`` is its type with bounds, as msgspec reads it; ``section`` is '' at the top of the file."""

    section: str
    name: str
    kind: Any
    default: Any

    @property
    def key(self) -> str:
        """Its name with its section: collector.port."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """Its environment variable: FOOTFALL_COLLECTOR_PORT."""
        return PREFIX + self.key.replace(".", "_").upper()

    @property
    def plain(self) -> Any:
        """Its type without bounds."""
        return get_args(self.kind)[0]

    @property
    def description(self) -> str:
        """What it is for."""
        return str(self._known("description"))

    @property
    def examples(self) -> list[Any]:
        """Values worth showing where the default is empty."""
        return list(self._known("examples") or [])

    @property
    def values(self) -> str:
        """What it may be, in words: a whole number from 1 to 65,535."""
        if self.is_list:
            return "a list of addresses and networks"
        if issubclass(self.plain, StrEnum):
            return f"one of {', '.join(self.plain)}"
        if self.plain is str:
            return "non-empty text" if self._known("min_length") else "text"
        what = "a whole number" if self.plain is int else "a number"
        return f"{what} from {_figure(self._known('ge'))} to {_figure(self._known('le'))}"

    @property
    def is_list(self) -> bool:
        """Whether it has any number of values."""
        return "networks" in (self._known("extra") or {})

    @property
    def is_file(self) -> bool:
        """Whether it names a file or directory."""
        return "file" in (self._known("extra") or {})

    def _known(self, what: str) -> Any:
        told = (getattr(each, what) for each in get_args(self.kind)[1:])
        return next((each for each in told if each is not None), None)


def _figure(value: float) -> str:
    return f"{value:,}".removesuffix(".0")


def as_text(value: object) -> str:
    """A value as its variable would have it."""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def as_toml(value: object) -> str:
    """A value as the file would have it."""
    return json.dumps(value, ensure_ascii=False)


def shown(setting: Setting, config: Config) -> str:
    """The value in force as text; a password in it is masked."""
    value = getattr(getattr(config, setting.section) if setting.section else config, setting.name)
    return masked(value) if setting.key == "url" else as_text(value)


def sections() -> dict[str, type[Struct]]:
    """The tables of the file, by name."""
    kinds: dict[str, Any] = {each.name: each.type for each in fields(Config)}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Struct)}


def _all() -> Iterator[Setting]:
    tables: dict[str, type[Struct]] = {"": Config, **sections()}
    for section, struct in tables.items():
        for each in fields(struct):
            if get_origin(each.type) is Annotated:
                yield Setting(section, each.name, each.type, each.default)


SETTINGS = {each.key: each for each in _all()}
