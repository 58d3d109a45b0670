"""The names that requests have by default, against the general rules of a real filter list.

A general rule looks at no host: it would hide a site's own statistics on every site. Rules that name a host, opting out
and Global Privacy Control stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from collector.ingest.paths import PAGE_EVENTS, PAGE_PIXEL, SCRIPT, Paths, module_path
from collector.web.tracker_files import built

# Host names that documents may recommend, and those that people choose by themselves.
RECOMMENDED = ("footfall.shop.example", "visits.shop.example", "www.shop.example")
CHOSEN = ("stats.shop.example", "analytics.shop.example", "collector.shop.example", "shop.example")
TYPES = {"image", "script", "xmlhttprequest", "ping", "other", "websocket", "subdocument", "document", "stylesheet"}
OPTIONS = re.compile(r"\$((?:~?[a-z-]+(?:=[^,]*)?)(?:,~?[a-z-]+(?:=[^,]*)?)*)\Z")


@dataclass(frozen=True)
class Rule:
    """One rule: a pattern, and the types of requests it is for."""

    line: str
    pattern: re.Pattern[str]
    types: frozenset[str]


def rule_of(line: str) -> Rule | None:
    """A line of the list; None for remarks, and for rules of some sites or of requests to others."""
    if not line or line.startswith(("!", "[", "@@")) or "##" in line:
        return None
    found = OPTIONS.search(line)
    options = found[1].split(",") if found else []
    text = line[: found.start()] if found else line
    if "third-party" in options:  # the collector is under the site's own domain
        return None
    if any(option.startswith("domain=") and not option.startswith("domain=~") for option in options):
        return None
    wanted = {option for option in options if option in TYPES}
    refused = {option[1:] for option in options if option[1:] in TYPES and option.startswith("~")}
    return Rule(line, re.compile(_expression(text), re.IGNORECASE), frozenset((wanted or TYPES) - refused))


def _expression(text: str) -> str:
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return text[1:-1]
    start = r"^[a-z-]+://(?:[^/?#]*\.)?" if text.startswith("||") else "^" if text.startswith("|") else ""
    body, end = (text.lstrip("|")[:-1], r"\Z") if text.endswith("|") else (text.lstrip("|"), "")
    return start + "".join({"*": ".*", "^": r"(?:[^\w.%-]|\Z)"}.get(char, re.escape(char)) for char in body) + end


def blocking(rules: list[Rule], url: str, kind: str) -> list[str]:
    return [rule.line for rule in rules if kind in rule.types and rule.pattern.search(url)]


@pytest.fixture(scope="module")
def rules(shared_data) -> list[Rule]:
    path = shared_data / "filter-lists" / "easyprivacy-general.txt"
    if not path.is_file():
        pytest.skip(f"the filter list is not here: {path}")
    read = [rule for line in path.read_text(encoding="utf-8").splitlines() if (rule := rule_of(line))]
    assert len(read) > 3_000
    return read


def test_the_rules_are_understood(rules):
    assert blocking(rules, "https://stats.shop.example/v1/events", "xmlhttprequest")
    assert blocking(rules, "https://shop.example/v1/pixel.gif?site=shop.example", "image")
    assert not blocking(rules, "https://shop.example/about", "document")


@pytest.mark.parametrize("host", [*RECOMMENDED, *CHOSEN])
def test_no_default_name_is_in_a_general_rule(rules, host):
    tracker = built()
    asked = [(f"{module_path(SCRIPT, module)}?v={tracker.version}", "script") for module in tracker.files]
    asked += [(module_path(SCRIPT, module), "script") for module in tracker.files]
    asked += [(PAGE_EVENTS, kind) for kind in ("xmlhttprequest", "ping")]
    asked += [(f"{PAGE_PIXEL}?site=shop.example&name=page_view&url=https://shop.example/", "image")]
    found = {path: lines for path, kind in asked if (lines := blocking(rules, f"https://{host}{path}", kind))}
    assert found == {}


def test_the_old_names_are_served_beside_the_new():
    assert Paths().all_events == ("/v1/events", PAGE_EVENTS)
    assert Paths().pixels == ("/v1/pixel.gif", PAGE_PIXEL)
