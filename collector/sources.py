"""The source of a visit: what a link says of itself, else the registered name of the site it came from.

Names, kinds and domains are in data/sources.csv, one row a source; docs of its columns are on ``Registry``.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from collector.cache import MIB, remembers

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("search", "social", "video", "shopping", "email", "ai")
# Second levels under which countries hand out names: google.co.uk is google.*, mail.google.com is not.
_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "go", "gov", "gob", "gv", "in", "ne", "net", "nom", "or", "org"})
DIRECT_NAME = "Direct"


class Source(NamedTuple):
    """Where a visit came from.

    ``kind`` is one of KINDS for a registered source, ``direct`` for none, ``referral`` for a referrer (or a
    link that names it) that is not registered, and '' for a campaign's own word.
    """

    name: str
    kind: str


DIRECT = Source(DIRECT_NAME, "direct")


class Registry:
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
                raise ValueError(f"{source.name}: {source.kind!r} is no kind of source")
            for word in row["words"].split():
                self._words[word] = source
            for domain in row["domains"].split():
                host, slash, path = domain.partition("/")
                if slash:
                    self._paths.setdefault(host, []).append((slash + path, source))
                else:
                    self._domains[host] = source
        # A name of a hundred labels is not looked up a hundred times.
        self._most_labels = max((host.count(".") + 1 for host in (*self._domains, *self._paths)), default=1) + 1
        for parts in self._paths.values():
            parts.sort(key=lambda part: -len(part[0]))

    def by_word(self, word: str) -> Source | None:
        """The source that a campaign calls ``word``: a registered word, or a domain."""
        found = self._words.get(_word(word))
        if found is None and "." in word:
            found = self.by_referrer(word.strip().lower().rpartition("://")[2])
        return found

    def by_referrer(self, referrer: str) -> Source | None:
        """The source of a referrer: a host, or a host with its path."""
        host, slash, path = referrer.partition("/")
        path = slash + path
        labels = host.split(".")[-self._most_labels :]
        for start in range(len(labels)):
            for key in _keys(labels[start:]):
                for prefix, source in self._paths.get(key, ()) if path else ():
                    if path.startswith(prefix):
                        return source
                if (found := self._domains.get(key)) is not None:
                    return found
        return None


@cache
def registry() -> Registry:
    """The sources that come with the package."""
    text = files("collector").joinpath("data/sources.csv").read_text(encoding="utf-8")
    return Registry(csv.DictReader(text.splitlines()))


@remembers(4 * MIB)
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
        return registry().by_referrer(referrer) or Source(_bare(referrer), "referral")
    return DIRECT


def _bare(referrer: str) -> str:
    return referrer.partition("/")[0].removeprefix("www.")


def _keys(labels: list[str]) -> tuple[str, str]:
    """What a host may be registered under, without its subdomains: itself, and itself under any ending."""
    stem = labels[:-2] if len(labels) > 2 and labels[-2] in _SECOND_LEVELS else labels[:-1]
    return ".".join(labels), ".".join((*stem, "*"))


def _word(text: str) -> str:
    return "-".join(text.lower().replace("_", " ").split())
