"""From bytes to judged events: no bytes raise, each event is judged by itself, times land on our clock."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.event.decode import Malformed, parse
from collector.event.limits import MAX_AHEAD_MS, TRAVEL_MS, Limits
from collector.event.model import DropReason
from collector.ingest.pipeline import IngestContext, Sender, process
from collector.sites.identity import Identity
from collector.sites.registry import Site
from collector.spool.lines import encode

NOW = 1_790_000_000_000
MAX_AGE_MS = 30 * 86_400_000
DEEP = b"[" * 100_000 + b"]" * 100_000
SITE = Site(7, "shop.example", "UTC")
SENDER = Sender("203.0.113.77", "agent", "", gpc=False, received_at=NOW)


class Recorded:
    """Visitors that tell what they were asked."""

    asked: ClassVar[list[tuple[object, ...]]] = []

    def of(self, *asked):
        self.asked.append(asked)
        return 1, 2

    def of_client(self, *asked):
        self.asked.append(asked)
        return 3, 0


def judged(body, site=SITE, sender=SENDER):
    Recorded.asked.clear()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return process(parse(data, Limits().event_bytes), site, sender, IngestContext(Limits(), Recorded()))


def one(site=SITE, **fields):
    outcome = judged({"name": "a"} | fields, site)
    assert not outcome.dropped
    return outcome.accepted[0]


def reasons(body):
    return [(d.index, d.reason, d.field) for d in judged(body).dropped]


def taken(body):
    """The outcome, or None where nothing could be read; whatever else is raised is a bug."""
    try:
        outcome = judged(body)
    except Malformed as exc:
        assert str(exc)
        return None
    if outcome.accepted:
        assert encode(SITE.site_id, NOW, outcome.accepted)
    json.dumps([[d.index, d.field, d.reason, d.detail] for d in outcome.dropped]).encode()
    return outcome


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["2026-09-21T00:00:00Z", "0001-01-01T00:00:00+14:00", "https://shop.example/", "1e999999999999999999"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
FIELDS = [
    "name", "url", "timestamp", "event_id", "referrer", "title", "screen", "client_id", "engagement_ms", "scroll_depth",
    "interactive", "revenue", "props", "site", "key", "sent_at", "events",
]  # fmt: skip
events = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=120))
@example(b"")
@example(b"null")
@example(b"\xef\xbb\xbf{}")
@example(b'{"name":"\xff"}')
@example(b'[{"name":"\xff"}]')
@example(b'{"name":5,"site":"\xff"}')
@example(b'{"name":"\\ud800"}')
@example(b'{"name":"a","props":{"\\udfff":1}}')
@example(b'{"name":"a","timestamp":NaN}')
@example(b'{"name":"a","props":{"x":-Infinity}}')
def test_no_bytes_raise_anything_but_malformed(body):
    taken(body)


@settings(deadline=None, max_examples=300)
@given(events | st.lists(events, max_size=3) | st.builds(lambda e: {"events": e}, st.lists(events, max_size=3)))
def test_no_json_raises_anything_but_malformed(value):
    taken(json.dumps(value).encode())


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_damage_to_a_good_batch_raises_anything_but_malformed(data):
    body = bytearray(
        b'{"site":"shop.example","sent_at":1789999999000,"events":[{"name":"a","revenue":{"amount":"1.5"}},'
        b'{"name":"b","props":{"x":1,"y":true},"event_id":"6f2b1c0e-8f64-4a53-a5b9-6b1f0f2d9a11"}]}'
    )
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    taken(bytes(body))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(DEEP, id="list"),
        pytest.param(b'{"name":"a","more":' + DEEP + b"}", id="unknown field"),
        pytest.param(b'{"name":5,"more":' + DEEP + b"}", id="unknown field of an invalid event"),
        pytest.param(b'{"name":"a","props":{"x":' + DEEP + b"}}", id="property"),
        pytest.param(b'[{"name":"a","more":' + DEEP + b"}]", id="event of a list"),
        pytest.param(b'{"events":[{"name":"a","more":' + DEEP + b"}]}", id="event of a batch"),
    ],
)
def test_deep_nesting_is_refused(body):
    outcome = taken(body)
    assert outcome is None or not outcome.accepted


@pytest.mark.parametrize("space", [b"", b" ", b"\n\t ", b"\r\n"], ids=["none", "space", "mixed", "line"])
@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"name":"a"}', ["a"]),
        (b'[{"name":"a"},{"name":"b"}]', ["a", "b"]),
        (b'{"events":[{"name":"a"}, {"name":"b"}]}', ["a", "b"]),
        (b'{"events":[]}', []),
        (b"[]", []),
    ],
    ids=["one", "list", "batch", "empty batch", "empty list"],
)
def test_ways_to_send_events(space, body, names):
    assert [e.name for e in judged(space + body + space).accepted] == names


def test_the_word_events_may_stand_inside_one_event():
    assert judged({"name": "a", "props": {"events": "x"}}).accepted[0].props == {"events": "x"}


def test_an_invalid_event_with_the_word_events_is_told_apart_from_no_event():
    assert reasons({"name": "a", "url": 5, "props": {"events": True}}) == [(0, DropReason.MALFORMED, "url")]


def test_an_invalid_event_keeps_its_addressee():
    parsed = parse(b'{"name":5,"site":"shop.example","key":"wk_1"}', 1000)
    assert (parsed.site, parsed.key) == ("shop.example", "wk_1")


def test_bytes_that_are_no_text_harm_no_other_event():
    outcome = judged(b'[{"name":"a"},{"name":"\xff"},{"name":"c"}]')
    assert [e.name for e in outcome.accepted] == ["a", "c"]
    assert [(d.index, d.reason) for d in outcome.dropped] == [(1, DropReason.MALFORMED)]


def test_each_event_of_a_batch_is_judged_by_itself():
    batch = [
        {"name": "a"},
        {"name": ""},
        {"name": "b", "url": "no address"},
        5,
        {"name": "c"},
        {"title": "t"},
    ]
    outcome = judged(batch)
    assert [e.name for e in outcome.accepted] == ["a", "c"]
    assert [(d.index, d.reason, d.field) for d in outcome.dropped] == [
        (1, DropReason.MISSING_NAME, "name"),
        (2, DropReason.BAD_URL, "url"),
        (3, DropReason.MALFORMED, ""),
        (5, DropReason.MALFORMED, ""),
    ]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"name": " \t"}, DropReason.MISSING_NAME, "name"),
        ({"name": "n" * 129}, DropReason.NAME_TOO_LONG, "name"),
        ({"url": "/only/a/path"}, DropReason.BAD_URL, "url"),
        ({"url": "https://shop.example/a b"}, DropReason.BAD_URL, "url"),
        ({"url": "https://shop.example/\n"}, DropReason.BAD_URL, "url"),
        ({"url": "https://shop.example/" + "x" * 4096}, DropReason.BAD_URL, "url"),
        ({"title": "t" * 1025}, DropReason.VALUE_TOO_LONG, "title"),
        ({"referrer": "r" * 4097}, DropReason.VALUE_TOO_LONG, "referrer"),
        ({"user_id": "u" * 1025}, DropReason.VALUE_TOO_LONG, "user_id"),
        ({"props": {"p": "v" * 1025}}, DropReason.VALUE_TOO_LONG, "props.p"),
        ({"props": {f"p{n}": n for n in range(65)}}, DropReason.TOO_MANY_PROPERTIES, "props"),
        ({"props": {"": 1}}, DropReason.BAD_PROPERTY, "props."),
        ({"props": {"p" * 65: 1}}, DropReason.BAD_PROPERTY, "props." + "p" * 65),
        ({"props": {"p": [1]}}, DropReason.MALFORMED, "props[...]"),
        ({"revenue": {"amount": "12 EUR"}}, DropReason.BAD_REVENUE, "revenue.amount"),
        ({"revenue": {"amount": "NaN"}}, DropReason.BAD_REVENUE, "revenue.amount"),
        ({"revenue": {"amount": "sNaN"}}, DropReason.BAD_REVENUE, "revenue.amount"),
        ({"revenue": {"amount": "-Infinity"}}, DropReason.BAD_REVENUE, "revenue.amount"),
        ({"revenue": {"amount": 1e12}}, DropReason.BAD_REVENUE, "revenue.amount"),
        ({"revenue": {"amount": 1, "currency": "eur"}}, DropReason.BAD_REVENUE, "revenue.currency"),
        ({"revenue": {"amount": 1, "tax": 2}}, DropReason.MALFORMED, "revenue"),
        ({"timestamp": "yesterday"}, DropReason.MALFORMED, "timestamp"),
        ({"timestamp": 10**30}, DropReason.TIMESTAMP_IN_FUTURE, "timestamp"),
        ({"timestamp": -(10**30)}, DropReason.TIMESTAMP_TOO_OLD, "timestamp"),
        ({"event_id": "not-a-uuid"}, DropReason.MALFORMED, "event_id"),
        ({"name": None}, DropReason.MALFORMED, "name"),
        ({"interactive": "yes"}, DropReason.MALFORMED, "interactive"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_dropped(fields, reason, field):
    assert reasons({"name": "a"} | fields) == [(0, reason, field)]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n" * 128},
        {"url": "https://shop.example/" + "x" * (4096 - 21)},
        {"title": "t" * 1024},
        {"referrer": "r" * 4096},
        {"props": {"p" * 64: "v" * 1024}},
        {"props": {f"p{n}": n for n in range(64)}},
        {"revenue": {"amount": "999999999999.9999", "currency": "EUR"}},
        {"client_id": "c" * 5000},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_bounds_are_inside(fields):
    one(**fields)


@pytest.mark.parametrize(
    ("given_at", "expected"),
    [
        pytest.param(None, NOW, id="none"),
        pytest.param(NOW - 5, NOW - 5, id="milliseconds"),
        pytest.param(NOW + 5, NOW, id="a little ahead is now"),
        pytest.param(NOW + MAX_AHEAD_MS, NOW, id="a day ahead is now"),
        pytest.param(NOW + MAX_AHEAD_MS + 1, DropReason.TIMESTAMP_IN_FUTURE, id="more is not believed"),
        pytest.param(NOW - MAX_AGE_MS, NOW - MAX_AGE_MS, id="30 days"),
        pytest.param(NOW - MAX_AGE_MS - 1, DropReason.TIMESTAMP_TOO_OLD, id="older"),
        pytest.param("2026-09-21T12:00:00Z", 1_789_992_000_000, id="UTC"),
        pytest.param("2026-09-21T14:00:00+02:00", 1_789_992_000_000, id="zone"),
        pytest.param("2026-09-21T12:00:00", 1_789_992_000_000, id="no zone is UTC"),
        pytest.param("2026-09-21T12:00:00.123Z", 1_789_992_000_123, id="fraction"),
        pytest.param("2026-09-21T12:00:00.123999Z", 1_789_992_000_123, id="microseconds are cut"),
        pytest.param("0001-01-01T00:00:00+14:00", DropReason.TIMESTAMP_TOO_OLD, id="before the calendar"),
        pytest.param("9999-12-31T23:59:59-14:00", DropReason.TIMESTAMP_IN_FUTURE, id="after the calendar"),
    ],
)
def test_times(given_at, expected):
    outcome = judged({"name": "a", "timestamp": given_at})
    if isinstance(expected, DropReason):
        assert [(d.reason, d.field) for d in outcome.dropped] == [(expected, "timestamp")]
    else:
        assert [e.timestamp for e in outcome.accepted] == [expected]


@given(st.integers(NOW - MAX_AGE_MS, NOW))
def test_a_date_and_its_milliseconds_are_one_moment(ms):
    text = dt.datetime.fromtimestamp(ms // 1000, dt.UTC).replace(microsecond=ms % 1000 * 1000).isoformat()
    assert one(timestamp=text).timestamp == ms


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**9))
def test_a_wrong_clock_is_corrected_by_sent_at(off, ago):
    sent = NOW + off
    seen = NOW - ago + (off if -TRAVEL_MS <= off <= 0 else 0)
    outcome = judged({"sent_at": sent, "events": [{"name": "a", "timestamp": sent - ago}]})
    assert [e.timestamp for e in outcome.accepted] == [seen]
    assert one(sent_at=sent, timestamp=sent - ago).timestamp == seen


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, TRAVEL_MS)), min_size=2))
def test_events_of_one_clock_keep_their_order_however_long_requests_take(requests):
    """Each request brings one event at the moment of sending, and takes a while."""
    moments = [NOW - 100_000 + sent for sent, _ in requests]
    seen = [
        judged(
            {"sent_at": sent, "events": [{"name": "a", "timestamp": sent}]},
            sender=SENDER._replace(received_at=sent + took),
        )
        for sent, (_, took) in zip(moments, requests, strict=True)
    ]
    assert [outcome.accepted[0].timestamp for outcome in seen] == moments


def test_sent_at_as_a_date():
    sent = {"sent_at": "2026-09-21T12:00:00+02:00", "timestamp": "2026-09-21T11:59:50+02:00"}
    assert one(**sent).timestamp == NOW - 10_000


def test_sent_at_moves_no_event_that_has_no_time():
    assert one(sent_at=0).timestamp == NOW


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (12, "12.0000"),
        (0.1, "0.1000"),
        ("12.34567", "12.3457"),
        ("-5", "-5.0000"),
        ("1e3", "1000.0000"),
        ("1e-400", "0.0000"),
    ],
)
def test_revenue(amount, expected):
    event = one(revenue={"amount": amount, "currency": "EUR"})
    assert (event.revenue, event.currency) == (expected, "EUR")


def test_revenue_takes_the_currency_of_the_site():
    assert one(Site(7, "s", "UTC", (), "CHF"), revenue={"amount": 1}).currency == "CHF"


def test_properties_by_type():
    event = one(props={"t": "x", "n": 1, "f": 1.5, "b": True, "nothing": None, "big": 10**30})
    assert (event.props, event.props_bool) == ({"t": "x"}, {"b": True})
    assert event.props_number == {"n": 1.0, "f": 1.5, "big": 1e30}


@pytest.mark.parametrize(
    "huge", [b"1" + b"0" * 400, b"9" * 5000, b"1e400"], ids=["400 digits", "5000 digits", "exponent"]
)
def test_numbers_without_end_are_no_property(huge):
    [drop] = judged(b'{"name":"a","props":{"x":' + huge + b"}}").dropped
    assert drop.reason in {DropReason.BAD_PROPERTY, DropReason.MALFORMED}


def test_an_amount_with_an_exponent_beyond_all_bounds_is_no_amount():
    [drop] = judged(b'{"name":"a","revenue":{"amount":"1e999999999"}}').dropped
    assert drop.reason is DropReason.BAD_REVENUE


def test_of_two_equal_keys_one_counts():
    assert [e.name for e in judged(b'{"name":"a","name":"b"}').accepted] == ["b"]


def test_characters_that_end_strings_elsewhere_are_kept():
    event = one(name="a\0b", title="t\0\x1f\u2028", props={"p\0": "\0"})
    assert (event.name, event.title, event.props) == ("a\0b", "t\0\x1f\u2028", {"p\0": "\0"})


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("page_view", None, False),
        ("engagement", None, False),
        ("signup", None, True),
        ("signup", False, False),
        ("page_view", True, True),
    ],
)
def test_interactive(name, asked, expected):
    assert one(name=name, interactive=asked).interactive is expected


@pytest.mark.parametrize(("sent", "kept"), [(-5, 0), (10**12, 86_400_000), (1500, 1500)])
def test_engagement_is_clamped(sent, kept):
    assert one(engagement_ms=sent).engagement_ms == kept


@pytest.mark.parametrize(("sent", "kept"), [(-1, 0), (101, 100), (55, 55)])
def test_scroll_depth_is_clamped(sent, kept):
    assert one(scroll_depth=sent).scroll_depth == kept


def test_a_given_id_may_come_again_and_a_made_one_does_not():
    mine = uuid.uuid4()
    given_id, made, other = one(event_id=str(mine)), one(), one()
    assert (given_id.event_id, given_id.known) == (mine.bytes, True)
    assert not made.known
    assert made.event_id != other.event_id


def test_cookieless_sites_do_not_look_at_the_client_id():
    assert one(client_id="c1").visitor == 1
    assert Recorded.asked == [(7, "203.0.113.77", "agent", NOW)]


def test_sites_that_know_clients_do():
    site = Site(7, "s", "UTC", (), identity=Identity.FIRST_PARTY)
    assert one(site, client_id="c1").visitor == 3
    assert Recorded.asked == [(7, "c1")]
    assert one(site).visitor == 1


def test_the_address_is_in_no_field():
    event = one(url="https://shop.example/", title="t", props={"a": "b"})
    assert b"203.0.113.77" not in encode(7, NOW, [event])
