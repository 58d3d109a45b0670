"""Sources: the order of what decides, and our own list measured against those of others."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from collector.enrich.sources import DIRECT, KINDS, Source, SourceCatalogue, registry, source_of
from collector.event.urls import Page, referrer

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


ADS = [
    ("facebook-ads", "Facebook"), ("fb-ads", "Facebook"), ("fb_ad", "Facebook"), ("FBads", "Facebook"),
    ("reddit-ads", "Reddit"), ("google_ads", "Google"), ("GoogleAds", "Google"), ("google-ad", "Google"),
    ("adwords", "Google"), ("yt-ads", "YouTube"), ("tiktok ads", "TikTok"), ("bing-ads", "Bing"),
    ("microsoft-ads", "Bing"), ("linkedin_ads", "LinkedIn"), ("ig_ads", "Instagram"), ("igads", "Instagram"),
    ("pinterest-ads", "Pinterest"), ("x-ads", "Twitter"), ("meta_ads_de_2026", "Facebook"),
    ("paid-facebook", "Facebook"), ("amazon-ads", "Amazon"), ("print-ad", "print-ad"), ("taboola", "Taboola"),
    ("dv360", "Google Display"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "name"), ADS)
def test_words_for_ads_are_paid(word: str, name: str) -> None:
    found = source_of(word, "", "")
    assert (found.name, found.paid) == (name, True)


@pytest.mark.parametrize("word", ["threads", "leads", "download", "roads", "nomad", "facebook", "google", "Partner-42"])
def test_words_that_only_end_like_it_are_not(word: str) -> None:
    assert not source_of(word, "", "").paid


@pytest.mark.parametrize(
    "word",
    [
        "newsletter", "news-letter", "News Letter", "Newsletter_2024-05", "weekly-newsletter", "e-newsletter", "nl",
        "enewsletter", "newsletters.mai", "MonthlyNewsletter12", "nl-12", "infolettre", "email-march", "mailing_3",
    ],
)  # fmt: skip
def test_a_newsletter_by_any_spelling(word: str) -> None:
    assert source_of(word, "", "").kind == "email"


@pytest.mark.parametrize("word", ["news", "letters", "shop-nl", "nlp", "newsroom", "blackmail-podcast"])
def test_what_is_not_mail(word: str) -> None:
    assert source_of(word, "", "").kind == ""


WEBMAIL = [
    "mail.google.com", "mail.yahoo.co.uk", "de-mg42.mail.yahoo.com", "mail.yahoo.fr", "outlook.live.com", "e.mail.ru",
    "mail.qq.com", "wx.mail.qq.com", "exmail.qq.com", "mail.163.com", "navigator.gmx.net", "gmx.at", "web.de",
    "mail.orange.fr", "messagerie.orange.fr", "mail1.libero.it", "email.t-online.de", "email.seznam.cz", "poczta.wp.pl",
    "poczta.onet.pl", "poczta.o2.pl", "mail.naver.com", "webmail1.virgilio.it", "posta.mynet.com", "email.telstra.com",
    "mail.comcast.net", "mail.zoho.in", "mail.proton.me", "mailbox.org", "posteo.de", "webmail.freenet.de",
    "mail.centrum.cz", "mail.ukr.net", "inbox.lv", "abv.bg", "correio.sapo.pt", "email.bol.uol.com.br",
    "webmail.example.org", "mail.example.co.uk", "www.webmail.example.org", "roundcube.example.org",
]  # fmt: skip


@pytest.mark.parametrize("host", WEBMAIL)
def test_webmail_of_any_provider_is_mail(host: str) -> None:
    assert source_of("", "", host).kind == "email"


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("go.mail.ru", "search"),
        ("my.mail.ru", "social"),
        ("suche.web.de", "search"),
        ("www.seznam.cz", "search"),
        ("mailing-list.example.org", "referral"),
        ("hotmail-news.example.org", "referral"),
        ("mail-order.example", "referral"),
        ("daily.mail", "referral"),
    ],
)
def test_what_is_not_webmail(host: str, kind: str) -> None:
    assert source_of("", "", host).kind == kind


@pytest.mark.parametrize(
    "host",
    [
        "linktr.ee", "beacons.ai", "bio.link", "lnk.bio", "campsite.bio", "linkin.bio", "app.slack.com",
        "teams.microsoft.com", "statics.teams.cdn.office.net", "steamcommunity.com", "store.steampowered.com",
        "discord.com", "com.microsoft.teams",
    ],
)  # fmt: skip
def test_link_pages_and_chats_are_social(host: str) -> None:
    assert source_of("", "", host).kind == "social"


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
    rows = (Path(__file__).parents[3] / "collector/enrich/data/sources.csv").read_text().splitlines()
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
            found = registry().by_word(word)
            assert found is not None
            assert found[:2] == (row["name"], row["kind"])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not a kind of source"):
        SourceCatalogue([{"name": "X", "kind": "radio", "domains": "x.example", "words": ""}])
