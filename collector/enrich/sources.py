"""The source of a visit: what a link says of itself, else the registered name of the site it came from.

Names, kinds and domains are in data/sources.csv, one row a source; docs of its columns are on ``SourceCatalogue``.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from collector.cache import MIB, remembers
from sql.core.hosts import ascii_host, public_suffix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = ("search", "social", "video", "shopping", "email", "ai", "display")
DIRECT_NAME = "Direct"
# Words of a campaign that say that the visit was bought: facebook-ads, google_ad, reddit.paid.
_AD_WORDS = frozenset(
    {
        "ad", "ads", "adv", "advert", "adverts", "advertisement", "advertising", "adwords", "adcenter", "paid", "ppc",
        "cpc", "cpm", "sem", "sponsored", "promoted", "retargeting", "remarketing", "anzeige", "anzeigen", "werbung",
        "publicidad", "publicite", "pubblicita", "reklama",
    }
)  # fmt: skip
# A newsletter by any spelling (digits and punctuation left out), and words for mail that stand by themselves.
_NEWSLETTERS = re.compile(
    r"news?letter|enews|eblast|infolettre|rundbrief|nieuwsbrief|nyhetsbrev|nyhedsbrev|uutiskirje|bolet[ií]n"
    r"|mailshot|mailout|emailing|mailinglist"
)
_MAIL_WORDS = frozenset({"email", "emails", "mail", "mails", "mailing", "mailings", "edm", "nl"})
# Hosts where people read their mail, whoever provides it: webmail.example.org, poczta.wp.pl, mail1.libero.it.
_WEBMAIL = re.compile(
    r"(?:[a-z]{1,3}[.-])?(?:(?:e-?|web|my|free|ex|w)?mail|owa|roundcube|rainloop|squirrelmail|horde|zimbra|sogo|poczta"
    r"|po[cs]ta|pochta|correo|correio|courriel|messagerie|mailbox)\d{0,3}\Z"
)
_AD_ENDING = re.compile(r"ads?\Z")
_SEPARATORS = re.compile(r"[^\w]+|_")


class Source(NamedTuple):
    """Where a visit came from.

    ``kind`` is one of KINDS for a registered source, ``direct`` for none, ``referral`` for a referrer (or a
    link that names it) that is not registered, and '' for a campaign's own word. ``paid``: the campaign's word says
    that it is advertising.
    """

    name: str
    kind: str
    paid: bool = False


DIRECT = Source(DIRECT_NAME, "direct")


class SourceCatalogue:
    """Sources by domain and by the words that campaigns use for them.

    A row has ``name``, ``kind`` (one of KINDS), ``domains`` and ``words``, the last two separated by blanks.
    A domain counts with its subdomains; ``google.*`` is google under any country's ending; ``a.com/b`` is the
    part of a site whose path starts there; the most particular one decides. Words are in lower case, with "-"
    for blanks. Raises ValueError where a kind is none of KINDS.
    """

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        self._domains: dict[str, Source] = {}
        self._paths: dict[str, list[tuple[str, Source]]] = {}
        self._words: dict[str, Source] = {}
        for row in rows:
            source = Source(row["name"], row["kind"])
            if source.kind not in KINDS:
                raise ValueError(f"{source.name}: {source.kind!r} is not a kind of source")
            for word in row["words"].split():
                self._words[word] = source
            for domain in row["domains"].split():
                host, slash, path = domain.partition("/")
                host = ascii_host(host)
                if slash:
                    self._paths.setdefault(host, []).append((slash + path, source))
                else:
                    self._domains[host] = source
        # A name of a hundred labels is not looked up a hundred times.
        self._most_labels = max((host.count(".") + 1 for host in (*self._domains, *self._paths)), default=1) + 1
        for parts in self._paths.values():
            parts.sort(key=lambda part: -len(part[0]))

    def by_word(self, word: str) -> Source | None:
        """The source that a campaign calls ``word``: a registered word or domain, also with words for ads, or mail."""
        plain = _word(word)
        found = self._words.get(plain)
        if found is None and "." in word:
            found = self._by_domain(word.strip().lower().rpartition("://")[2])
        tokens = [token for token in _SEPARATORS.split(word.lower()) if token]
        if not _AD_WORDS.isdisjoint(tokens):
            found = found or self._longest([token for token in tokens if token not in _AD_WORDS])
            return Source(found.name if found else word, found.kind if found else "", paid=True)
        if stem := self._words.get(_AD_ENDING.sub("", plain)) if plain.endswith(("ad", "ads")) else None:
            return stem._replace(paid=True)
        if found is None and is_mail(word):
            return Source(word, "email")
        return found and found._replace(paid=found.kind == "display")

    def _longest(self, tokens: list[str]) -> Source | None:
        """The source that the longest start of these words names."""
        starts = ("-".join(tokens[:length]) for length in range(len(tokens), 0, -1))
        return next((self._words[start] for start in starts if start in self._words), None)

    def by_referrer(self, referrer: str) -> Source | None:
        """The source of a referrer: a host, or a host with its path. Webmail of any provider is one."""
        found = self._by_domain(referrer)
        labels = referrer.partition("/")[0].split(".")
        if found is None or found.kind in ("search", "social"):
            own = len(labels) - (2 if found is None else self._depth(labels))
            if any(_WEBMAIL.match(label) for label in labels[:own]):
                return Source(".".join(labels).removeprefix("www."), "email")
        return found

    def path_keys(self, host: str) -> tuple[str, ...]:
        """What parts of this host are registered under."""
        labels = host.split(".")[-self._most_labels :]
        return tuple(key for _, keys in _keys(labels) for key in keys if key in self._paths)

    def has_path(self, keys: Iterable[str], path: str) -> bool:
        """Whether a source is registered for this path under one of these keys."""
        return any(path.startswith(prefix) for key in keys for prefix, _ in self._paths[key])

    def _depth(self, labels: list[str]) -> int:
        """How many of the last labels are registered."""
        starts = (start for start, keys in _keys(labels) if any(key in self._domains for key in keys))
        return len(labels) - next(starts, 0)

    def _by_domain(self, referrer: str) -> Source | None:
        host, slash, path = referrer.partition("/")
        path = slash + path
        labels = host.split(".")[-self._most_labels :]
        for _, keys in _keys(labels):
            for key in keys:
                for prefix, source in self._paths.get(key, ()) if path else ():
                    if path.startswith(prefix):
                        return source
                if (found := self._domains.get(key)) is not None:
                    return found
        return None


def is_mail(word: str) -> bool:
    """Whether a campaign's word is one for mail: a newsletter by any spelling, "email-may", "nl 12"."""
    tokens = [token for token in _SEPARATORS.split(word.lower()) if token]
    words = [token for token in tokens if not token.isdigit()]
    if words == ["nl"] or (words and words[0] in _MAIL_WORDS - {"nl"}):
        return True
    return _NEWSLETTERS.search("".join(char for char in word.lower() if char.isalpha())) is not None


