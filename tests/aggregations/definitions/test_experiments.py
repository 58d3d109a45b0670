"""Assignment to variants: the cases that the tracker checks too, ClickHouse's own hash, shares, independence."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from aggregations.definitions.experiments import assign, check, hash_of, parse
from sql.core.errors import UsageError

GOLDEN = Path(__file__).parents[2] / "golden" / "experiments.json"
CASES = json.loads(GOLDEN.read_text())
VISITORS = [f"visitor-{number}" for number in range(100_000)]
# What a chi-square of so many degrees of freedom exceeds once in a thousand times.
RARE = {1: 10.83, 2: 13.82, 4: 18.47}


def test_cases_are_what_they_should_be():
    for case in CASES:
        said = (case["hash"], case["variant"])
        variants = [tuple(variant) for variant in case["variants"]]
        assert (
            hash_of(case["visitor"], case["experiment"]),
            assign(case["visitor"], case["experiment"], variants),
        ) == (said), case
    assert len(CASES) > 400
    assert {len(case["variants"]) for case in CASES} == {2, 3, 4, 5}


def test_clickhouse_says_the_same(world):
    """The engine works out hash and variant by itself, from the cases as they stand in the file."""
    rows = [
        (
            at,
            # What UTF-8 has no bytes for counts as U+FFFD.
            "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in f"{case['experiment']}/{case['visitor']}"),
            [name for name, _ in case["variants"]],
            [float(weight) for _, weight in case["variants"]],
        )
        for at, case in enumerate(CASES)
    ]
    client = world.client
    client.command(
        "create or replace table cases (at UInt32, text String, names Array(String), weights Array(Float64))"
        " engine = Memory"
    )
    client.insert("cases", rows, column_names=["at", "text", "names", "weights"])
    found = client.query(
        "with arrayMap((w, at) -> arrayFold((sum, x) -> sum + x, arraySlice(weights, 1, at), toFloat64(0)), "
        "weights, arrayEnumerate(weights)) as ends "
        "select murmurHash3_32(text) as hash, "
        "names[arrayFirstIndex(e -> e / ends[-1] > hash / 4294967296, ends)] from cases order by at"
    ).result_rows
    assert found == [(case["hash"], case["variant"]) for case in CASES]


@pytest.mark.parametrize(
    "variants",
    [[("a", 1), ("b", 1)], [("control", 9), ("blue", 1)], [("a", 0.5), ("b", 0.3), ("c", 0.2)], [("a", 99), ("b", 1)]],
    ids=["halves", "nine to one", "three", "one in a hundred"],
)
@pytest.mark.parametrize("experiment", ["checkout", "price"])
def test_shares_come_out(variants, experiment):
    counts = Counter(assign(visitor, experiment, variants) for visitor in VISITORS)
    total = sum(weight for _, weight in variants)
    expected = {name: len(VISITORS) * weight / total for name, weight in variants}
    off = sum((counts[name] - wanted) ** 2 / wanted for name, wanted in expected.items())
    assert off < RARE[len(variants) - 1], counts


@pytest.mark.parametrize(("one", "other"), [("checkout", "price"), ("checkout", "checkout2"), ("a", "b")])
def test_experiments_are_independent(one, other):
    variants = [("a", 1), ("b", 1), ("c", 1)]
    pairs = Counter((assign(v, one, variants), assign(v, other, variants)) for v in VISITORS)
    rows, columns = Counter(), Counter()
    for (first, second), count in pairs.items():
        rows[first] += count
        columns[second] += count
    wanted = {(a, b): rows[a] * columns[b] / len(VISITORS) for a, b in product("abc", "abc")}
    off = sum((pairs[pair] - expected) ** 2 / expected for pair, expected in wanted.items())
    assert off < RARE[4], pairs


def test_a_weight_of_nothing_gets_nobody():
    for variants in ([("off", 0), ("on", 1)], [("on", 1), ("off", 0)]):
        assert {assign(visitor, "x", variants) for visitor in VISITORS[:5_000]} == {"on"}


@pytest.mark.parametrize(
    ("text", "variants"),
    [
        ("control:1,blue:1", [("control", 1.0), ("blue", 1.0)]),
        (" control:9 , blue ", [("control", 9.0), ("blue", 1.0)]),
        ("a:b:0.5,c:0.25", [("a:b", 0.5), ("c", 0.25)]),
    ],
)
def test_variants_as_a_person_writes_them(text, variants):
    assert parse(text) == variants


@pytest.mark.parametrize(
    "text", ["", "control", "a:1,a:2", ":1,b:1", "a:x,b:1", "a:-1,b:2", "a:0,b:0", "a:nan,b:1", "a:inf,b:1", "a:1,,b:1"]
)
def test_what_is_no_experiment(text):
    with pytest.raises(UsageError):
        parse(text)


def test_an_experiment_without_variants():
    with pytest.raises(UsageError, match="at least two"):
        check([])
