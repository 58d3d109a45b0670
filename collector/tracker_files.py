"""The tracker's files as they are built: ``GET /footfall.js`` and its modules. Read once, compressed ahead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import falcon
import falcon.asgi
import msgspec

# What the build made beside each file, best first; '' is the file as it is.
CODINGS = MappingProxyType({"br": ".br", "gzip": ".gz", "": ""})
_YEAR = "public, max-age=31536000, immutable"
_HOUR = "public, max-age=3600"
_NAME = re.compile(r"footfall(?:\.([a-z][a-z0-9-]*))?\.js\Z")
_ITEM = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?\Z")
# Pages of other hosts load them, and may look at how long that took.
_OPEN = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
)


@dataclass(frozen=True, slots=True)
class TrackerFile:
    """One script: its bytes by coding, and its ``integrity`` (sha384-…) as a page states it."""

    bodies: dict[str, bytes]
    integrity: str

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


class TrackerScript:
    """``GET`` and ``HEAD`` of one file. Asked for as ``?v=<version>`` it is that version's and may be kept for good.

    Asked for without, or for a version that nobody knows, it is the present one's; 404 where that has no such file.
    """

    def __init__(self, versions: Mapping[str, TrackerFile], present: str) -> None:
        self.versions = versions
        self.present = versions.get(present)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The file, or 304 where the client has it."""
        named = self.versions.get(req.get_param("v") or "")
        file = named or self.present
        if file is None:
            raise falcon.HTTPNotFound
        coding = coding_of(req.get_header("Accept-Encoding"))
        if coding not in file.bodies:  # damaged in the data directory
            coding = ""
        tag = file.tag(coding)
        resp.set_headers(_OPEN)
        resp.set_header("Cache-Control", _YEAR if named else _HOUR)
        resp.etag = tag
        if any(given in ("*", tag) for given in req.if_none_match or ()):
            resp.status = 304
            return
        resp.content_type = "text/javascript; charset=utf-8"
        if coding:
            resp.set_header("Content-Encoding", coding)
        resp.data = file.bodies[coding]

    async def on_head(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The headers of GET."""
        await self.on_get(req, resp)


def coding_of(accepted: str | None) -> str:
    """Which of ``CODINGS`` an Accept-Encoding header wants most; '' for the file as it is.

    Nothing said, nothing that can be read, and all refused mean the file as it is: everybody understands that.
    """
    wanted: dict[str, float] = {}
    for item in (accepted or "").split(","):
        if match := _ITEM.match(item):
            wanted[match[1].lower()] = float(match[2] or 1)
    rest = wanted.get("*", 0.0)
    weights = {coding: wanted.get(coding, rest) for coding in CODINGS if coding}
    # As it is, it is always good enough, but last among equals.
    weights[""] = wanted.get("identity", 0.0)
    best = max(weights, key=lambda coding: weights[coding])
    return best if weights[best] > 0 else ""
