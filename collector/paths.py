"""Under which paths the collector serves script and events; a site may want names of its own for both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sql.errors import UsageError

SCRIPT, EVENTS = "/footfall.js", "/v1/events"
PIXEL, LIVE, READY, METRICS, OPENAPI = "/v1/pixel.gif", "/health/live", "/health/ready", "/metrics", "/openapi.json"
_TAKEN = (EVENTS, PIXEL, LIVE, READY, METRICS, OPENAPI)
# Nothing that a browser, a proxy or the router would read as something else.
_PLAIN = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\Z")


@dataclass(frozen=True, slots=True)
class Paths:
    """Names beside the default ones, which are served always. Raises UsageError for what cannot be one."""

    script: str = SCRIPT
    events: str = EVENTS

    def __post_init__(self) -> None:
        for name, path in (("script_path", self.script), ("events_path", self.events)):
            if not _PLAIN.match(path):
                raise UsageError(
                    f"{name} cannot be {path!r}", "a path that starts with / and has letters, digits and . _ ~ - in it"
                )
        if not self.script.endswith(".js") or self.script.endswith("/.js"):
            raise UsageError(f"script_path cannot be {self.script!r}", "let it end with .js, such as /js/site.js")
        if self.script != SCRIPT and (self.script in _TAKEN or _is_file(self.script, SCRIPT)):
            raise UsageError(f"script_path cannot be {self.script!r}: the collector has that", "choose another name")
        if self.events != EVENTS and (
            self.events in _TAKEN or any(_is_file(self.events, script) for script in self.scripts)
        ):
            raise UsageError(f"events_path cannot be {self.events!r}: the collector has that", "choose another name")

    @property
    def scripts(self) -> tuple[str, ...]:
        """Where the script is served, the default first."""
        return tuple(dict.fromkeys((SCRIPT, self.script)))

    @property
    def all_events(self) -> tuple[str, ...]:
        """Where events are taken, the default first."""
        return tuple(dict.fromkeys((EVENTS, self.events)))


def module_path(script: str, module: str) -> str:
    """Where a module lies, from where the script does: /js/f.js, /js/f.outbound.js. '' is the script itself."""
    return f"{script[:-3]}.{module}.js" if module else script


def _is_file(path: str, script: str) -> bool:
    """Whether a path is the script's or may be a module's of it."""
    stem = script[:-3] + "."
    return path == script or (path.startswith(stem) and path.endswith(".js") and "/" not in path[len(stem) :])
