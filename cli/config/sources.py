"""Where values of settings come from: the file, the environment, flags. Each as it was written, not yet checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cli.config.settings import PREFIX, SETTINGS, Setting, sections
from sql.core.errors import UsageError
from sql.core.process import PARENT

FILE_NAME = "footfall.toml"
CONFIG = PREFIX + "CONFIG"
# Settings of earlier versions, for the error that they lead to.
RENAMED = {
    "segment_seconds": "segment_max_age_seconds",
    "spool_bytes": "spool_max_bytes",
    "request_seconds": "request_timeout_seconds",
    "country_file": "geoip_file",
    "metrics_allow": "metrics_networks",
}
# Variables of Footfall that are no settings: of its own processes, of its tests.
_OWN = (CONFIG, PARENT)
_OF_TESTS = ("TEST_", "SOAK_", "SIEGE_")
# How alike a variable is to the one that was meant. Kubernetes sets FOOTFALL_COLLECTOR_PORT_80_TCP and the like for a
# service of that name; those are below.
_ALIKE = 0.85


class Origin(StrEnum):
    """Where a value comes from; each goes over those before it."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Given:
    """A value for a setting. ``label`` is what an error calls it; ``folder`` is where a relative path starts."""

    setting: Setting
    value: Any
    origin: Origin
    label: str
    folder: Path


def find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read: ``path``, the one that FOOTFALL_CONFIG names, or the nearest here and above; None: none."""
    if named := path or environ.get(CONFIG):
        return Path(named)
    here = Path.cwd()
    return next((folder / FILE_NAME for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)


def of_file(path: Path) -> Iterator[Given | UsageError]:
    """What a file says, and what is wrong with it: it cannot be read, it has what is not a setting."""
    tables: dict[str, Any] = {"": {}}
    try:
        parsed = _parsed(path)
    except UsageError as problem:
        yield problem
        return
    for name, value in parsed.items():
        (tables if name in sections() else tables[""])[name] = value
    for section, table in tables.items():
        where = f"{path}: [{section}]" if section else str(path)
        if not isinstance(table, dict):
            yield UsageError(f"{where} must be a table")
            continue
        for name, value in table.items():
            if setting := SETTINGS.get(f"{section}.{name}" if section else name):
                yield Given(setting, value, Origin.FILE, f"{where}: {name}", path.parent)
            else:
                yield UsageError(f"{where} has no setting {name!r}", _meant(name, section))


def of_environment(environ: Mapping[str, str]) -> Iterator[Given | UsageError]:
    """What variables say (an empty one says nothing), and which of them are probably misspelt."""
    for setting in SETTINGS.values():
        if text := environ.get(setting.variable):
            parts = (part.strip() for part in text.split(","))
            value = [part for part in parts if part] if setting.is_list else text
            yield Given(setting, value, Origin.ENVIRONMENT, setting.variable, Path.cwd())
    for name, meant in unknown(environ).items():
        if meant:
            yield UsageError(f"unknown variable {name}", f"did you mean {meant}?")


def of_flags(flags: Mapping[str, object]) -> Iterator[Given]:
    """What flags say, by the keys of their settings; None says nothing."""
    for key, value in flags.items():
        if value is not None:
            setting = SETTINGS[key]
            given = str(value) if isinstance(value, Path) else value
            yield Given(setting, given, Origin.FLAG, f"--{setting.name.replace('_', '-')}", Path.cwd())


def unknown(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that begin as Footfall's do and are not among them, each with the one that was probably meant or ''."""
    known = {name.removeprefix(PREFIX) for name in (*_OWN, *(setting.variable for setting in SETTINGS.values()))}
    names = (name.removeprefix(PREFIX) for name in sorted(environ) if name.startswith(PREFIX))
    strange = [name for name in names if name not in known and not name.startswith(_OF_TESTS)]
    near = {name: _nearest(name, sorted(known), _ALIKE) for name in strange}
    return {PREFIX + name: PREFIX + meant if meant else "" for name, meant in near.items()}


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"no such file: {path}", "run `footfall init` to create one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"{path} is not valid TOML: {exc}") from exc
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc


def _meant(name: str, section: str) -> str:
    """What to write in the place of a name that is no setting of its table."""
    if name in RENAMED:
        return f"it was renamed to {RENAMED[name]}"
    if others := [each.section for each in SETTINGS.values() if each.name == name]:
        return f"it belongs in [{others[0]}]" if others[0] else "it belongs at the top of the file, before any [table]"
    known = {each.name for each in SETTINGS.values() if each.section == section} | (set() if section else {*sections()})
    near = _nearest(name, sorted(known), 0.6)
    return f"did you mean {near}?" if near else f"known: {', '.join(sorted(known))}"


def _nearest(name: str, known: list[str], alike: float) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, known, 1, alike)), "")
