"""Versions of the tracker's files that were served before: pages name them by their hash, and an upgrade has others.

``tracker/`` in the data directory has a folder for each version: the files as they were built, packed ones beside
them, and ``manifest.json`` with the integrity of each.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from collector.ingest.paths import SCRIPT, module_path
from collector.web.tracker_files import CODINGS, TrackerFile, TrackerFiles, integrity_of, module_of
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError
from sql.core.files import OwnedLock, fsync_dir, write_atomic

log = logging.getLogger("footfall.collector")
# About 60 KB each. Who was the present one longest ago goes first.
KEPT = 50
_VERSION = re.compile(r"[0-9a-f]{12}\Z")
_MANIFEST = "manifest.json"
_WAIT_SECONDS = 10.0


class _Kept(msgspec.Struct):
    version: str
    integrity: dict[str, str]


def with_older(home: DataDir, present: TrackerFiles) -> dict[str, TrackerFiles]:
    """Every version that can be served, by its name, ``present`` among them; it is kept from now on.

    A disk that is full or cannot be written costs a warning, and so does a file that is damaged: it is left out.
    """
    found: dict[str, TrackerFiles] = {}
    whole = False
    try:
        found = {version: _read(home.tracker / version) for version in _versions(home.tracker)}
        whole = found.get(present.version) == present
        _keep(home, present, whole)
    except (OSError, StorageError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else str(exc)
        if not whole:
            log.warning("cannot save the tracker's files for pages that pin a version: %s", why)
    return {version: files for version, files in found.items() if files.files} | {present.version: present}


def _versions(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if _VERSION.match(path.name) and path.is_dir()]


def _keep(home: DataDir, present: TrackerFiles, whole: bool) -> None:
    folder = home.tracker
    folder.mkdir(exist_ok=True)
    lock = OwnedLock(home.tracker_lock, "footfall collector")
    with lock.held(_WAIT_SECONDS) as taken:
        if not taken:
            raise StorageError(f"{folder} is in use by {lock.holder() or 'another process'}")
        for left in folder.glob(".*.tmp"):
            shutil.rmtree(left, ignore_errors=True)
        if not whole:
            _write(folder, present)
        os.utime(folder / present.version)
        others = sorted(
            (path for name in _versions(folder) if (path := folder / name).name != present.version),
            key=lambda path: path.stat().st_mtime,
            reverse=True,
        )
        for path in others[KEPT - 1 :]:
            shutil.rmtree(path)


def _write(folder: Path, files: TrackerFiles) -> None:
    """All of a version or nothing, and in place of what is damaged."""
    making = folder / f".{files.version}.{secrets.token_hex(4)}.tmp"
    try:
        making.mkdir()
        integrity = {}
        for name, data in _parts(files):
            write_atomic(making / name, data)
            integrity[name] = integrity_of(data)
        write_atomic(making / _MANIFEST, msgspec.json.encode(_Kept(files.version, integrity)))
        place = folder / files.version
        if place.exists():
            place.rename(folder / f".{files.version}.{secrets.token_hex(4)}.damaged.tmp")
        making.rename(place)
        fsync_dir(folder)
    finally:
        for left in folder.glob(f".{files.version}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)


def _parts(files: TrackerFiles) -> Iterator[tuple[str, bytes]]:
    for module, file in files.files.items():
        for coding, data in file.bodies.items():
            yield module_path(SCRIPT, module)[1:] + CODINGS[coding], data


def _read(folder: Path) -> TrackerFiles:
    """What is whole of a version; of a file whose packed form is damaged the rest."""
    files: dict[str, TrackerFile] = {}
    try:
        kept = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=_Kept)
        named = kept.integrity if kept.version == folder.name else {}
    except (OSError, msgspec.DecodeError):
        named = {}
    if not named:
        log.warning("tracker version %s is ignored: its manifest is damaged", folder.name)
    for name in named:
        module = module_of(name)
        if module is None:
            continue
        bodies = {coding: data for coding, ending in CODINGS.items() if (data := _whole(folder, name + ending, named))}
        if "" in bodies:
            files[module] = TrackerFile(bodies, named[name])
    return TrackerFiles(folder.name, files)


def _whole(folder: Path, name: str, named: Mapping[str, str]) -> bytes | None:
    try:
        data = (folder / name).read_bytes()
    except OSError:
        data = b""
    if integrity_of(data) == named.get(name):
        return data
    log.warning("%s of tracker version %s is ignored: it is damaged", name, folder.name)
    return None
