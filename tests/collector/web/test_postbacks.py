"""Postbacks of affiliate networks, over real connections to a collector process: each taken once, none a 5xx."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from urllib.parse import urlencode

import pytest

from collector.event.postbacks import NetworkKind
from collector.sites.networks import Network, hash_token
from collector.sites.snapshot import publish
from collector.spool import framing
from collector.spool.line_reader import decode
from collector.spool.spool import Spool

pytestmark = pytest.mark.process

SECRET = "a secret of sixteen"
NETWORKS = [
    *(Network(1, f"my-{kind}", kind, hash_token(f"token-of-{kind}-000")) for kind in NetworkKind),
    Network(1, "signed", NetworkKind.GENERIC, hash_token("token-of-signed-000"), hmac=SECRET),
    Network(1, "far", NetworkKind.GENERIC, hash_token("token-of-far-0000"), addresses=("192.0.2.0/24",)),
    Network(1, "mine", NetworkKind.GENERIC, hash_token("token-of-mine-000"), mapped={"transaction": "Order"}),
    Network(9, "lost", NetworkKind.GENERIC, hash_token("token-of-lost-000")),
]
# What each network sends for one conversion, and what of it is kept.
SENT = {
    "tune": (
        {"transaction_id": "102f", "offer_id": "7", "adv_unique1": "u" * 500, "payout": "3.5", "amount": "40"},
        {"transaction": "102f", "click_id": "102f", "payout": "3.5000", "revenue": "40.0000", "adv_unique1": "u" * 500},
    ),
    "everflow": (
        {"nid": "12", "transaction_id": "e1", "amount": "10", "adv1": "a", "order_id": "o-1", "event_id": "4"},
        {"transaction": "o-1", "click_id": "e1", "event": "4", "revenue": "10.0000", "nid": "12"},
    ),
    "trackier": (
        {"click_id": "c1", "txn_id": "4111111111111111", "goal_value": "sale", "sub15": "x", "currency": "usd",
         "status": "cancelled"},
        {"transaction": "4111111111111111", "click_id": "c1", "event": "sale", "sub15": "x", "currency": "USD",
         "status": "reversed"},
    ),
    "impact": (
        {"ActionId": "1.2.3", "irclickid": "i1", "State": "PENDING", "Payout": "1", "Amount": "9", "SubId1": "s",
         "ModificationDate": "2026-11-01T10:00:00Z"},
        {"transaction": "1.2.3", "click_id": "i1", "status": "pending", "payout": "1.0000", "subid1": "s"},
    ),
    "generic": ({"transaction_id": "g1"}, {"transaction": "g1", "status": "approved", "network": "my-generic"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def collector(plain_collector):
    publish(plain_collector.home.networks_file, NETWORKS)
    return plain_collector


def ask(collector, network, sent=(), method="GET", body=None, headers=None, query=None, token=None):
    token = f"token-of-{network}-000" if token is None else token
    query = urlencode({"token": token, **dict(sent)}) if query is None else query
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=10)
    connection.request(method, f"/v1/postback/{network}?{query}", body, headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def spooled(collector, network):
    """Properties of what was spooled of a network, and the rows."""
    spool = Spool(collector.home.spool)
    paths = [*spool.sealed(), *spool.open_dir.iterdir()]
    found = [framing.read(path.read_bytes(), framing.key_of(path)) for path in paths]
    frame = decode([payload for segment in found for payload in segment.payloads])
    texts = [(json.loads(row["props"] or "{}"), row) for row in frame.iter_rows(named=True)]
    return [(props, row) for props, row in texts if props.get("network") == network]


@pytest.mark.parametrize("kind", SENT)
def test_a_postback_is_taken_once_by_get_form_and_json(collector, kind):
    sent, kept = SENT[kind]
    token = urlencode({"token": f"token-of-{kind}-000"})
    fine = (200, "success=true;") if kind == "tune" else (200, '{"accepted":1,"duplicates":0,"rejected":[]}')
    again = fine if kind == "tune" else (200, '{"accepted":0,"duplicates":1,"rejected":[]}')
    assert ask(collector, kind, sent) == fine
    assert ask(collector, kind, sent) == again
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(collector, kind, method="POST", body=urlencode(sent), headers=form, query=token) == again
    as_json = {"Content-Type": "application/json"}
    assert ask(collector, kind, method="POST", body=json.dumps(sent), headers=as_json, query=token) == again
    [(props, row)] = spooled(collector, f"my-{kind}")
    assert props.items() >= kept.items()
    assert (row["name"], row["signals"], row["user_agent"], row["interactive"]) == (
        "postback", "postback,server", "", False,
    )  # fmt: skip


def test_what_says_something_else_is_another_step_of_the_history(collector):
    sent = {"transaction_id": "h1", "status": "pending"}
    for more in ({}, {"status": "approved"}, {"status": "approved", "payout": "2"}, {"status": "reversed"}):
        assert ask(collector, "generic", sent | more)[0] == 200
    found = [props for props, _ in spooled(collector, "my-generic") if props["transaction"] == "h1"]
    assert [props["status"] for props in found] == ["pending", "approved", "approved", "reversed"]


def test_a_map_names_the_parameters(collector):
    assert ask(collector, "mine", {"ORDER": "m1", "transaction_id": "no"})[0] == 200
    assert [props["transaction"] for props, _ in spooled(collector, "mine")] == ["m1"]


def test_an_address_for_an_id_is_hashed(collector):
    assert ask(collector, "mine", {"order": "ann@shop.example", "sub1": "ann@shop.example"})[0] == 200
    found = [props for props, _ in spooled(collector, "mine")][-1]
    assert "ann" not in json.dumps(found)
    assert found["sub1"] == "[email]"


@pytest.mark.parametrize(
    ("network", "token", "status"),
    [
        ("generic", "", 401), ("generic", "wrong", 403), ("generic", "t" * 900, 403), ("tune", "wrong", 403),
        ("impact", "token-of-generic-000", 403), ("nobody", "wrong", 403), ("far", "token-of-far-0000", 403),
        ("lost", "token-of-lost-000", 403), ("generic", "\x00é", 403),
    ],
)  # fmt: skip
def test_nobody_else_may_send(collector, network, token, status):
    found, said = ask(collector, network, {"transaction_id": "stranger"}, token=token)
    assert found == status
    assert said.startswith("success=false; err_msg=") == (network == "tune")
    rows = spooled(collector, f"my-{network}") + spooled(collector, network)
    assert all(props["transaction"] != "stranger" for props, _ in rows)


def _sign(message: bytes) -> str:
    return hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()


def test_a_signature_is_of_the_query_and_the_body(collector):
    query = "token=token-of-signed-000&transaction_id=s1"
    right = _sign(query.encode())
    assert ask(collector, "signed", query=f"{query}&signature={right}")[0] == 200
    assert ask(collector, "signed", query=f"signature={right.upper()}&{query}")[0] == 200
    assert ask(collector, "signed", query=query, headers={"X-Footfall-Signature": right})[0] == 200
    for wrong in ("", "0" * 64, right[:-1], "é", "s" * 2000):
        assert ask(collector, "signed", query=f"{query}&{urlencode({'signature': wrong})}")[0] == 403
    assert ask(collector, "signed", query=f"{query}&payout=900&signature={right}")[0] == 403
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = "payout=1"
    signed = f"{query}&signature={_sign(query.encode() + body.encode())}"
    assert ask(collector, "signed", method="POST", body=body, query=signed, headers=form)[0] == 200
    assert ask(collector, "signed", method="POST", body="payout=2", query=signed, headers=form)[0] == 403


ACCEPTED = '{"accepted":1,"duplicates":0,"rejected":[]}'
HOSTILE = {
    "nothing": "",
    "no transaction": "payout=1",
    "huge id": "transaction_id=" + "1" * 20_000,
    "many": "&".join(f"p{n}=1" for n in range(5000)),
    "separators": "&" * 30_000,
    "equal signs": "transaction_id" + "=" * 30_000,
    "unknown status": "transaction_id=1&status=perhaps",
    "not an amount": "transaction_id=1&payout=1,5",
    "huge exponent": "transaction_id=1&payout=1e999999999",
    "tiny exponent": "transaction_id=1&payout=" + "9" * 20_000,
    "infinite": "transaction_id=1&payout=Infinity",
    "not a number": "transaction_id=1&payout=NaN",
    "not a currency": "transaction_id=1&currency=<b>",
    "not a time": "transaction_id=1&timestamp=yesterday",
    "a time long ago": "transaction_id=1&timestamp=0001-01-01T00:00:00%2B23:59",
    "a time far off": "transaction_id=1&timestamp=9999-12-31T23:59:59-23:59",
    "controls alone": "transaction_id=%00%01%0a",
    "long sub": "transaction_id=1&sub1=" + "x" * 501,
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("network", ["generic", "tune"])
def test_what_cannot_be_a_conversion_is_refused(collector, network, case):
    query = HOSTILE[case].replace("sub1", "aff_sub1" if network == "tune" else "sub1")
    query = query.replace("timestamp=", "datetime=") if network == "tune" else query
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = f"token=token-of-{network}-000"  # in a body, since a longer query is refused before it is looked at
    status, said = ask(collector, network, method="POST", body=query[:30_000], query=token, headers=form)
    assert status == (200 if network == "tune" else 400), said
    assert said.startswith("success=false; err_msg=") if network == "tune" else json.loads(said)["error"]
    assert len(said) < 500


STRANGE = {
    "NUL": "transaction_id=a%00b",
    "not UTF-8": "transaction_id=%ff%fe%80",
    "unicode": "transaction_id=" + "%F0%9F%92%B8" * 60,
    "repeated": "transaction_id=1&transaction_id=2&transaction_id[]=3",
    "nested": "transaction_id=n&payout[a][b]=3",
    "spool separators": "transaction_id=a%1fb%0ac&event=%1e%1f",
    "half a pair": "transaction_id=%ED%A0%80h",
    "percent": "transaction_id=%zz%",
    "other digits": "transaction_id=d&payout=%D9%A1",
    "SQL": "transaction_id=%27%3B drop table events--".replace(" ", "+"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_values_are_kept_as_text(collector, case):
    before = len(spooled(collector, "my-generic"))
    query = f"token=token-of-generic-000&sub2={urlencode({'': case})[1:]}&{STRANGE[case]}"
    for _ in range(2):
        status, said = ask(collector, "generic", query=query)
        assert status == 200, said
    assert len(spooled(collector, "my-generic")) == before + 1


def test_a_long_query_is_refused(collector):
    assert ask(collector, "generic", {"transaction_id": "q" * 9000})[0] == 414


BODIES = {
    "deep": b'{"transaction_id": "b1", "payout": ' + b"[" * 12_000 + b"]" * 12_000 + b"}",
    "array": b'{"transaction_id": ["b2"]}',
    "object": b'{"transaction_id": {"a": 1}}',
    "list": b'[{"transaction_id": "b3"}]',
    "text": b'"transaction_id"',
    "not UTF-8": b'{"transaction_id": "\xff"}',
    "half a pair": b'{"transaction_id": "\\ud800"}',
    "broken off": b'{"transaction_id": "b4',
    "many": json.dumps({"transaction_id": "b5"} | {f"p{n}": 1 for n in range(2000)}).encode(),
    "huge": b'{"transaction_id": "' + b"x" * 600_000 + b'"}',
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_that_are_not_flat_objects_are_refused(collector, case):
    headers = {"Content-Type": "application/json"}
    query = "token=token-of-generic-000"
    status, said = ask(collector, "generic", method="POST", body=BODIES[case], query=query, headers=headers)
    assert status == (413 if case == "huge" else 400), said


def test_numbers_keep_their_digits(collector):
    headers = {"Content-Type": "application/json"}
    body = b'{"transaction_id": 12345678901234567890123, "payout": 0.1, "status": null}'
    query = "token=token-of-generic-000"
    assert ask(collector, "generic", method="POST", body=body, query=query, headers=headers) == (200, ACCEPTED)
    found = [props for props, _ in spooled(collector, "my-generic")][-1]
    assert (found["transaction"], found["payout"]) == ("12345678901234567890123", "0.1000")


def test_other_types_and_methods(collector):
    query = "token=token-of-generic-000&transaction_id=t"
    headers = {"Content-Type": "application/xml"}
    assert ask(collector, "generic", method="POST", body=b"<a/>", query=query, headers=headers)[0] == 400
    assert ask(collector, "generic", method="PUT", query=query)[0] == 405
    packed = {"Content-Type": "application/json", "Content-Encoding": "br"}
    assert ask(collector, "generic", method="POST", body=b"{}", query=query, headers=packed)[0] == 415


def test_neither_a_traceback_nor_a_token_is_logged(collector):
    said = collector.log.read_text()
    assert "Traceback" not in said
    assert "token-of" not in said
