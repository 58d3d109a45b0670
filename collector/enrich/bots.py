"""Is it a machine? A score with reasons; flagged events are kept, and left out of reports unless asked for.

What speaks for a machine: the user agent, what the request shows (bot_signals.py), a referrer on the spam
list, and how many pages are viewed, how fast and which (collector/loader/conduct.py).

User agents are held against the patterns of the package crawler-user-agents and our own (data/bots.csv) for what it
leaves out: client libraries, monitors, headless browsers, whatever calls itself a bot, and user agents that no browser
sends. They are in two automata (google-re2) that run once each: 25 us a user agent where a loop takes over 1 ms.
The name of a phone is not looked at: phones are called Bot, Spider and Butterfly.

A server that sends with a write key is not a bot: the name of its HTTP library says nothing about the person.
"""

from __future__ import annotations

import csv
import re
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.cache import MIB, remembers

if TYPE_CHECKING:
    from collections.abc import Iterable

# Longer than any browser sends; what lies behind it could only cost time.
MAX_LENGTH = 1_024
# A set that runs out of memory says "no match": its bound must lie far above what the patterns take.
MEMORY_BYTES = 256 * 1024 * 1024


class BotReason(StrEnum):
    """What speaks for a machine; the most telling first."""

    POSTBACK = "postback"
    EMPTY = "empty"
    AI_CRAWLER = "ai-crawler"
    AI_ASSISTANT = "ai-assistant"
    SCANNER = "scanner"
    HEADLESS = "headless"
    HTTP_LIBRARY = "http-library"
    MONITORING = "monitoring"
    CRAWLER = "crawler"
    SPAM = "spam"
    FLOOD = "flood"
    NO_BROWSER = "no-browser"
    ON_DEMAND = "on-demand"
    DATACENTER = "datacenter"
    RAPID = "rapid"
    NO_LANGUAGE = "no-language"


# How much each weighs, in percent; the sum decides. None of the last four makes a machine by itself: people's
# page testers and assistants fetch on demand, companies surf from data centres, tabs are restored all at once.
WEIGHTS = dict.fromkeys(BotReason, 100) | {
    BotReason.FLOOD: 80,
    BotReason.NO_BROWSER: 80,
    BotReason.ON_DEMAND: 60,
    BotReason.DATACENTER: 50,
    BotReason.RAPID: 50,
    BotReason.NO_LANGUAGE: 30,
}
BOT_SCORE = 80
_RANK: dict[str, int] = {reason: rank for rank, reason in enumerate(BotReason)}
_TAGS = {
    "ai-crawler": BotReason.AI_CRAWLER,
    "browser-automation": BotReason.HEADLESS,
    "http-library": BotReason.HTTP_LIBRARY,
    "monitoring": BotReason.MONITORING,
    "scanner": BotReason.SCANNER,
}
# Two signs that are not reasons. A server sent the event with a write key: the request's user agent and rate are the
# server's, not the person's. RELAYED: the server named the person's user agent, which counts like any other.
SERVER, RELAYED = "server", "relayed"
_OF_A_SERVER = frozenset({BotReason.EMPTY, BotReason.HTTP_LIBRARY, BotReason.NO_BROWSER})
# Of our own patterns, those that name somebody: a server may well be called "checkout-scheduler".
_NAMES = frozenset({BotReason.AI_CRAWLER, BotReason.AI_ASSISTANT, BotReason.SCANNER, BotReason.HEADLESS})

# Patterns of the package that hit people (editors and chat programs with a browser inside, a phone's build
# number, an in-app browser), and some so loose or rare that labelled browsers carry them.
_TOO_LOOSE = frozenset(
    {
        "Sonic", "Fluid", "Viber", "MetaIAB Facebook", "YLT Chrome", "TSM-turingos", "Slurp",
        r"Fetch\/", "GTmetrix", "Teoma", "Amzn-User", r"Code\/1\.", r"AP3A\.240617\.008", r"Trae\/", r"Miniature\.io\/",
    }
)  # fmt: skip

