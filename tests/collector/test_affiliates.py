"""From postbacks and landings through collector, spool and loader to `report affiliates`, on a real engine."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import random
from collections import defaultdict
from itertools import count, permutations
from types import SimpleNamespace
from urllib.parse import urlencode

import falcon.testing
import polars as pl
import pytest

from aggregations.definitions.affiliate_urls import AFFILIATE_URL, AffiliateUrl, patterns
from aggregations.query import sites
from aggregations.query.answer import ask
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.reports import overview
from aggregations.reports.affiliates import report
from collector.event.postbacks import NetworkKind
from collector.ingest.rate_limits import RateLimits, Rates
from collector.ingest.service import AppOptions
from collector.lifecycle.verify import verify
from collector.loader.loader import Loader, LoaderOptions
from collector.sites.admin import add_site
from collector.sites.identity import Identity
from collector.sites.network_definitions import NETWORK, NetworkBody
from collector.sites.networks import hash_token
from collector.web.app import create_app
from sql import definitions
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process
NUMBERS = count(1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
FREE = RateLimits(Rates(0, 0, 0, 0))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = DataDir(tmp_path_factory.mktemp("affiliates") / "data").make()
    with alongside(made):
        with opened(f"chdb://{made.root}", direct=False) as client:
            bring_up_to_date(client, made)
        yield made


@pytest.fixture
def client(home):
    with opened(f"chdb://{home.root}", direct=False) as made:
        yield made


class Shop:
    """A site with networks and affiliate URLs of its own."""

    def __init__(self, client, home) -> None:
        number = next(NUMBERS)
        self.client, self.home, self.domain = client, home, f"shop{number}.example"
        _, self.key = add_site(client, home, self.domain, "UTC", "EUR", identity=Identity.FIRST_PARTY)
        self.site = sites.find(client, self.domain)
        self.waiting: list[SimpleNamespace] = []
        for kind in NetworkKind:
            body = NetworkBody(kind, hash_token(self.token(kind)))
            definitions.put(client, home, self.site.site_id, NETWORK, kind.value, body)

    def token(self, kind: str) -> str:
        return f"token-{kind}-{self.domain}"

    def url(self, partner: str, click_id: str, **more: object) -> None:
        body = AffiliateUrl(click_id, **more)
        definitions.put(self.client, self.home, self.site.site_id, AFFILIATE_URL, partner, body)

    def postback(self, kind: str = "generic", /, **sent: object) -> None:
        query = urlencode({"token": self.token(kind), **sent})
        self.waiting.append(SimpleNamespace(path=f"/v1/postback/{kind}", query=query, body=None))

    def land(self, visitor: str, url: str, ago: float, name: str = "page_view", **props: str) -> None:
        """A visitor comes to a page so many hours ago."""
        event = {
            "name": name, "url": f"https://{self.domain}{url}", "client_id": visitor, "props": props,
            "timestamp": (NOW - dt.timedelta(hours=ago)).isoformat(), "key": self.key, "user_agent": AGENT,
        }  # fmt: skip
        self.waiting.append(SimpleNamespace(path="/v1/events", query="", body=event))

    def load(self) -> list[int]:
        """Send what waits, and load it; the statuses."""

        async def send():
            app = create_app(AppOptions(self.home, rate_limits=FREE))
            async with falcon.testing.ASGIConductor(app) as conductor:
                return [
                    (
                        await conductor.simulate_request(
                            "POST" if each.body else "GET", each.path, query_string=each.query, json=each.body
                        )
                    ).status_code
                    for each in self.waiting
                ]

        statuses = asyncio.run(send())
        self.waiting.clear()
        with Loader(self.home, f"chdb://{self.home.root}", LoaderOptions(batch_events=1)) as loader:
            loader.drain()
        return statuses

    @property
    def period(self) -> Period:
        today = NOW.date()
        return Period(today - dt.timedelta(days=60), today + dt.timedelta(days=1), "UTC")

    def report(self, first_click: bool = False) -> list[dict]:
        its = patterns(self.client, self.site.site_id)._asdict()
        return report(self.client, self.site, self.period, its, first_click=first_click).to_dicts()


@pytest.fixture
def shop(client, home):
    return Shop(client, home)


def ago(**span: float) -> str:
    return (NOW - dt.timedelta(**span)).isoformat()


def test_clicks_become_conversions(shop):
    shop.url("cj-blog", "cjevent", page="/summer")
    shop.url("cj-rest", "cjevent", network="generic")
    shop.land("ann", "/summer/shoes?cjevent=c1", 10)
    shop.land("ann", "/summer/shoes?cjevent=c1", 9)  # the page reloaded
    shop.land("bob", "/winter?cjevent=c2&utm_source=x", 8)
    shop.land("cem", "/winter", 7)
    shop.postback(
        transaction_id="t1", click_id="c1", status="pending", payout="2", revenue="20", timestamp=ago(hours=6)
    )
    shop.postback(transaction_id="t1", click_id="c1", payout="2.5", timestamp=ago(hours=1))
    shop.postback(transaction_id="t2", click_id="c2", status="rejected", payout="7", timestamp=ago(hours=2))
    shop.postback(transaction_id="t3", click_id="nobody", payout="1", currency="usd", timestamp=ago(hours=2))
    assert set(shop.load()) == {200, 202}
    figures = (
        "partner",
        "clicks",
        "conversions",
        "approved",
        "reversed",
        "approval_rate",
        "currency",
        "payout",
        "revenue",
    )
    found = [tuple(row[name] for name in figures) for row in shop.report()]
    assert sorted(found) == [
        ("", 0, 1, 1, 0, 1.0, "USD", 1.0, 0.0),
        ("cj-blog", 1, 1, 1, 0, 1.0, "EUR", 2.5, 20.0),
        ("cj-rest", 1, 1, 0, 1, 0.0, "EUR", 0.0, 0.0),
    ]
    assert {row["partner"]: row["time_to_convert"] for row in shop.report()} == {
        "": None, "cj-blog": 4 * 3600, "cj-rest": 6 * 3600,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "parameter", "sent"),
    [
        ("tune", "transaction_id", {"transaction_id": "k1"}),
        ("everflow", "_ef_transaction_id", {"nid": "1", "transaction_id": "k1"}),
        ("trackier", "click_id", {"click_id": "k1", "txn_id": "9"}),
        ("impact", "irclickid", {"ActionId": "7", "irclickid": "k1"}),
        ("generic", "cjevent", {"transaction_id": "9", "click_id": "k1"}),
    ],
)
def test_the_click_id_of_each_network(shop, kind, parameter, sent):
    shop.url("partner", parameter, network=kind)
    shop.url("other", parameter, network="not-this-one", page="/other")
    shop.land("ann", f"/?{parameter}=k1", 3)
    shop.land("bob", "/", 3, "affiliate_click", parameter=parameter, click_id="k2", network=kind)
    shop.postback(kind, **sent)
    shop.load()
    [row] = shop.report()
    assert (row["partner"], row["clicks"], row["conversions"]) == ("partner", 2, 1)


def test_first_and_last_click_within_the_window(shop):
    shop.url("early", "cjevent", page="/early", window=2 * 86_400)
    shop.url("late", "cjevent", page="/late", window=86_400)
    shop.land("ann", "/early?cjevent=a1", 40)
    shop.land("ann", "/late?cjevent=a2", 20)
    shop.land("bob", "/early?cjevent=b1", 60)
    shop.land("bob", "/late?cjevent=b2", 30)
    for click in ("a2", "b2"):
        shop.postback(transaction_id=click, click_id=click, timestamp=ago(hours=1))
    shop.load()
    won = [{row["partner"]: row["conversions"] for row in shop.report(first)} for first in (False, True)]
    assert won == [{"late": 1, "": 1, "early": 0}, {"early": 1, "": 1, "late": 0}]


STEPS = (("pending", "3"), ("approved", "4"), ("reversed", ""))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_steps_out_of_order_and_twice_make_the_same_history(shop, order):
    for _ in range(2):
        for at in order:
            status, payout = STEPS[at]
            shop.postback(transaction_id="t", status=status, payout=payout, timestamp=ago(hours=10 - at))
        shop.load()  # the second time by another collector, which knows no ids
    [row] = shop.report()
    assert (row["conversions"], row["reversed"], row["payout"]) == (1, 1, 0.0)
    bound = {"site": shop.site.site_id}
    told = "select count(), sum(bot), uniqExact(visitor_id) from events where site_id = {site:UInt32}"
    assert shop.client.query(told, parameters=bound).result_rows == [(3, 3, 1)]


def test_without_times_the_last_to_arrive_counts(shop):
    for status, payout in STEPS[:2]:
        shop.postback(transaction_id="t", status=status, payout=payout)
    shop.postback(transaction_id="t", status="approved")
    shop.load()
    [row] = shop.report()
    assert (row["approved"], row["pending"], row["payout"], row["currency"]) == (1, 0, 4.0, "EUR")


@pytest.mark.parametrize("seed", range(3))
def test_random_histories_are_as_an_oracle_says(shop, seed):
    rng = random.Random(seed)
    steps = []
    for number in range(40):
        for at in rng.sample(range(1, 500), rng.randrange(1, 5)):
            status = rng.choice(["pending", "approved", "reversed"])
            payout = rng.choice(["", f"{rng.randrange(100)}.{rng.randrange(100):02}"])
            steps.append((f"t{number}", rng.choice(["", "sale"]), at, status, payout))
    sent = steps + rng.choices(steps, k=30)
    rng.shuffle(sent)
    for transaction, event, at, status, payout in sent:
        told = {"status": status, "payout": payout, "timestamp": ago(minutes=500 - at)}
        shop.postback(transaction_id=transaction, event=event, **told)
    shop.load()
    history = defaultdict(list)
    for transaction, event, *step in sorted(set(steps), key=lambda step: step[2]):
        history[transaction, event].append(step)
    status = {key: its[-1][1] for key, its in history.items()}
    payout = {key: next((float(p) for _, _, p in reversed(its) if p), 0.0) for key, its in history.items()}
    [row] = shop.report()
    assert row["conversions"] == len(history)
    for name in ("approved", "pending", "reversed"):
        assert row[name] == sum(its == name for its in status.values())
    assert row["payout"] == pytest.approx(sum(payout[key] for key, its in status.items() if its != "reversed"))


def test_web_figures_are_untouched(shop, home):
    shop.land("ann", "/?cjevent=c1", 2)
    shop.land("ann", "/thanks", 1, "purchase")
    shop.load()

    def figures() -> list[pl.DataFrame]:
        asked = overview.overview(shop.client, shop.site, shop.period)
        raw = overview.overview(shop.client, shop.site, shop.period, raw=True)
        return [asked, raw]

    before = figures()
    for number in range(20):
        shop.postback(transaction_id=f"t{number}", click_id="c1", revenue="100", timestamp=ago(minutes=90))
    shop.load()
    assert [frame.to_dicts() for frame in figures()] == [frame.to_dicts() for frame in before]
    assert ask(shop.client, Query(), shop.site, shop.period).site == shop.site
    assert verify(shop.client, home, every_row=True).differences == ()


def test_an_event_that_a_page_names_postback_is_not_one(shop):
    props = {"network": "generic", "transaction": "forged", "status": "approved", "payout": "1000"}
    shop.land("ann", "/", 1, "postback", **props)
    shop.load()
    assert shop.report() == []


def test_postbacks_are_counted_once_while_processes_are_killed(footfall, until):
    with footfall.client() as client:
        body = NetworkBody(NetworkKind.TUNE, hash_token("a-token-of-a-network"))
        definitions.put(client, footfall.home, 1, NETWORK, "tune", body)
        definitions.put(client, footfall.home, 1, AFFILIATE_URL, "partner", AffiliateUrl("cjevent"))

    def send(number: int, status: str) -> bool:
        told = ago(minutes=2 if status == "pending" else 1)  # the two workers may take them in the same millisecond
        query = {"token": "a-token-of-a-network", "transaction_id": number, "status": status, "datetime": told}
        connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
        try:
            connection.request("GET", f"/v1/postback/tune?{urlencode(query)}&payout={number}")
            return connection.getresponse().read() == b"success=true;"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    kills = {20: "loader", 40: "worker", 60: "engine", 80: "loader"}
    for number in range(100):
        for status in ("pending", "approved", "pending"):  # the last one is a replay
            until(lambda number=number, status=status: send(number, status), 60, "a postback is taken")
        if number in kills:
            until(lambda role=kills[number]: footfall.kill(role), 60, f"{kills[number]} is killed")
    until(lambda: footfall.pids("engine") and footfall.pids("loader") and footfall.drained(), 120, "all is loaded")
    until(lambda: footfall.account().pending == 0, 60, "nothing is pending")
    assert footfall.account().missing == 0
    with footfall.client() as client:
        its = patterns(client, 1)._asdict()
        site = sites.find(client)
        period = Period(NOW.date() - dt.timedelta(days=2), NOW.date() + dt.timedelta(days=2), site.timezone)
        [row] = report(client, site, period, its).to_dicts()
        assert client.command("select count(), uniqExact(event_id) from events") == ["200", "200"]
    assert (row["conversions"], row["approved"], row["payout"]) == (100, 100, sum(range(100)))
