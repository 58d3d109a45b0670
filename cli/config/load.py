"""The settings in force: the default, the file over it, environment variables over that, flags over all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cli.config.settings import SETTINGS, CollectorConfig, Config, sections
from cli.config.sources import FILE_NAME, Given, Origin, find, of_environment, of_file, of_flags
from sql.client import embedded_home
from sql.core.errors import UsageError

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, those that were given by their keys, and everything that is wrong with what was given."""

    config: Config
    given: dict[str, Given]
    problems: list[UsageError]

    def valid(self) -> Config:
        """The settings. Raises the first of what is wrong."""
        if self.problems:
            raise self.problems[0]
        return self.config

    def origin(self, key: str) -> Origin:
        """Where a setting's value comes from."""
        return self.given[key].origin if key in self.given else Origin.DEFAULT


def load(path: Path | None = None, flags: Mapping[str, object] | None = None) -> Config:
    """The settings in force, read as ``read`` does. Raises UsageError: the first of what is wrong."""
    return read(path, flags).valid()


def read(
    path: Path | None = None, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ
) -> Loaded:
    """The settings in force; what is wrong with one leaves what was there before it.

    ``path`` (or FOOTFALL_CONFIG) names the file; else ``footfall.toml`` here or in a parent directory. ``flags`` are
    values by the keys of settings. Relative paths start at the file that they are in, those of variables and flags in
    the current directory.
    """
    source = find(path, environ)
    values: dict[str, Any] = {}
    given: dict[str, Given] = {}
    problems: list[UsageError] = []
    for each in (*(of_file(source) if source else ()), *of_environment(environ), *of_flags(flags or {})):
        try:
            if isinstance(each, UsageError):
                raise each
            values[each.setting.key] = _checked(each)
            given[each.setting.key] = each
        except UsageError as problem:
            problems.append(problem)
    if source is None and "data_dir" not in given:
        hint = "run `footfall init`, or name a data directory with --data-dir"
        problems.append(UsageError(f"no {FILE_NAME} here or above", hint))
    base = source.parent if source else Path.cwd()
    values.setdefault("data_dir", str((base / SETTINGS["data_dir"].default).absolute()))
    config = _built(values, source)
    return Loaded(config, given, problems + _wrong_paths(config.collector, given))


def _built(values: Mapping[str, Any], source: Path | None) -> Config:
    def of(name: str) -> dict[str, Any]:
        return {each.name: values[key] for key, each in SETTINGS.items() if each.section == name and key in values}

    tables: dict[str, Any] = {name: struct(**of(name)) for name, struct in sections().items()}
    return Config(**of(""), **tables, source=source)


def _checked(given: Given) -> Any:
    """The value as its setting has it. Raises UsageError, which names where it is from and what would do."""
    setting = given.setting
    try:
        value = msgspec.convert(given.value, setting.kind, strict=given.origin is not Origin.ENVIRONMENT)
    except msgspec.ValidationError:
        shown = repr(given.value)
        shown = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
        raise UsageError(f"{given.label} must be {setting.values}, not {shown}") from None
    if any("\0" in text for text in (value if setting.is_list else [value]) if isinstance(text, str)):
        raise UsageError(f"{given.label} must not contain a NUL byte")
    if setting.is_list:
        _check_networks(given.label, value)
    if setting.key == "url" and value:
        _check_url(given.label, value)
    return str((given.folder / value).absolute()) if setting.is_file and value else value


def _check_networks(label: str, networks: tuple[str, ...]) -> None:
    from sql.core.addresses import network

    for text in networks:
        try:
            network(text)
        except ValueError as exc:
            raise UsageError(f"{label}: {exc}", "use addresses and networks, such as 10.0.0.0/8") from None


def _check_url(label: str, url: str) -> None:
    try:
        embedded_home(url)
    except UsageError as exc:
        raise UsageError(f"{label}: {exc.message}", exc.hint) from None


def _wrong_paths(collector: CollectorConfig, given: Mapping[str, Given]) -> list[UsageError]:
    """What is wrong with the paths together; its text begins with the name of the setting."""
    try:
        _ = collector.paths
    except UsageError as exc:
        name, _, rest = exc.message.partition(" ")
        found = given.get(f"collector.{name}")
        return [UsageError(f"{found.label if found else name} {rest}", exc.hint)]
    return []
