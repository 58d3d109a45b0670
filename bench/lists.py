"""Renews the lists of sources and of referrer spam from where they are kept: ``make lists``.

What is registered here stays as it is: a list adds hosts that nobody here knows, and a host that it files under another
kind is named and left alone. Origins and licences are in collector/enrich/data/README.md.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import urllib3
import yaml

from collector.enrich.sources import SourceCatalogue
from sql.core.files import write_atomic

DATA = Path(__file__).parents[1] / "collector" / "enrich" / "data"
_KEPT = "https://raw.githubusercontent.com/matomo-org"
SOURCES = {
    "SearchEngines.yml": ("search", f"{_KEPT}/searchengine-and-social-list/master/SearchEngines.yml"),
    "Socials.yml": ("social", f"{_KEPT}/searchengine-and-social-list/master/Socials.yml"),
    "AIAssistants.yml": ("ai", f"{_KEPT}/searchengine-and-social-list/master/AIAssistants.yml"),
}
SPAMMERS = ("spammers.txt", f"{_KEPT}/referrer-spam-list/master/spammers.txt")
COLUMNS = ("name", "kind", "domains", "words")


class Host(NamedTuple):
    """A host of a list: ``domain`` as sources.csv writes it (``google.*``), and whose it is."""

    domain: str
    name: str
    kind: str


def hosts(text: str, kind: str) -> Iterator[Host]:
    """The hosts of one of ``SOURCES``: names with a list of hosts, or of entries with ``urls``."""
    for name, entries in yaml.safe_load(text).items():
        for entry in entries:
            for url in entry["urls"] if isinstance(entry, dict) else [entry]:
                domain = url.removeprefix("www.").replace("{}", "*")
                if "//" not in domain and not domain.startswith("*"):
                    yield Host(domain, name, kind)


def merged(rows: list[dict[str, str]], found: list[Host]) -> tuple[list[dict[str, str]], list[str], list[str]]:
    """Rows of sources.csv with the hosts that were not known; which were added, and which are of another kind here."""
    added, disputed = [], []
    by_name = {(row["name"], row["kind"]): dict(row) for row in rows}
    for host in sorted(found):
        known = SourceCatalogue(by_name.values()).by_referrer(host.domain.replace("*", "com"))
        if known is not None and known.kind == host.kind:
            continue
        if known is not None:
            disputed.append(f"{host.domain}: {known.kind} ({known.name}) here, {host.kind} ({host.name}) there")
            continue
        row = by_name.setdefault((host.name, host.kind), dict.fromkeys(COLUMNS, "") | host._asdict() | {"domains": ""})
        row["domains"] = " ".join(sorted({*row["domains"].split(), host.domain}))
        added.append(host.domain)
    return [{name: row[name] for name in COLUMNS} for row in by_name.values()], added, disputed


def written(rows: list[dict[str, str]]) -> str:
    """sources.csv."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def spam(ours: str, theirs: str) -> str:
    """spam.txt: its comments, then the hosts of both lists, sorted."""
    lines = {line.strip() for text in (ours, theirs) for line in text.splitlines()}
    comments = [line for line in ours.splitlines() if line.startswith("#")]
    return "\n".join([*comments, *sorted(line for line in lines if line and not line.startswith("#"))]) + "\n"


def _text(folder: Path | None, name: str, url: str) -> str:
    if folder:
        return (folder / name).read_text()
    answer = urllib3.request("GET", url, timeout=30.0)
    if answer.status != 200:
        raise SystemExit(f"{url}: {answer.status}")
    return answer.data.decode()


def main(arguments: list[str]) -> None:
    """Write both lists and the day of today, and say what changed."""
    parser = argparse.ArgumentParser(prog="python -m bench.lists", description="Update the lists of sources and spam.")
    parser.add_argument(
        "--from", dest="folder", type=Path, help="a folder to read the files from, instead of the network"
    )
    parser.add_argument("--to", type=Path, default=DATA, help="the folder with sources.csv and spam.txt")
    given = parser.parse_args(arguments)
    found = [h for name, (kind, url) in SOURCES.items() for h in hosts(_text(given.folder, name, url), kind)]
    with (given.to / "sources.csv").open(newline="") as file:
        rows, added, disputed = merged(list(csv.DictReader(file)), found)
    before = (given.to / "spam.txt").read_text()
    after = spam(before, _text(given.folder, *SPAMMERS))
    write_atomic(given.to / "sources.csv", written(rows).encode(), mode=0o644)
    write_atomic(given.to / "spam.txt", after.encode(), mode=0o644)
    write_atomic(given.to / "updated.txt", f"{dt.datetime.now(dt.UTC).date()}\n".encode(), mode=0o644)
    print(f"sources.csv: {len(found)} hosts read, {len(added)} added")
    print(f"spam.txt: {after.count(chr(10)) - before.count(chr(10))} added")
    for domain in added:
        print(f"added: {domain}")
    for line in disputed:
        print(f"not changed: {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
