"""Sources: the order of what decides, and our own list measured against those of others."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from collector.sources import DIRECT, KINDS, Registry, Source, registry, source_of
from collector.urls import Page, referrer

GA4_KINDS = {
    "SOURCE_CATEGORY_SEARCH": "search",
    "SOURCE_CATEGORY_SOCIAL": "social",
    "SOURCE_CATEGORY_VIDEO": "video",
    "SOURCE_CATEGORY_SHOPPING": "shopping",
}


def page(**fields: str) -> Page:
    return Page("example.com", "/", **fields)


@pytest.mark.parametrize(
    ("fields", "came_from", "expected"),
    [
        ({}, "", DIRECT),
        ({}, "www.google.com", Source("Google", "search")),
        ({}, "google.com.br", Source("Google", "search")),
        ({}, "mail.google.com", Source("Gmail", "email")),
        ({}, "gemini.google.com", Source("Gemini", "ai")),
        ({}, "www.google.com/imgres", Source("Google Images", "search")),
        ({}, "notgoogle.com", Source("notgoogle.com", "referral")),
        ({}, "google.evil.example.com", Source("google.evil.example.com", "referral")),
        ({}, "duckduckgo.com", Source("DuckDuckGo", "search")),
        ({}, "news.ycombinator.com", Source("Hacker News", "social")),
        ({}, "old.reddit.com", Source("Reddit", "social")),
        ({}, "t.co", Source("Twitter", "social")),
        ({}, "x.com/i/grok", Source("Grok", "ai")),
        ({}, "m.youtube.com", Source("YouTube", "video")),
        ({}, "chatgpt.com", Source("ChatGPT", "ai")),
        ({}, "www.perplexity.ai", Source("Perplexity", "ai")),
        ({}, "com.google.android.gm", Source("Gmail", "email")),
        ({}, "www.blog.example.org/post", Source("blog.example.org", "referral")),
        ({"utm_source": "google"}, "news.ycombinator.com", Source("Google", "search")),
        ({"utm_source": "FB"}, "", Source("Facebook", "social")),
        ({"utm_source": "Hacker News"}, "", Source("Hacker News", "social")),
        ({"utm_source": "hacker_news"}, "", Source("Hacker News", "social")),
        ({"utm_source": "chatgpt.com"}, "", Source("ChatGPT", "ai")),
        ({"utm_source": "https://www.bing.com/"}, "", Source("Bing", "search")),
        ({"utm_source": "newsletter"}, "", Source("Newsletter", "email")),
        ({"utm_source": "Partner-42"}, "", Source("Partner-42", "")),
        ({"utm_source": "Partner-42"}, "partner.example", Source("Partner-42", "referral")),
        ({"utm_source": "(direct)"}, "", DIRECT),
        ({"source": "ig", "ref": "fb"}, "", Source("Instagram", "social")),
        ({"ref": "producthunt"}, "", Source("Product Hunt", "social")),
        ({"ref": "somewhere"}, "", Source("somewhere", "referral")),
        ({"utm_source": "bing", "source": "ig", "ref": "fb"}, "t.co", Source("Bing", "search")),
        ({"utm_medium": "email"}, "", DIRECT),
    ],
)
def test_what_decides(fields: dict[str, str], came_from: str, expected: Source) -> None:
    assert source_of(fields.get("utm_source", ""), fields.get("source") or fields.get("ref", ""), came_from) == expected


def test_takes_what_urls_gives() -> None:
    host, whole = referrer("https://www.bing.com/images/search?q=x", "example.com")
    assert source_of("", "", host) == Source("Bing", "search")
    assert source_of("", "", whole) == Source("Bing Images", "search")


@pytest.mark.parametrize(("file", "kind"), [("SearchEngines", "search"), ("Socials", "social"), ("AIAssistants", "ai")])
def test_names(shared_data: Path, file: str, kind: str) -> None:
    """At least 98 % of the listed domains, and of the listed sources, carry the listed name."""
    listed = _listed(yaml.safe_load((shared_data / f"referrers/{file}.yml").read_text()))
    found = {name: [registry().by_referrer(domain) for domain in domains] for name, domains in listed.items()}
    pairs = [(name, source) for name, sources in found.items() for source in sources]
    wrong = [(name, source) for name, source in pairs if source is None or _plain(source.name) != _plain(name)]
    assert len(wrong) <= 0.02 * len(pairs), wrong
    assert len({name for name, _ in wrong}) <= 0.02 * len(found), wrong
    of_kind = [source for _, source in pairs if source and source.kind == kind]
    assert len(of_kind) >= 0.97 * len(pairs)


def test_kinds_agree_with_ga4(shared_data: Path) -> None:
    """GA4 counts webmail of three portals as search; all else agrees."""
    with (shared_data / "channels/ga4_source_categories.csv").open(encoding="utf-8") as lines:
        rows = [(row["source"], GA4_KINDS[row["source_category"]]) for row in csv.DictReader(lines)]
    wrong = [(name, kind) for name, kind in rows if source_of(name, "", "").kind != kind]
    assert len(rows) > 800
    assert {name for name, _ in wrong} <= {"email.seznam.cz", "mail.rambler.ru", "mail.yandex.ru"}


def _listed(data: dict[object, list[object]]) -> dict[str, list[str]]:
    """Domains by name; "{}" in a pattern stands for a country."""
    listed: dict[str, list[str]] = {}
    for name, entries in data.items():
        for entry in entries:
            for domain in entry["urls"] if isinstance(entry, dict) else [entry]:
                filled = domain.replace("{}.", "de.") if domain.startswith("{}.") else domain.replace("{}", "co.uk")
                listed.setdefault(str(name), []).append(filled)
    return listed


def _plain(name: str) -> str:
    return name.casefold().replace("%2b", "+").replace(" ", "").replace(".", "")


def test_our_list_is_sound() -> None:
    rows = (Path(__file__).parents[2] / "collector/data/sources.csv").read_text().splitlines()
    parsed = list(csv.DictReader(rows))
    names = [row["name"] for row in parsed]
    assert len(set(map(str.casefold, names))) == len(names)
    for column in ("domains", "words"):
        values = [value for row in parsed for value in row[column].split()]
        assert len(set(values)) == len(values), column
        assert all(value == value.lower() for value in values)
    assert {row["kind"] for row in parsed} == set(KINDS)
    for row in parsed:
        for domain in row["domains"].split():
            assert registry().by_referrer(domain.replace(".*", ".de")) == Source(row["name"], row["kind"]), domain
        for word in row["words"].split():
            assert registry().by_word(word) == Source(row["name"], row["kind"])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of source"):
        Registry([{"name": "X", "kind": "radio", "domains": "x.example", "words": ""}])
