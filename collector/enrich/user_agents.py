"""What a user agent says of itself: browser, system and device class, through ua-parser's Rust resolver.

Over its answer lies a small table of our own (data/agents.csv): in-app browsers and systems that it does not know, and
one name for a browser on desktop, phone and in a web view: "Chrome", not "Chrome Mobile WebView". All other names are
ua-parser's. A family that is not known is empty, never "Other".

An iPad says that it is a Mac; only its screen tells (``on_screen``).
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.cache import MIB, remembers
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from ua_parser import Parser
    from ua_parser.core import PartialResult

# Longer than any browser sends; what lies behind it could only cost time.
MAX_LENGTH = 1_024
DEVICES = ("desktop", "mobile", "tablet", "tv", "other")

# What user agents write of the thing they run on (RE2, lower case); the first that holds decides. Handhelds
# of console makers and Windows Phone come first, since they also write what the big ones write.
_HINTS = {
    "mobile": r"windows phone|playstation (?:vita|portable)|nintendo 3ds",
    "desktop": r"chromebook|\bcros\b|tablet pc",
    "tv": (
        r"smart-?tv|hbbtv|apple ?tv|google ?tv|android tv|bravia|netcast|web0s|crkey|chromecast|roku|viera"
        r"|mitv|dtv\d|vizio|playstation|xbox|nintendo|\baft[a-z]{1,5}\d*[ ;)]|nexus player|\bctv\b"
    ),
    # Phones have televisions built in, or the brand of some.
    "maybe tv": r"\btv\b|aquos",
    "tablet": (
        r"ipad|tablet|playbook|kindle|nook|\bkf[a-z]{2,6}[ ;)]|nexus (?:7|9|10)\b|xoom|\bsm-[tx]\d"
        r"|\bgt-[pn]\d{4}|mediapad|ideatab|lenovo tab"
    ),
    "phone": (
        r"mobi|iphone|ipod|iemobile|blackberry|\bbb10\b|symbian|series ?[3469]0|opera mini|j2me|midp"
        r"|up\.browser|nokia|palmos|webos|windows ce|kaios|maemo|meego|bada/|android"
    ),
}
_HINT_NAMES = tuple(_HINTS)
_DESKTOP_SYSTEMS = frozenset(
    {
        "Windows", "Mac OS X", "Mac OS", "Linux", "Ubuntu", "Debian", "Fedora", "Red Hat", "SUSE", "Gentoo",
        "Arch Linux", "Mandriva", "CentOS", "Kubuntu", "Mageia", "PCLinuxOS", "Slackware", "Linux Mint",
        "Puppy", "VectorLinux", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly BSD", "Solaris",
        "BeOS", "Haiku",
    }
)  # fmt: skip
_HANDHELD_SYSTEMS = frozenset({"iOS", "Android", "watchOS", "Windows Phone", "KaiOS"})
_UNKNOWN = "Other"
# Portrait sizes of iPads in CSS pixels, which iOS reports in any orientation. No Mac has such a screen.
_IPAD_SCREENS = frozenset(
    {
        "744x1133", "768x1024", "810x1080", "820x1180", "834x1112", "834x1194", "834x1210", "954x1373", "1024x1366",
        "1032x1376",
    }
)  # fmt: skip


class Agent(NamedTuple):
    """One parsed user agent; every field is '' where it is not known.

    ``browser_version`` is the major number, ``os_version`` major or major.minor, ``device`` one of DEVICES.
    """

    browser: str
    browser_version: str
    os: str
    os_version: str
    device: str


def warm_up() -> None:
    """Load the parser now (about 0.2 s). Raises UsageError where the Rust resolver is not installed."""
    _parser()


@remembers(16 * MIB)
def parse(user_agent: str) -> Agent:
    """Browser, system and device class of a user agent.

    About 100 us for a new one. Raises UsageError where the Rust resolver is not installed.
    """
    if not user_agent:
        return Agent("", "", "", "", "other")
    from ua_parser import Domain

    # Half a surrogate pair is text to Python alone.
    text = user_agent[:MAX_LENGTH].encode("utf-8", "replace").decode()
    found = _parser()(text, Domain.USER_AGENT | Domain.OS)
    browser, browser_version = _browser(found)
    system, system_version = _system(found)
    return _corrected(text.lower(), Agent(browser, browser_version, system, system_version, _device(text, system)))


def on_screen(agent: Agent, screen: str) -> Agent:
    """What the size of its screen (``768x1024``, in CSS pixels) adds: a Mac with an iPad's screen is an iPad."""
    if agent.os == "Mac OS X" and screen in _IPAD_SCREENS:
        return agent._replace(os="iOS", os_version="", device="tablet")
    return agent


@cache
def _parser() -> Parser:
    import ua_parser

    # The package falls back to a pure Python resolver by itself: 6,000 us a user agent instead of 100.
    if ua_parser.RegexResolver is None:
        raise UsageError("the fast user agent parser is not installed", "pip install 'ua-parser[regex]'")
    return ua_parser.Parser(ua_parser.RegexResolver(ua_parser.load_lazy_builtins()))


def _browser(found: PartialResult) -> tuple[str, str]:
    agent = found.user_agent
    if agent is None or agent.family == _UNKNOWN:
        return "", ""
    return _own().families.get(agent.family, agent.family), agent.major or ""


def _system(found: PartialResult) -> tuple[str, str]:
    system = found.os
    if system is None or system.family == _UNKNOWN:
        return "", ""
    if not system.major:
        return system.family, ""
    return system.family, f"{system.major}.{system.minor}" if system.minor else system.major


class _Own(NamedTuple):
    """data/agents.csv: the patterns in one automaton; of each its subject, a name and itself; names of families."""

    found: Any
    rows: tuple[tuple[str, str, Any], ...]
    families: dict[str, str]


@cache
def _own() -> _Own:
    import re2

    text = files("collector.enrich").joinpath("data/agents.csv").read_text(encoding="utf-8")
    lines = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    rows = [row for row in lines if row["what"] != "family"]
    found = re2.Set.SearchSet()
    for row in rows:
        found.Add(row["pattern"])
    found.Compile()
    families = {row["pattern"]: row["name"] for row in lines if row["what"] == "family"}
    return _Own(found, tuple((row["what"], row["name"], re2.compile(row["pattern"])) for row in rows), families)


def _corrected(text: str, agent: Agent) -> Agent:
    """What our own table says of a user agent in lower case goes over ``agent``."""
    own = _own()
    told: dict[str, str] = {}
    for at in sorted(own.found.Match(text) or ()):
        what, name, pattern = own.rows[at]
        if what not in told:
            told[what] = name
            if what != "device":
                told[f"{what}_version"] = next(filter(None, pattern.search(text).groups()), "")
    return agent._replace(**told) if told else agent


@cache
def _hints() -> Any:
    import re2

    hints = re2.Set.SearchSet()
    for pattern in _HINTS.values():
        hints.Add(pattern)
    hints.Compile()
    return hints


def _device(text: str, system: str) -> str:
    found: list[int] | None = _hints().Match(text.lower())
    if not found:
        if system in _HANDHELD_SYSTEMS:
            return "mobile"
        return "desktop" if system in _DESKTOP_SYSTEMS else "other"
    hint = _HINT_NAMES[min(found)]
    if hint == "maybe tv":
        return "mobile" if "Android" in text and "Mobile" in text else "tv"
    if hint != "phone":
        return hint
    # Google's own rule for browsers: Android without "Mobile" is a tablet. Apps write neither.
    return "tablet" if "Android" in text and "obile" not in text and "Safari/" in text else "mobile"
