"""One step of a funnel, as a person writes it and as the engine matches it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sql.core.errors import UsageError

_NAME = re.compile(r"[^\s:][^:]{0,254}\Z")


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """An event name, and a LIKE pattern on the path (empty: any path)."""

    name: str
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> FunnelStep:
        """``purchase``, ``page_view:/blog/*``, or ``/blog/*`` (a page view there); ``*`` stands for anything.

        Raises UsageError for an empty name, or a path that starts with neither ``/`` nor ``*``.
        """
        text = text.strip()
        name, colon, path = ("page_view", ":", text) if text.startswith("/") else text.partition(":")
        if not _NAME.match(name):
            raise UsageError(f"not a funnel step: {text!r}", "write an event name, name:/path/* or /path/*")
        if colon and not path.startswith(("/", "*")):
            raise UsageError(f"the path of step {text!r} must start with /", "such as page_view:/checkout/*")
        return cls(name, _like(path))

    @property
    def shown_path(self) -> str:
        """The path pattern as a person wrote it."""
        return re.sub(r"\\(.)|%", lambda match: match[1] or "*", self.path)

    @property
    def shown(self) -> str:
        """The step as a person writes it."""
        return f"{self.name}:{self.shown_path}" if self.path else self.name


def _like(path: str) -> str:
    return re.sub(r"[\\%_]", r"\\\g<0>", path).replace("*", "%")
