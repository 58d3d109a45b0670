"""The promise under kill -9, of `serve` too: every acknowledged event once, in `events` and in every derivation."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import random
import threading
import time
import uuid
from collections import Counter

import pytest
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from urllib3.exceptions import HTTPError

from aggregations.query.answer import ask
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from collector.lifecycle.closing import close
from collector.loader.close import plan
from sql.core.errors import FootfallError

ROLES = ("loader", "engine", "worker", "serve", "loader", "engine", "collector", "serve")
# How soon everything must have ended after `serve` was told to.
GONE_SECONDS = 8.0
BATCH = 50


class Poster(threading.Thread):
    """Posts batches until each is acknowledged; a retry carries the same event ids."""

    def __init__(self, footfall, batches: int, seed: int, hours: int = 2) -> None:
        super().__init__(daemon=True)
        self.hours = hours
        self.footfall = footfall
        self.batches = batches
        self.rng = random.Random(seed)
        self.acknowledged: set[str] = set()
        self.given_up: set[str] = set()
        self.retries = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            connection = None
            for _ in range(self.batches):
                connection = self._deliver([self._event() for _ in range(BATCH)], connection)
        except BaseException as exc:
            self.failure = exc

    def _event(self) -> dict:
        name = self.rng.choices(["page_view", "add_to_cart", "purchase"], [8, 1, 1])[0]
        return {
            "name": name,
            "event_id": str(uuid.UUID(int=self.rng.getrandbits(128))),
            "url": f"https://shop.example/p/{self.rng.randrange(50)}",
            "timestamp": int(time.time() * 1000) - self.rng.randrange(self.hours * 3_600_000),
            "props": {"n": self.rng.randrange(10)},
        }

    def _deliver(self, events, connection):
        ids = {event["event_id"] for event in events}
        deadline = time.monotonic() + 240
        while True:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.footfall.port, timeout=10)
                status = self.footfall.post(events, connection)
                if status == 202:
                    self.acknowledged |= ids
                    self.given_up -= ids
                    return connection
                assert status == 503, status
                sent = True
            except (OSError, http.client.HTTPException) as exc:
                connection, sent = None, not isinstance(exc, ConnectionRefusedError)
            self.retries += 1
            assert time.monotonic() < deadline, "the collector stayed away for four minutes"
            if sent and self.rng.random() < 0.1:  # some clients give up: such events may count once or not at all
                self.given_up |= ids
                return connection
            time.sleep(self.rng.uniform(0.01, 0.1))


class Closer(threading.Thread):
    """Closes days that are over, again and again, beside the loader that does so too."""

    def __init__(self, footfall) -> None:
        super().__init__(daemon=True)
        self.footfall, self.over = footfall, threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        while not self.over.wait(0.2):
            try:
                with self.footfall.client() as client:
                    for closing in plan(client, dt.datetime.now(dt.UTC)):
                        close(client, self.footfall.home, [closing], wait=5)
            except (FootfallError, ClickHouseError, OSError, HTTPError):
                continue  # killed, or a batch in doubt
            except BaseException as exc:
                self.failure = exc
                return


class Reader(threading.Thread):
    """Asks for visits at any moment: each is there once, in closed days and open ones."""

    def __init__(self, footfall) -> None:
        super().__init__(daemon=True)
        self.footfall, self.over, self.asked, self.both = footfall, threading.Event(), 0, 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        today = dt.datetime.now(dt.UTC).date()
        period = Period(today - dt.timedelta(days=8), today, "Europe/Paris")
        query = Query(metrics=("visits",), dimensions=("channel",))
        while not self.over.wait(0.05):
            try:
                with self.footfall.client() as client:
                    asked = ask(client, query, SiteRow(1, "shop.example", "Europe/Paris"), period)
                    text = asked.statement.text.replace(
                        "count() as a_visits", "count() - uniqExact(s.visit_id) as a_visits"
                    )
                    assert text != asked.statement.text
                    twice = client.query(text, parameters=asked.statement.values).result_rows
                    assert all(row[1] == 0 for row in twice), twice
                    self.asked += 1
                    self.both += "closed_visits" in text and "visits_merged" in text
            except (FootfallError, ClickHouseError, OSError, HTTPError):
                continue
            except BaseException as exc:
                self.failure = exc
                return


def storm(footfall, events: int, kills: int, seed: int, hours: int = 2, pause: float = 1.2):
    """Post ``events`` while killing ``kills`` times at random moments; what was acknowledged, what may be there.

    Events are up to ``hours`` old. At most ``pause`` seconds lie between two kills.
    `serve` itself is started again whenever it has ended, as systemd would.
    """
    rng = random.Random(seed)
    posters = [Poster(footfall, events // BATCH // 4, seed * 100 + n, hours) for n in range(4)]
    for poster in posters:
        poster.start()
    done = Counter(dict.fromkeys(ROLES, 0))
    while done.total() < kills or any(poster.is_alive() for poster in posters):
        time.sleep(rng.uniform(0.05, pause))
        footfall.revive()
        role = rng.choice(ROLES)
        if done.total() < kills and footfall.kill(role, rng.choice):
            done[role] += 1
    footfall.revive()
    for poster in posters:
        poster.join(300)
        assert poster.failure is None, poster.failure
    return set().union(*(p.acknowledged for p in posters)), set().union(*(p.given_up for p in posters)), done


def check(footfall, acknowledged: set[str], might_contain: set[str], until, agree) -> None:
    def empty() -> bool:
        footfall.revive()
        return bool(footfall.answers() and footfall.pids("engine") and footfall.drained())

    try:
        until(empty, 300, "the spool is empty")
    except AssertionError as exc:
        raise AssertionError(f"{exc}\n{footfall.account()}\n{footfall.log()[-8_000:]}") from None
    until(lambda: footfall.account().pending == 0, 90, "nothing is pending")
    assert footfall.account().missing == 0
    with footfall.client() as client:
        ids = [str(row[0]) for row in client.query("select event_id from events").result_rows]
        assert len(ids) == len(set(ids)), "an event counts twice"
        assert acknowledged - set(ids) == set(), "an acknowledged event is not there"
        assert set(ids) - acknowledged - might_contain == set(), "an event that nobody sent"
        agree(client)


def ends_whole(footfall, until) -> None:
    footfall.stop()
    until(lambda: not footfall.everything(), GONE_SECONDS, "no process is left over")


def test_every_acknowledged_event_counts_once(footfall, until, agree):
    acknowledged, might_contain, done = storm(footfall, 100_000, 50, seed=7)
    assert done.total() >= 50
    assert min(done.values()) > 0
    assert len(acknowledged) > 90_000
    check(footfall, acknowledged, might_contain, until, agree)
    ends_whole(footfall, until)


def test_days_are_closed_while_late_events_come_and_everything_is_killed(footfall, until, agree):
    beside = [Closer(footfall), Reader(footfall)]
    for thread in beside:
        thread.start()
    acknowledged, might_contain, done = storm(footfall, 20_000, 10, seed=11, hours=120, pause=4.0)
    for thread in beside:
        thread.over.set()
        thread.join(60)
        assert thread.failure is None, thread.failure
    _, reader = beside
    assert done.total() >= 10
    assert reader.asked > 20
    assert reader.both > 5
    check(footfall, acknowledged, might_contain, until, agree)
    with footfall.client() as client:
        assert client.command("select max(version) from closings") >= 1
        close(client, footfall.home, plan(client, dt.datetime.now(dt.UTC)))
        assert client.command("select uniqExact(visit_date) from closed_visits") >= 3
        agree(client)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_thousand_kills(footfall, until, agree):
    """FOOTFALL_SOAK_KILLS sets another number."""
    wanted = int(os.environ.get("FOOTFALL_SOAK_KILLS", "1000"))
    acknowledged: set[str] = set()
    might_contain: set[str] = set()
    killed: Counter[str] = Counter()
    for part in range(wanted // 50):
        came, may_have_come, done = storm(footfall, 50_000, 50, seed=1000 + part)
        acknowledged |= came
        might_contain |= may_have_come
        check(footfall, acknowledged, might_contain, until, agree)
        killed += done
        print(f"{killed.total()} kills, {len(acknowledged):,} acknowledged events: each once", flush=True)
    ends_whole(footfall, until)
    print(f"no process left over; killed: {dict(killed)}", flush=True)
