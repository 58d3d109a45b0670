"""What the root options said, and what commands need of it: the configuration, an open client, a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.config.config import Config, load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(slots=True)
class Options:
    """Root options of this invocation."""

    config: Path | None = None
    data_dir: Path | None = None
    url: str | None = None


options = Options()


def settings() -> Config:
    """The configuration in force.

    Raises UsageError as ``cli.config.load`` does, StorageError for root on a data directory of another user.
    """
    config = load(options.config, options.data_dir, options.url)
    config.home.check_owner()
    return config


@contextmanager
def database(what: str, newer: bool = False) -> Iterator[Client]:
    """An open client; ``what`` names this command to others who find the engine busy. ``newer`` as in ``connect``."""
    from sql.client import opened

    with opened(settings().database_url, what=f"footfall {what}", newer=newer) as client:
        yield client
