"""Goals of each kind, as they are defined and as the oracle has them."""

from __future__ import annotations

from aggregations.query.goals import Goal
from tests.oracle.goal import Goal as TrueGoal

GOALS = {
    "product": (Goal(page="/product/*"), TrueGoal(page="/product/*")),
    "home": (Goal(page="/"), TrueGoal(page="/")),
    "second": (Goal(page="*/2"), TrueGoal(page="*/2")),
    "buy": (Goal(event="purchase"), TrueGoal(event="purchase")),
    "contact": (Goal(event="click", where="props.kind=contact"), TrueGoal(event="click", kind="contact")),
    "reader": (Goal(scroll=75), TrueGoal(scroll=75)),
    "cart reader": (Goal(page="/c*t", scroll=40), TrueGoal(page="/c*t", scroll=40)),
    "big": (Goal(value=10), TrueGoal(value=10)),
    "big at product": (
        Goal(event="purchase", page="/product/1", value=9.99),
        TrueGoal(event="purchase", page="/product/1", value=9.99),
    ),
    "half an hour": (Goal(duration=1800), TrueGoal(seconds=1800)),
}