# In data/bots.csv: a browser after all, whatever other pattern of that file holds.
PEOPLE = "people"
# Patterns of the package so short that they hit a part of something else, such as a browser's version.
_SHORT = re.compile(r"[A-Za-z0-9]{1,8}(?:\\/)?")
_MODEL = (
    r"^(Mozilla/\d\.\d \(Linux;(?: U;)? (?:arm_64; )?Android [^;)]*;(?: [a-z]{2}(?:[_-][A-Za-z]{2})?;)?)"
    r"[^;)/]*(;|\)| Build/)"
)


def warm_up() -> None:
    """Compile the patterns now (about 0.1 s)."""
    _sets()


class Verdict(NamedTuple):
    """``score`` 0 to 100; ``reasons`` joined by commas, the most telling first."""

    bot: bool
    score: int
    reasons: str


@remembers(8 * MIB)
def verdict(user_agent: str, *signs: str) -> Verdict:
    """What the user agent and other signs (of BotReason, '' for none) say together."""
    found = {*reasons(user_agent, SERVER in signs), *filter(None, signs)} - {SERVER, RELAYED}
    score = min(100, sum(WEIGHTS[BotReason(reason)] for reason in found))
    return Verdict(score >= BOT_SCORE, score, ",".join(sorted(found, key=_RANK.__getitem__)))


@remembers(8 * MIB)
def reasons(user_agent: str, server: bool = False) -> tuple[str, ...]:
    """What the user agent says for a machine, of BotReason; nothing for a browser.

    ``server``: it is that of a server that sends with a write key.
    """
    text = user_agent.strip()[:MAX_LENGTH]
    if not text:
        return () if server else (BotReason.EMPTY.value,)
    listed, own = _sets()
    text = _without_model(text)
    found = set(listed.reasons(text))
    ours = set(own.reasons(text.lower()))
    if server:
        found -= _OF_A_SERVER | ({BotReason.CRAWLER} if SERVER in ours else set())
        ours = ours - _OF_A_SERVER if text.startswith("Mozilla/") else ours & _NAMES
    if PEOPLE not in ours:
        found |= ours - {SERVER}
    if BotReason.AI_ASSISTANT in found:  # the package calls both a crawler
        found.discard(BotReason.AI_CRAWLER)
    return tuple(sorted(found, key=_RANK.__getitem__))


def _without_model(text: str) -> str:
    if "Android" not in text:
        return text
    import re2

    cleaned: str = re2.sub(_MODEL, r"\1\2", text.encode("utf-8", "replace").decode())
    return cleaned


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
            self._reasons.append(str(reason))
        self._set.Compile()

    def reasons(self, text: str) -> list[str]:
        """The reasons of all patterns that hold."""
        return [self._reasons[i] for i in self._set.Match(text.encode("utf-8", "replace")) or ()]


@cache
def _sets() -> tuple[_Patterns, _Patterns]:
    """The package's patterns, and our own."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA as LISTED

    listed = [(_reason(row), _whole(row["pattern"])) for row in LISTED if row["pattern"] not in _TOO_LOOSE]
    text = files("collector.enrich").joinpath("data/bots.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return _Patterns(listed), _Patterns((row["reason"], row["pattern"]) for row in rows)


def _whole(pattern: str) -> str:
    """A short pattern as a whole token."""
    if not _SHORT.fullmatch(pattern):
        return pattern
    return f"(?:^|[^A-Za-z0-9.]){pattern}" + ("" if pattern.endswith("/") else "(?:[^a-z]|$)")


def _reason(row: dict[str, Any]) -> BotReason:
    reasons = [_TAGS[tag] for tag in row.get("tags", ()) if tag in _TAGS]
    return min(reasons, key=_RANK.__getitem__, default=BotReason.CRAWLER)
