"""The tracker's files as they are built. Read once, compressed ahead."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec
import zstandard

# What the build made beside each file, best first; '' is the file as it is.
CODINGS = MappingProxyType({"br": ".br", "gzip": ".gz", "": ""})
# What is sent, best first; zstd is packed when it is first asked for.
SENT = ("br", "zstd", "gzip")
_NAME = re.compile(r"footfall(?:\.([a-z][a-z0-9-]*))?\.js\Z")
_ITEM = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?\Z")


@dataclass(frozen=True, slots=True)
class TrackerFile:
    """One script: its bytes by coding, and its ``integrity`` (sha384-…) as a page states it."""

    bodies: dict[str, bytes]
    integrity: str

    def body(self, coding: str) -> bytes:
        """Its bytes, packed so; ``coding`` is one of its own, zstd or ''."""
        if coding == "zstd" and coding not in self.bodies:
            self.bodies[coding] = zstd(self.bodies[""])
        return self.bodies[coding]

    def tag(self, coding: str) -> str:
        """Its ETag. Different bytes, different tags; a proxy may keep one beside the other."""
        core = self.integrity.removeprefix("sha384-")[:16]
        return f"{core}-{coding}" if coding else core


@dataclass(frozen=True, slots=True)
class TrackerFiles:
    """What was built: ``version`` changes with any byte of any file; ``files`` by module, the core under ''."""

    version: str
    files: dict[str, TrackerFile]

    @property
    def modules(self) -> list[str]:
        """Names of the modules, sorted."""
        return sorted(name for name in self.files if name)


class _Facts(msgspec.Struct):
    integrity: str


class _Manifest(msgspec.Struct):
    version: str
    files: dict[str, _Facts]


@cache
def built() -> TrackerFiles:
    """The files that came with this version, from ``tracker/dist``."""
    folder = files("tracker") / "dist"
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Manifest)
    found = {}
    for name, facts in manifest.files.items():
        if (module := module_of(name)) is not None:
            bodies = {coding: (folder / f"{name}{ending}").read_bytes() for coding, ending in CODINGS.items()}
            found[module] = TrackerFile(bodies, facts.integrity)
    return TrackerFiles(manifest.version, found)


def module_of(name: str) -> str | None:
    """The module that a file of this name holds, '' for the core; None for what is neither."""
    match = _NAME.match(name)
    return (match[1] or "") if match else None


def integrity_of(data: bytes) -> str:
    """The hash of a script as a page states it."""
    return f"sha384-{base64.b64encode(hashlib.sha384(data).digest()).decode()}"


def zstd(data: bytes) -> bytes:
    """``data`` packed for those who take zstd."""
    return zstandard.ZstdCompressor(level=9).compress(data)


def coding_of(accepted: str | None, offered: Collection[str] = SENT) -> str:
    """Which of the codings ``offered`` (best first) an Accept-Encoding header wants most; '' for the file as it is.

    Nothing said, nothing that can be read, and all refused mean the file as it is: everybody understands that.
    """
    wanted: dict[str, float] = {}
    for item in (accepted or "").split(","):
        if match := _ITEM.match(item):
            wanted[match[1].lower()] = float(match[2] or 1)
    rest = wanted.get("*", 0.0)
    weights = {coding: wanted.get(coding, rest) for coding in SENT if coding in offered}
    # As it is, it is always good enough, but last among equals.
    weights[""] = wanted.get("identity", 0.0)
    best = max(weights, key=lambda coding: weights[coding])
    return best if weights[best] > 0 else ""
