"""Conditions as text and as JSON: the same struct, and errors that point at what is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregations.query import where
from aggregations.query.conditions import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_VALUES,
    ORDERS,
    And,
    Comparison,
    Did,
    Not,
    Operator,
    Or,
    from_json,
    to_json,
)
from aggregations.query.dimensions import DIMENSIONS
from sql.core.errors import UsageError

IS = Operator.IS
names = st.one_of(st.sampled_from(sorted(DIMENSIONS)).filter(lambda n: ":" not in n), st.just("props.plan"))
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
AWKWARD = ["and", " or ", "a and b", "a|b", "(x", "x)", '"', "\\", "not", "", " ", "a  b", "a and"]
values = st.one_of(texts, st.sampled_from(AWKWARD))
many = st.lists(values, min_size=1, max_size=3).map(tuple)
comparison = st.one_of(
    st.builds(Comparison, names, st.sampled_from([IS, Operator.CONTAINS, Operator.STARTS_WITH]), many),
    st.builds(Comparison, names, st.just(Operator.MATCHES), values.map(lambda value: (value,))),
    st.builds(Comparison, names, st.just(Operator.EXISTS)),
    st.builds(Comparison, names, st.sampled_from(sorted(ORDERS)), st.tuples(st.floats(-1e9, 1e9))),
)
conditions = st.recursive(
    comparison,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Not, inner),
        st.builds(Did, inner),
    ),
    max_leaves=5,
)


@given(conditions)
def test_text_and_back(condition):
    try:
        text = where.written(condition)
        assert where.parse(text) == condition, text
    except UsageError as exc:
        assert "nested" in exc.message or "not a pattern" in exc.message


@given(conditions)
def test_json_and_back(condition):
    try:
        assert from_json(json.loads(json.dumps(to_json(condition)))) == condition
    except UsageError as exc:
        assert "nested" in exc.message or "not a pattern" in exc.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("country=FR", Comparison("country", IS, ("FR",))),
        (" country = FR | DE ", Comparison("country", IS, ("FR", "DE"))),
        ("country!=FR", Not(Comparison("country", IS, ("FR",)))),
        ("page~^/(blog|news)/", Comparison("page", Operator.MATCHES, ("^/(blog|news)/",))),
        ("(page~^/(blog|news)/)", Comparison("page", Operator.MATCHES, ("^/(blog|news)/",))),
        ("utm_campaign=Spring sale", Comparison("utm_campaign", IS, ("Spring sale",))),
        ("title=sand and path=b", And((Comparison("title", IS, ("sand",)), Comparison("path", IS, ("b",))))),
        ('title="a and b"|c', Comparison("title", IS, ("a and b", "c"))),
        ('title="say \\"hi\\" \\d"', Comparison("title", IS, ('say "hi" \\d',))),
        ("props.plan?", Comparison("props.plan", Operator.EXISTS)),
        ("props.plan!?", Not(Comparison("props.plan", Operator.EXISTS))),
        ("views>=3", Comparison("views", Operator.AT_LEAST, (3.0,))),
        ("did_not(event=signup)", Not(Did(Comparison("event", IS, ("signup",))))),
        (
            "a=1 or b=2 and c=3",
            Or((Comparison("a", IS, ("1",)), And((Comparison("b", IS, ("2",)), Comparison("c", IS, ("3",)))))),
        ),
        ("not (a=1 or b=2)", Not(Or((Comparison("a", IS, ("1",)), Comparison("b", IS, ("2",)))))),
        ("and_more=1", Comparison("and_more", IS, ("1",))),
    ],
)  # fmt: skip
def test_what_a_text_says(text, expected):
    assert where.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a dimension"),
        ("country", "expected one of"),
        ("country=", "expected a value"),
        ("country=FR and", "expected a dimension, such as country at 'the end'"),
        ("country=FR|", "expected a value"),
        ("(country=FR", "expected ')'"),
        ("country=FR)", "expected 'and' or 'or' at ')'"),
        ("views>many", "takes a number"),
        ("views>1|2", "takes one number"),
        ("=FR", "expected a dimension"),
        ("did country=FR", "expected '('"),
        ("not " * 60 + "a=1", "nested too deep"),
        ("(" * 60 + "a=1" + ")" * 60, "nested too deep"),
    ],
)
def test_texts_that_are_refused(text, says):
    with pytest.raises(UsageError) as caught:
        where.parse(text)
    assert says in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ([], "not a condition"),
        ("country=FR", "not a condition"),
        (["and"], "not a condition"),
        (["not", ["a", "is", ["b"]], ["c", "is", ["d"]]], "not a condition"),
        (["country", "equals", ["FR"]], "unknown operator 'equals'"),
        (["country", "is", []], "takes a value"),
        (["views", ">", [1, 2]], "takes one value"),
        (["views", ">", ["x"]], "compared with a number"),
        (["country", "exists", ["x"]], "takes no value"),
        (["country", "is", [None]], "strings or numbers"),
        (["country", "is", [["x"]]], "strings or numbers"),
        (["country", "is", ["x"] * (MAX_VALUES + 1)], "too many"),
        (["and", *[["country", "is", ["x"]]] * (MAX_CONDITIONS + 1)], "too many"),
    ],
)
def test_lists_that_are_refused(given_, says):
    with pytest.raises(UsageError, match=says):
        from_json(given_)


def test_depth_is_bounded():
    nested = ["country", "is", ["FR"]]
    for level in range(MAX_DEPTH + 1):
        if level:
            from_json(nested)
        nested = ["or", nested, ["country", "is", ["DE"]]] if level % 2 else ["and", nested, ["device", "is", ["tv"]]]
    with pytest.raises(UsageError, match="nested"):
        from_json(nested)
    for _ in range(5_000):
        nested = ["not", nested]
    with pytest.raises(UsageError, match="nested"):
        from_json(nested)
