"""A click that the tracker classified, from the request to the report: what overrides ask for arrives unchanged."""

from __future__ import annotations

import datetime as dt

from aggregations.definitions.overrides import OVERRIDE, OverrideBody
from aggregations.query import sites
from aggregations.query.model import Query
from aggregations.query.periods import parse
from aggregations.reports.detected import review
from aggregations.reports.ranked import RANKED
from sql import definitions

SELECTOR, TEXT = "form#join > button[type='submit']:nth-of-type(2)", "Jetzt anmelden – \\ “gratis”"
GUESS = {"kind": "other", "confidence": "low", "rule": "none"}
CLICK = GUESS | {"selector": SELECTOR, "text": TEXT}
SENT = [
    {"name": "click", "url": "https://shop.example/join", "props": CLICK, "interactive": True},
    {"name": "form_submit", "url": "https://shop.example/join", "props": GUESS | {"form": "join"}},
]


def test_from_the_request_to_the_report(footfall, until):
    assert footfall.post(SENT) == 202
    with footfall.client() as client:
        site = sites.find(client)
        period = parse("30d", zone=site.timezone, now=dt.datetime.now(dt.UTC))
        until(lambda: review(client, Query(), site, period).height == 2, what="both events are stored")
        looks = {row["name"]: row for row in review(client, Query(), site, period).iter_rows(named=True)}
        click, form = looks["click"], looks["form_submit"]
        assert [click[name] for name in CLICK] == list(CLICK.values())
        assert (form["selector"], form["text"], click["page"]) == ("join", "", "shop.example/join")
        for name, body in (
            ("click", OverrideBody("sign_up", selector=SELECTOR, text=click["text"])),
            ("form", OverrideBody("log_in", selector=form["selector"], text="")),
        ):
            definitions.put(client, footfall.home, site.site_id, OVERRIDE, name, body)
        assert sorted(RANKED["detected"].rows(client, site, period)["kind"].to_list()) == ["log_in", "sign_up"]
