"""What ``footfall config check`` finds: wrong values, files that are not there, variables that nothing reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cli.config.load import Loaded
from cli.config.sources import Origin, unknown
from collector.lifecycle.findings import Finding, Level


def findings(loaded: Loaded, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """What keeps Footfall from starting (bad), what is worth knowing (a note), and what was looked at."""
    bad = [*problems(loaded), *_files(loaded)]
    yield from bad
    yield from _data_dir(loaded)
    yield from _secret(loaded)
    for name in [name for name, meant in unknown(environ).items() if not meant]:
        yield Finding(Level.NOTE, "environment", f"{name} is not a Footfall variable and is ignored")
    if not bad:
        yield Finding(Level.OK, "settings", _summary(loaded))


def problems(loaded: Loaded) -> Iterator[Finding]:
    """What is wrong with the values that were given."""
    for problem in loaded.problems:
        yield Finding(Level.BAD, "settings", problem.message, problem.hint)


def _files(loaded: Loaded) -> Iterator[Finding]:
    """Files that were named and cannot be read: the collector does not start without them."""
    for given in loaded.given.values():
        if given.setting.section == "collector" and given.setting.is_file:
            path = getattr(loaded.config.collector, given.setting.name)
            if path and not os.access(path, os.R_OK):
                wrong = "cannot be read" if Path(path).exists() else "does not exist"
                yield Finding(Level.BAD, "files", f"{given.label}: {path} {wrong}")


def _data_dir(loaded: Loaded) -> Iterator[Finding]:
    if not loaded.problems and not loaded.config.home.root.exists():
        text = f"the data directory {loaded.config.home.root} does not exist yet"
        yield Finding(Level.NOTE, "files", text, "`footfall init` creates it")


def _secret(loaded: Loaded) -> Iterator[Finding]:
    source = loaded.config.source
    holds = source and loaded.origin("url") is Origin.FILE and urlsplit(loaded.config.url).password
    if source and holds and source.stat().st_mode & 0o077:
        text = f"{source} holds a password and can be read by other users"
        yield Finding(Level.NOTE, "files", text, f"chmod 600 {source}")


def _summary(loaded: Loaded) -> str:
    origins = [given.origin for given in loaded.given.values()]
    counts = [f"{origins.count(each)} from {each}" for each in Origin if each in origins]
    return f"{loaded.config.source or 'no footfall.toml'}: {', '.join(counts) or 'only defaults'}"
