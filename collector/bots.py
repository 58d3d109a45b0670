"""Is it a machine? A verdict from the user agent alone, with a reason; flagged events are kept.

The patterns of the package crawler-user-agents, and our own (data/bots.csv) for what it leaves out: client
libraries, monitors, headless browsers, whatever calls itself a bot, and user agents that no browser sends.
They stand in two automata (google-re2) that run once each: 25 us a user agent where a loop takes over 1 ms.
"""

from __future__ import annotations

import csv
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# Longer than any browser sends; what lies behind it could only cost time.
MAX_LENGTH = 1_024
# A set that runs out of memory says "no match": its bound must lie far above what the patterns take.
MEMORY_BYTES = 256 * 1024 * 1024


class BotReason(StrEnum):
    """Why a user agent is taken for a machine; of several that hold, the first here is told."""

    EMPTY = "empty"
    AI_CRAWLER = "ai-crawler"
    HEADLESS = "headless"
    HTTP_LIBRARY = "http-library"
    MONITORING = "monitoring"
    CRAWLER = "crawler"
    NO_BROWSER = "no-browser"


_RANK: dict[str, int] = {reason: rank for rank, reason in enumerate(BotReason)}
_TAGS = {
    "ai-crawler": BotReason.AI_CRAWLER,
    "browser-automation": BotReason.HEADLESS,
    "http-library": BotReason.HTTP_LIBRARY,
    "monitoring": BotReason.MONITORING,
}

# Patterns of the package that hit people (editors and chat programs with a browser inside, a phone's build
# number, an in-app browser), and some so loose or rare that labelled browsers carry them.
_TOO_LOOSE = frozenset(
    {
        "Sonic", "Fluid", "Viber", "MetaIAB Facebook", "YLT Chrome", "TSM-turingos", "Slurp",
        r"Fetch\/", r"Code\/1\.", r"AP3A\.240617\.008", r"Trae\/", r"Miniature\.io\/",
    }
)  # fmt: skip

# In data/bots.csv: a browser after all, whatever other pattern of that file holds.
PEOPLE = "people"


def warm_up() -> None:
    """Compile the patterns now (about 0.1 s)."""
    _sets()


@lru_cache(maxsize=65_536)
def verdict(user_agent: str) -> str:
    """Why the user agent is taken for a machine, one of BotReason; '' for a browser."""
    text = user_agent.strip()[:MAX_LENGTH]
    if not text:
        return BotReason.EMPTY.value
    listed, own = _sets()
    found = listed.reasons(text)
    ours = own.reasons(text.lower())
    if PEOPLE not in ours:
        found += ours
    return str(min(found, key=_RANK.__getitem__)) if found else ""


class _Patterns:
    """Patterns compiled into one automaton, each with its reason."""

    def __init__(self, patterns: Iterable[tuple[str, str]]) -> None:
        import re2

        options = re2.Options()
        options.max_mem = MEMORY_BYTES
        self._set = re2.Set.SearchSet(options)
        self._reasons: list[str] = []
        for reason, pattern in patterns:
            self._set.Add(pattern)
            self._reasons.append(reason)
        self._set.Compile()

    def reasons(self, text: str) -> list[str]:
        """The reasons of all patterns that hold."""
        return [self._reasons[i] for i in self._set.Match(text.encode("utf-8", "replace")) or ()]


@cache
def _sets() -> tuple[_Patterns, _Patterns]:
    """The package's patterns, and our own."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA as LISTED

    listed = [(_reason(row), row["pattern"]) for row in LISTED if row["pattern"] not in _TOO_LOOSE]
    text = files("collector").joinpath("data/bots.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return _Patterns(listed), _Patterns((row["reason"], row["pattern"]) for row in rows)


def _reason(row: dict[str, Any]) -> BotReason:
    reasons = [_TAGS[tag] for tag in row.get("tags", ()) if tag in _TAGS]
    return min(reasons, key=_RANK.__getitem__, default=BotReason.CRAWLER)
