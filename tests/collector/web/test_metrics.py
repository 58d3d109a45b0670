"""Metrics: every figure is there from the start, counted over all workers, and shown to few."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import time
import uuid
from pathlib import Path

import falcon.testing
import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.event.model import DropReason, SpooledEvent
from collector.ingest.counters import CELLS, DUPLICATES, LATENCIES, STATUSES, Board, Counts
from collector.ingest.pipeline import Drop, Outcomes
from collector.ingest.service import AppOptions
from collector.sites.registry import Site, WriteKey, hash_key
from collector.sites.snapshot import publish
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter
from collector.web.app import create_app
from sql.core.data_dir import DataDir

PROXY, SCRAPER = "10.0.0.9", "10.0.0.50"


def figures(text: str | bytes) -> dict[str, float]:
    """Every sample of the page by its name and labels."""
    page = text.decode() if isinstance(text, bytes) else text
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@pytest.fixture
def options(tmp_path):
    home = DataDir(tmp_path / "data").make()
    publish(home.sites_file, [Site(1, "shop.example", "UTC", (WriteKey(hash_key("wk")),))])
    return AppOptions(home, trusted_proxies=(PROXY,), metrics_networks=("127.0.0.0/8", "::1", SCRAPER))


def ask(options, *requests):
    async def run():
        async with falcon.testing.ASGIConductor(create_app(options)) as conductor:
            return [await conductor.simulate_request(*request[:2], **request[2]) for request in requests]

    return asyncio.run(run())


GET = ("GET", "/metrics", {"remote_addr": "127.0.0.1"})


def test_every_reason_is_there_from_the_start_and_is_counted(options):
    [empty] = ask(options, GET)
    for reason in DropReason:
        assert figures(empty.text)[f"footfall_events_rejected_total {reason}"] == 0
    counts = Counts()
    for times, reason in enumerate(DropReason, 1):
        counts.judged(Outcomes(dropped=[Drop(0, reason, "")] * times, duplicates=2))
    assert [counts.sums()[reason] for reason in DropReason] == list(range(1, len(DropReason) + 1))
    assert counts.sums()[DUPLICATES] == 2 * len(DropReason)


def test_requests_are_counted(options):
    body = json.dumps({"key": "wk", "events": [{"name": "a"}, {"name": "b"}, {"name": " "}]})
    one = ("POST", "/v1/events", {"body": body})
    wrong = ("POST", "/v1/events", {"body": "{"})
    nobody = ("POST", "/v1/events", {"body": '{"name":"a","key":"x"}'})
    *_, answer = ask(options, one, one, wrong, nobody, ("GET", "/nothing", {}), GET, GET)
    found = figures(answer.text)
    assert found["footfall_events_accepted_total"] == 4
    assert found["footfall_events_rejected_total missing_name"] == 2
    told = {status: found[f"footfall_requests_total {status}"] for status in (200, 202, 400, 403, 404, 500)}
    assert told == {200: 1, 202: 2, 400: 1, 403: 1, 404: 1, 500: 0}
    assert found["footfall_request_body_bytes_total"] == 2 * len(body) + 1 + 22
    assert found["footfall_request_duration_seconds_count"] == 6
    assert found["footfall_request_duration_seconds_sum"] > 0


def test_what_is_not_accepted_is_not_counted_as_accepted(options, monkeypatch):
    def broken(fd, data):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", broken)
    _, answer = ask(options, ("POST", "/v1/events", {"body": '{"name":"a","key":"wk"}'}), GET)
    found = figures(answer.text)
    assert (found["footfall_events_accepted_total"], found["footfall_requests_total 503"]) == (0, 1)


def test_names_follow_the_rules(options):
    [answer] = ask(options, GET)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert len(families) > 20
    for family in families:
        assert family.name.startswith("footfall_")
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        for sample in family.samples:
            assert family.type != "counter" or sample.name.endswith("_total")
    asked = {"remote_addr": "127.0.0.1", "headers": {"Accept": "application/openmetrics-text; version=1.0.0"}}
    assert ask(options, ("GET", "/metrics", asked))[0].text.endswith("# EOF\n")


def test_every_figure_is_told_in_the_guide(options):
    [answer] = ask(options, GET)
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    told = set(re.findall(r"`(footfall_\w+)(?:\{\w+\})?`", page.partition("## Metrics")[2].partition("```")[0]))
    families = text_string_to_metric_families(answer.text)
    assert told == {family.name + "_total" * (family.type == "counter") for family in families}


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        pytest.param("127.0.0.1", {}, 200, id="loopback"),
        pytest.param("127.8.8.8", {}, 200, id="a network"),
        pytest.param("::1", {}, 200, id="loopback v6"),
        pytest.param("::ffff:127.0.0.1", {}, 200, id="loopback v4 in v6"),
        pytest.param(SCRAPER, {}, 200, id="an address"),
        pytest.param("203.0.113.7", {}, 404, id="anybody"),
        pytest.param("unix:", {}, 404, id="no address"),
        pytest.param(PROXY, {}, 404, id="the proxy itself"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, 404, id="a proxy nobody trusts"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404, id="a proxy nobody trusts, flattering"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": ""}, 404, id="an empty header"),
        pytest.param("127.0.0.1", {"Forwarded": "for=203.0.113.7"}, 404, id="the other header"),
        pytest.param("127.0.0.1", {"Via": "1.1 proxy"}, 404, id="a proxy that says only that it is one"),
        pytest.param(PROXY, {"X-Forwarded-For": SCRAPER}, 200, id="allowed through a trusted proxy"),
        pytest.param(PROXY, {"X-Forwarded-For": f"{SCRAPER}, 203.0.113.7"}, 404, id="invented by the client"),
        pytest.param(PROXY, {"X-Forwarded-For": PROXY}, 404, id="proxies alone"),
        pytest.param(PROXY, {"X-Forwarded-For": "garbage"}, 404, id="garbage"),
    ],
)
def test_only_who_is_allowed_sees_the_page(options, peer, headers, status):
    [answer] = ask(options, ("GET", "/metrics", {"remote_addr": peer, "headers": headers}))
    assert answer.status_code == status
    assert (b"footfall_" in answer.content) is (status == 200)


def test_a_board_adds_up_its_rows():
    board = Board(3, len(CELLS))
    for row in range(3):
        counts = Counts(board, row)
        counts.answered(STATUSES[0], LATENCIES[0], 10)
        counts.answered(599, 9.0, 0)
    sums = Counts(board).sums()
    assert (sums[200], sums["other"], sums[LATENCIES[0]], sums["longer"], sums["body bytes"]) == (3, 3, 3, 3, 30)


def test_two_workers_count_together_and_through_a_kill(alone, until):
    collector = alone(workers=2)
    collector.start()
    until(lambda: len(collector.workers()) == 2, what="both workers run")
    acknowledged = 0
    for kills in range(4):
        acknowledged += sum(collector.post(f"e{kills}-{number}") == 202 for number in range(50))
        if kills < 3:
            victim = collector.workers()[kills % 2]
            os.kill(victim, signal.SIGKILL)
            until(lambda dead=victim: dead not in collector.workers() and len(collector.workers()) == 2, what="anew")
            until(lambda: all(collector.answers() for _ in range(10)), what="they answer")
    found = figures(collector.get("/metrics")[1])
    assert acknowledged == 200
    assert found["footfall_events_accepted_total"] == acknowledged
    assert found["footfall_requests_total 202"] == acknowledged


def test_the_loaders_figures_and_that_they_survive_it(footfall, until):
    def asked() -> dict[str, float]:
        connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
        connection.request("GET", "/metrics")
        return figures(connection.getresponse().read())

    twice = "0193a5d0-0000-7000-8000-000000000001"
    # Twice to two workers, neither of which knows that the other has it: the loader drops one.
    event = SpooledEvent(event_id=uuid.UUID(twice).bytes, known=True, timestamp=int(time.time() * 1000), name="a")
    writer = SpoolWriter(Spool(footfall.home.spool), "test")
    writer.commit(
        [
            encode(1, event.timestamp, [event, event]),
            encode(1, event.timestamp, [SpooledEvent(event_id=b"b" * 16, timestamp=event.timestamp, name="b")]),
        ]
    )
    writer.seal()
    until(lambda: asked()["footfall_loaded_events_total"] == 2, what="they are loaded")
    found = asked()
    assert (found["footfall_duplicate_events_total"], found["footfall_quarantined_events_total"]) == (1, 0)
    assert found["footfall_duplicate_ratio"] == pytest.approx(1 / 3)
    assert (found["footfall_loader_up"], found["footfall_loaded_batches_total"]) == (1, 1)
    assert found["footfall_insert_duration_seconds_count"] == 1
    assert found["footfall_user_agent_cache_misses_total"] == 1
    assert found["footfall_loader_last_success_timestamp_seconds"] > 1e9
    assert (found["footfall_spool_bytes"], found["footfall_loader_lag_seconds"]) == (0, 0)
    [killed] = footfall.pids("loader")
    assert footfall.kill("loader")
    until(lambda: footfall.pids("loader") not in ([], [killed]), what="a new loader")
    footfall.post([{"name": "a", "event_id": twice}, {"name": "c"}])
    until(lambda: asked()["footfall_loaded_events_total"] == 3, what="the next is loaded")
    assert asked()["footfall_duplicate_events_total"] == 2
