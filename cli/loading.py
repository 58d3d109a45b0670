"""How events are loaded by whatever command loads them: `loader`, `flush`, `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.config.settings import Config
    from collector.loader.loader import LoaderOptions


def loader_options(config: Config) -> LoaderOptions:
    """The loader's options from the settings in force."""
    from collector.loader.loader import LoaderOptions

    spam_file = config.collector.spam_file
    return LoaderOptions(
        idempotency_days=config.loader.idempotency_days, spam_file=Path(spam_file) if spam_file else None
    )