@cache
def registry() -> SourceCatalogue:
    """The sources that come with the package."""
    text = files("collector.enrich").joinpath("data/sources.csv").read_text(encoding="utf-8")
    return SourceCatalogue(csv.DictReader(text.splitlines()))


def source_of(campaign: str, link: str, referrer: str) -> Source:
    """The source of a visit: ``campaign`` (utm_source), else ``link`` (source or ref), else the referrer, else Direct.

    ``referrer`` is either value that ``urls.referrer`` gives: the host, or the host with its path, which
    alone tells apart sources that share a host.
    """
    if tag := campaign or link:
        if tag.lower() in ("direct", "(direct)"):
            return DIRECT
        known = registry().by_word(tag)
        if known is not None:
            return known
        return Source(tag, "referral" if referrer or not campaign else "")
    if referrer:
        host, slash, path = referrer.partition("/")
        name, kind, *keys = _of_host(host)
        if keys and path and registry().has_path(keys, slash + path):
            return registry().by_referrer(referrer) or Source(_bare(referrer), "referral")
        return Source(name, kind) if name else Source(_bare(referrer), "referral")
    return DIRECT


@remembers(8 * MIB)
def _of_host(host: str) -> tuple[str, ...]:
    """Name and kind of a referring host's source, empty where it has none; what its parts are registered under."""
    found = registry().by_referrer(host)
    return (*(found[:2] if found else ("", "")), *registry().path_keys(host))


def _bare(referrer: str) -> str:
    return referrer.partition("/")[0].removeprefix("www.")


def _keys(labels: list[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    """What a host and its parents may be registered under, the host first: as they are, and under any ending.

    google.co.uk is google.*, mail.google.com is not. With each, how many labels were left out.
    """
    end = len(labels) - public_suffix(".".join(labels)).count(".") - 1
    for start in range(len(labels)):
        yield start, (".".join(labels[start:]), ".".join((*labels[start:end], "*")))


def _word(text: str) -> str:
    return "-".join(text.lower().replace("_", " ").split())
