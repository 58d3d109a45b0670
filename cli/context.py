"""What the root options said, and what commands need of it: the configuration, an open client, a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from cli.config.load import Loaded
    from cli.config.settings import Config


@dataclass(slots=True)
class Options:
    """Root options of this invocation."""

    config: Path | None = None
    data_dir: Path | None = None
    url: str | None = None


options = Options()


def loaded(flags: Mapping[str, object] | None = None) -> Loaded:
    """The configuration with what is wrong with it; ``flags`` are those of the command, by the keys of settings."""
    from cli.config.load import read  # late, so that help stays quick

    return read(options.config, {"data_dir": options.data_dir, "url": options.url, **(flags or {})})


def settings(flags: Mapping[str, object] | None = None) -> Config:
    """The configuration in force.

    Raises UsageError for what is wrong with it, StorageError for root on a data directory of another user.
    """
    config = loaded(flags).valid()
    config.home.check_owner()
    return config


@contextmanager
def database(what: str, newer: bool = False) -> Iterator[Client]:
    """An open client; ``what`` names this command to others who find the engine busy. ``newer`` as in ``connect``."""
    from sql.client import opened

    with opened(settings().database_url, what=f"footfall {what}", newer=newer) as client:
        yield client
