"""The traffic generator: the same for a seed, built as it says."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bench.shop import BOTS, PAGES
from bench.traffic import Traffic, main
from collector.event import redact
from collector.event.model import Event
from collector.imports.access_log import AccessLog
from collector.imports.page_views import PageViews
from collector.ingest.visitors import Salts, Visitors
from collector.sites.registry import Site

UNTIL = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)  # the European change of clocks of 25 October lies within
ZONE = ZoneInfo("Europe/Berlin")
RESERVED = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32")
]


def traffic(seed: int = 7, visits: int = 3000, days: int = 28) -> Traffic:
    return Traffic(seed=seed, until=UNTIL, days=days, visits=visits)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return list(traffic().lines())


def read(lines: list[str], folder: Path) -> tuple[AccessLog, list[str]]:
    log = AccessLog(
        PageViews(Site(1, "shop.example", "Europe/Berlin"), Visitors(Salts(folder)), clock=UNTIL.timestamp), b""
    )
    urls = [event.url for event in log.events(line.encode() for line in lines)]
    return log, urls


def test_same_seed_same_log_other_seed_other_log(lines: list[str]) -> None:
    assert list(traffic().lines()) == lines
    assert list(traffic(seed=8).lines()) != lines


def test_every_line_is_read_and_every_page_of_a_visit_is_in_it(lines: list[str], tmp_path: Path) -> None:
    log, urls = read(lines, tmp_path)
    assert log.counts.bad == []
    assert set(log.counts.skipped) == {"static", "status", "method", "no_request"}
    paths = [step.path for visit in traffic().visits() for step in visit.steps]
    wanted = Counter(redact.address(f"https://shop.example{path}") for path in paths)
    assert wanted - Counter(urls) == Counter()
    machines = Counter(urls) - wanted
    assert {url.removeprefix("https://shop.example") for url in machines} <= set(PAGES.paths)


def test_as_many_visits_as_asked_inside_the_window() -> None:
    visits = list(traffic(days=1).visits())
    assert len(visits) == 3000
    times = [step.at for visit in visits for step in visit.steps]
    assert UNTIL.timestamp() - 86_400 <= min(times)
    assert max(times) < UNTIL.timestamp()
    assert [visit.steps[0].at for visit in visits] == sorted(visit.steps[0].at for visit in visits)
    assert all(0 < after.at - before.at < 1800 for visit in visits for before, after in pairwise(visit.steps))


def test_addresses_are_reserved_ones(lines: list[str]) -> None:
    for address in {line.partition(" ")[0] for line in lines}:
        assert any(ipaddress.ip_address(address) in network for network in RESERVED), address


def test_pages_follow_zipf() -> None:
    seen = Counter(step.path for visit in traffic(visits=20_000).visits() for step in visit.steps[1:])
    for rank in (2, 4, 8):
        ratio = seen[PAGES.paths[0]] / seen[PAGES.paths[rank - 1]]
        assert ratio == pytest.approx(rank, rel=0.35), f"page {rank}"


def test_days_and_weeks_have_a_rhythm() -> None:
    starts = [dt.datetime.fromtimestamp(v.steps[0].at, ZONE) for v in traffic(visits=20_000).visits()]
    hours, weekdays = Counter(at.hour for at in starts), Counter(at.weekday() for at in starts)
    assert hours[20] > 5 * hours[3]
    assert weekdays[6] > 1.15 * weekdays[5]  # four of each in four weeks


def test_stamps_change_their_offset_with_the_clocks(lines: list[str]) -> None:
    offsets = {}
    for line in lines:
        stamp = re.search(r"\[(\d\d)/Oct/2026:(\d\d):.* ([+-]\d{4})\]", line)
        if stamp:
            offsets.setdefault(stamp[3], set()).add(int(stamp[1]))
    assert max(offsets["+0200"]) == 25
    assert min(offsets["+0100"]) == 25


def test_some_come_back_some_came_with_a_campaign_few_buy() -> None:
    visits = list(traffic(visits=10_000).visits())
    assert 0.25 < sum(visit.returning for visit in visits) / 10_000 < 0.4
    people = Counter(visit.person.client_id for visit in visits)
    assert max(people.values()) > 3
    landings = " ".join(visit.steps[0].path for visit in visits)
    for mark in ("utm_campaign=", "gclid=", "fbclid=", "msclkid=", "utm_medium=email"):
        assert mark in landings
    bought = sum(step.order is not None for visit in visits for step in visit.steps)
    assert 0.005 < bought / 10_000 < 0.05
    orders = [step.order[0] for visit in visits for step in visit.steps if step.order]
    assert len(set(orders)) == len(orders)


def test_crawlers_scanners_and_answers_of_every_kind_are_there(lines: list[str]) -> None:
    log = "\n".join(lines)
    for agent in BOTS:
        assert agent in log
    for mark in (
        "UptimeRobot",
        r'"\x16\x03\x01',
        '"-" 408 0',
        "/.env",
        '" 301 ',
        '" 303 ',
        '" 304 ',
        '" 404 ',
    ):
        assert mark in log


def test_common_format_is_the_combined_one_without_its_end(lines: list[str]) -> None:
    common = list(traffic().lines("common"))
    assert len(common) == len(lines)
    assert all(
        long.startswith(short) and long[len(short) :].startswith(' "')
        for short, long in zip(common, lines, strict=True)
    )


def test_posts_are_valid_events_that_tell_the_same_visits() -> None:
    posts = list(traffic(visits=300).posts())
    events = [msgspec.convert(post.event, Event, strict=False) for post in posts]
    names = Counter(event.name for event in events)
    steps = [step for visit in traffic(visits=300).visits() for step in visit.steps]
    assert names["page_view"] == names["engagement"] == len(steps)
    assert names["purchase"] == sum(step.order is not None for step in steps) > 0
    assert names["add_to_cart"] >= names["purchase"]
    assert len({event.event_id for event in events}) == len(events)
    assert all(event.revenue and event.revenue.currency == "EUR" for event in events if event.name == "purchase")
    assert posts == list(traffic(visits=300).posts())


def test_command_writes_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    main(
        [
            "--seed",
            "3",
            "--days",
            "2",
            "--visits",
            "50",
            "--until",
            "2026-11-01T00:00:00+00:00",
            "--site",
            "a.example",
        ]
    )
    printed = capsys.readouterr().out.splitlines()
    assert printed == list(Traffic(seed=3, until=UNTIL, days=2, visits=50, site="a.example").lines())
    assert any("https://a.example/" in line for line in printed)
