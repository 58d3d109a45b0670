"""Awkward people: a small site whose visitors told contact data and consent in every way that there is."""

from __future__ import annotations

import datetime as dt

from aggregations.segments import evaluate
from aggregations.segments.definition import SEGMENT, Segment
from aggregations.segments.refresh import refresh
from collector.event.contact import ContactData, forms
from sql import definitions

YES = "ad_user_data=granted,ad_personalization=granted,analytics_storage=granted"
NO = "ad_user_data=denied,ad_personalization=denied"
FORMULA = '=HYPERLINK("http://evil.example","win")'
NOON = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
# Visitor, user id, what was told, country of the sender, consent, whether Sec-GPC was sent.
PEOPLE = (
    (1, "mary", {"email": "J.Smith+shop@Gmail.com", "phone": "(650) 555-1212", "first_name": "Mary",
                 "last_name": "O'Neil Jr.", "zip": "94035-1234", "country": "US", "city": "Mountain View"},
     "", YES, False),
    (2, "umit", {"email": "ümit@köln.example", "first_name": "Ümit", "last_name": "Valéry"}, "DE", YES, False),
    (3, "umit", {"email": "u.v@gmail.com", "phone": "030 901820"}, "DE", YES, False),
    (4, "nowhere", {"email": "nowhere@shop.example", "phone": "030 901820"}, "", YES, False),
    (5, "withdrew", {"email": "withdrew@shop.example"}, "FR", YES, False),
    (6, "gpc", {"email": "gpc@shop.example"}, "FR", YES, True),
    (7, "silent", {"email": "john_smith@gmail.com"}, "FR", "", False),
    (8, "formula", {"email": "formula@shop.example", "first_name": FORMULA, "last_name": "-1+2", "zip": "@SUM(A1)",
                    "country": "gb", "city": "\tcmd"}, "", YES, False),
    (9, "nobody", {}, "FR", YES, False),
    (10, "moved", {"email": "a.b@gmail.com"}, "FR", YES, False),
)  # fmt: skip


def shop(world, home, keep=ContactData.PLAIN):
    """A site in which all of them, and nobody else, belong to the segment `buyers`."""
    site = world.site("UTC")
    rows = []
    for visitor, user, told, country, consent, gpc in PEOPLE:
        its = {"visitor": visitor, "visit": visitor, "consent": consent, "gpc": gpc}
        rows += [
            its | {"at": f"2026-11-02T09:00:{visitor:02}", "name": "identify", "user_id": user,
                   "props": forms(told, country, keep)},
            its | {"at": f"2026-11-02T10:00:{visitor:02}", "name": "purchase"},
        ]  # fmt: skip
    rows += [
        {"at": "2026-11-02T11:00:00", "visitor": 5, "visit": 5, "consent": NO},
        identified(10, "moved", {"email": "moved@shop.example"}, "2026-11-02T11:00:00", keep),
        identified(11, "stranger", {"email": "stranger@shop.example"}, "2026-11-02T11:00:00", keep),
    ]
    world.events(site, *rows)
    definitions.put(world.client, home, site.site_id, SEGMENT, "buyers", Segment("did(event=purchase)"))
    refreshed(world, home, site)
    return site


def identified(visitor, user, told, at, keep=ContactData.PLAIN):
    """An `identify` event."""
    props = forms(told, "FR", keep)
    return {"at": at, "visitor": visitor, "visit": visitor, "name": "identify", "user_id": user, "consent": YES,
            "props": props}  # fmt: skip


def refreshed(world, home, site, at=NOON):
    """Write down who belongs to the segment."""
    refresh(world.client, home, evaluate.population(world.client, site, at))
