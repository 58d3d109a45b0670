"""Columns of events that rules and lists make of others, so that they can be made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from collector.enrich import bots
from collector.enrich.bots import BotReason
from collector.enrich.referrer_spam import SpamHosts
from collector.enrich.versions import versions
from collector.event import urls
from collector.loader.enrichment import agent, origin

# Where the page's address says by itself where its visitor came from; else the query need not be told apart.
_LINK = "if(position(query, 'source=') > 0 or position(query, 'ref=') > 0, query, '')"
# What the user agent alone says.
_OF_AGENT = frozenset(BotReason) - {
    BotReason.POSTBACK, BotReason.SPAM, BotReason.FLOOD, BotReason.RAPID, BotReason.DATACENTER, BotReason.NO_LANGUAGE,
}  # fmt: skip
_OF_A_SERVER = frozenset({BotReason.EMPTY, BotReason.HTTP_LIBRARY, BotReason.NO_BROWSER})


@dataclass(frozen=True, slots=True)
class Rule:
    """How ``columns`` follow from ``keys``, texts of SQL over events. ``made`` has a text for each column.

    ``typed``: how a text becomes a column's value; else it is text as well. ``only``: the events that it is about.
    ``version`` is that of its rules and lists (``enrich.versions``).
    """

    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    made: Callable[..., tuple[str, ...]]
    typed: Mapping[str, str] = field(default_factory=dict)
    only: str = "true"
    version: str = ""


def _channel(referrer: str, campaign: str, query: str, medium: str, name: str, click_id_kind: str) -> tuple[str, ...]:
    page = urls.split(f"https://a.example/?{query}") if query else None
    link = (page.source or page.ref) if page else ""
    return origin(referrer, campaign, link, medium, name, click_id_kind)


def _verdict(spam: SpamHosts, user_agent: str, reasons: str, referrer: str) -> tuple[str, ...]:
    """What speaks for a machine now. Signs of the request and of conduct stay as they were seen.

    That a server sent the event is not stored. It did where the user agent is a library's and that was not held against
    it.
    """
    before = set(filter(None, reasons.split(",")))
    now = set(bots.reasons(user_agent))
    server = bool(now & _OF_A_SERVER) and not before & _OF_A_SERVER
    seen = before - _OF_AGENT - {BotReason.SPAM}
    if BotReason.SCANNER in before and BotReason.SCANNER not in now:  # by the paths that it asked for
        seen.add(BotReason.SCANNER)
    listed = spam.lists(referrer.partition("/")[0])
    found = bots.verdict(user_agent, *sorted(seen), bots.SERVER if server else "", BotReason.SPAM * listed)
    return str(int(found.bot)), str(found.score), found.reasons


def rules(spam_file: Path | None = None) -> dict[str, Rule]:
    """All rules, by the name under which they are asked for; ``spam_file`` is the operator's own."""
    spam = SpamHosts(spam_file)
    made = (
        Rule(
            "channels",
            ("referrer", "utm_source", _LINK, "utm_medium", "utm_campaign", "click_id_kind"),
            ("source", "channel"),
            _channel,
        ),
        Rule(
            "user-agents",
            ("user_agent", "screen"),
            ("browser", "browser_version", "os", "os_version", "device"),
            agent,
            only="user_agent != ''",
        ),
        Rule(
            "bots",
            ("user_agent", "bot_reasons", "referrer"),
            ("bot", "bot_score", "bot_reasons"),
            lambda user_agent, reasons, referrer: _verdict(spam, user_agent, reasons, referrer),
            {"bot": "{} = '1'", "bot_score": "toUInt8({})"},
            only="user_agent != ''",
        ),
    )
    now = versions(spam_file)
    return {rule.name: replace(rule, version=now[rule.name]) for rule in made}
