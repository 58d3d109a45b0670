"""Renewing the lists: what is new is added, what is here stays."""

from __future__ import annotations

import csv
import datetime as dt
import shutil

import pytest

from bench import lists
from collector.enrich.referrer_spam import SpamHosts
from collector.enrich.sources import SourceCatalogue
from collector.enrich.versions import updated

ENGINES = "Ecosia:\n  - urls: [www.ecosia.org, search.ecosia.example]\n    params: [q]\nNova:\n  - urls: ['nova.{}']\n"
ROWS = [
    {"name": "Ecosia", "kind": "search", "domains": "ecosia.org", "words": "ecosia"},
    {"name": "Vimeo", "kind": "video", "domains": "vimeo.com", "words": ""},
]


def test_new_hosts_go_to_the_row_of_their_name():
    rows, added, disputed = lists.merged(ROWS, list(lists.hosts(ENGINES, "search")))
    assert added == ["nova.*", "search.ecosia.example"]
    assert disputed == []
    assert rows == [
        {"name": "Ecosia", "kind": "search", "domains": "ecosia.org search.ecosia.example", "words": "ecosia"},
        ROWS[1],
        {"name": "Nova", "kind": "search", "domains": "nova.*", "words": ""},
    ]
    assert SourceCatalogue(rows).by_referrer("www.nova.co.uk").name == "Nova"
    assert lists.merged(rows, list(lists.hosts(ENGINES, "search"))) == (rows, [], [])


def test_a_host_of_another_kind_is_named_and_left_alone():
    rows, added, disputed = lists.merged(ROWS, list(lists.hosts("Vimeo: [vimeo.com]", "social")))
    assert (rows, added) == (ROWS, [])
    assert disputed == ["vimeo.com: video (Vimeo) here, social (Vimeo) there"]


def test_spam_keeps_its_comments_and_is_sorted():
    assert lists.spam("# Ours.\nb.example\n", "a.example\n\nb.example\n") == "# Ours.\na.example\nb.example\n"


def test_the_published_lists(shared_data, tmp_path, capsys):
    for name in ("sources.csv", "spam.txt"):
        shutil.copy(lists.DATA / name, tmp_path / name)
    lists.main(["--from", str(shared_data / "referrers"), "--to", str(tmp_path)])
    assert "not changed: vimeo.com" in capsys.readouterr().out
    with (lists.DATA / "sources.csv").open() as ours, (tmp_path / "sources.csv").open() as renewed:
        before, after = list(csv.DictReader(ours)), list(csv.DictReader(renewed))
    assert [row["name"] for row in after][: len(before)] == [row["name"] for row in before]
    for old, new in zip(before, after, strict=False):
        assert set(old["domains"].split()) <= set(new["domains"].split())
    spam = SpamHosts(tmp_path / "spam.txt")
    assert all(spam.lists(host.lower()) for host in (shared_data / "referrers/spammers.txt").read_text().split())
    assert dt.date.fromisoformat((tmp_path / "updated.txt").read_text().strip()) >= updated()
    once = (tmp_path / "sources.csv").read_bytes()
    lists.main(["--from", str(shared_data / "referrers"), "--to", str(tmp_path)])
    assert (tmp_path / "sources.csv").read_bytes() == once


def test_a_list_that_cannot_be_had(tmp_path):
    with pytest.raises(FileNotFoundError):
        lists.main(["--from", str(tmp_path), "--to", str(tmp_path)])
