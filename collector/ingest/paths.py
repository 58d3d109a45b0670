"""Under which paths the collector serves script, events and pixel; a site may want names of its own for them.

The tracker's default names are in no general rule of filter lists, under any host name (tests/collector/
test_filter_lists.py). Names of before are served for good: servers send to them, pages and mails hold them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from collector.settings import COLLECTOR
from sql.core.errors import UsageError

SCRIPT, EVENTS, PIXEL = COLLECTOR.script_path, "/v1/events", "/v1/pixel.gif"
PAGE_EVENTS, PAGE_PIXEL = COLLECTOR.events_path, COLLECTOR.pixel_path  # for pages
POSTBACK = "/v1/postback/{network}"
LIVE, READY, METRICS, OPENAPI = "/health/live", "/health/ready", "/metrics", "/openapi.json"
_TAKEN = (EVENTS, PIXEL, PAGE_EVENTS, PAGE_PIXEL, LIVE, READY, METRICS, OPENAPI)
# Nothing that a browser, a proxy or the router would read as something else.
_PLAIN = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\Z")


@dataclass(frozen=True, slots=True)
class Paths:
    """Names beside the default ones, which are served always. Raises UsageError for what cannot be one."""

    script: str = SCRIPT
    events: str = PAGE_EVENTS
    pixel: str = PAGE_PIXEL

    def __post_init__(self) -> None:
        for name, path in self._named:
            if not _PLAIN.match(path):
                raise UsageError(
                    f"{name} {path!r} is not a usable path",
                    "use a path that starts with / and contains only letters, digits, / and . _ ~ -",
                )
        if not self.script.endswith(".js") or self.script.endswith("/.js"):
            raise UsageError(f"script_path {self.script!r} must name a file that ends with .js", "such as /js/site.js")
        if self.script != SCRIPT and (self.script in _TAKEN or _is_file(self.script, SCRIPT)):
            raise UsageError(f"script_path {self.script!r} conflicts with a built-in route", "choose another name")
        for name, path, own in (
            ("events_path", self.events, (EVENTS, PAGE_EVENTS)),
            ("pixel_path", self.pixel, (PIXEL, PAGE_PIXEL)),
        ):
            files = any(_is_file(path, script) for script in self.scripts)
            if path not in own and (path in _TAKEN or files or (name == "pixel_path" and path == self.events)):
                raise UsageError(f"{name} {path!r} conflicts with a built-in route", "choose another name")

    @property
    def scripts(self) -> tuple[str, ...]:
        """Where the script is served, the default first."""
        return tuple(dict.fromkeys((SCRIPT, self.script)))

    @property
    def all_events(self) -> tuple[str, ...]:
        """Where events are taken, the name for servers first."""
        return tuple(dict.fromkeys((EVENTS, PAGE_EVENTS, self.events)))

    @property
    def pixels(self) -> tuple[str, ...]:
        """Where the pixel is."""
        return tuple(dict.fromkeys((PIXEL, PAGE_PIXEL, self.pixel)))

    @property
    def _named(self) -> tuple[tuple[str, str], ...]:
        return ("script_path", self.script), ("events_path", self.events), ("pixel_path", self.pixel)


def module_path(script: str, module: str) -> str:
    """Where a module lies, from where the script does: /js/f.js, /js/f.outbound.js. '' is the script itself."""
    return f"{script[:-3]}.{module}.js" if module else script


def _is_file(path: str, script: str) -> bool:
    """Whether a path is the script's or may be a module's of it."""
    stem = script[:-3] + "."
    return path == script or (path.startswith(stem) and path.endswith(".js") and "/" not in path[len(stem) :])
