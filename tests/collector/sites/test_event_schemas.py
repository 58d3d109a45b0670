"""Event schemas: what fits passes, what does not is named; a schema cannot harm the collector."""

from __future__ import annotations

import json
import time

import pytest

from collector.choices import SchemaMode
from collector.event.model import Event
from collector.sites.event_schemas import EventSchema, EventSchemas, compiled, misfit
from collector.sites.snapshot import publish
from sql.core.errors import UsageError

PURCHASE = {
    "type": "object",
    "required": ["revenue", "props"],
    "properties": {
        "props": {"type": "object", "required": ["plan"], "properties": {"plan": {"enum": ["free", "pro"]}}},
        "url": {"pattern": "^https://shop\\.example/"},
    },
}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"props": {"plan": "pro"}, "revenue": {"amount": 5}}, None),
        ({"props": {"plan": "pro"}}, ""),
        ({"props": {}, "revenue": {"amount": 5}}, ""),
        ({"props": {"x": 1}, "revenue": {"amount": 5}}, "props"),
        ({"props": {"plan": "gold"}, "revenue": {"amount": 5}}, "props.plan"),
        ({"props": {"plan": "pro"}, "revenue": {"amount": 5}, "url": "https://else.example/"}, "url"),
    ],
)
def test_misfits(fields, wrong):
    found = misfit(compiled(json.dumps(PURCHASE)), Event(name="purchase", **fields))
    assert (found and found[0]) == wrong
    assert found is None or found[1]


@pytest.mark.parametrize(
    "schema",
    ["", "{", "[]", '"x"', '{"type": "nope"}', '{"$ref": "http://127.0.0.1:9/s.json"}', '{"$ref": "file:///etc/passwd"}',
     '{"pattern": "(?=x)"}', '{"a": "' + "x" * 70_000 + '"}', "[" * 100_000],
    ids=["empty", "cut", "list", "text", "type", "elsewhere", "file", "look-ahead", "huge", "deep"],
)  # fmt: skip
def test_what_is_no_schema(schema):
    with pytest.raises(UsageError):
        compiled(schema)


def test_patterns_take_linear_time():
    """A pattern that takes others minutes."""
    validator = compiled('{"properties": {"title": {"pattern": "^(a+)+$"}}}')
    began = time.process_time()
    assert misfit(validator, Event(name="x", title="a" * 1000 + "b"))
    assert time.process_time() - began < 1


def test_the_file_is_followed(tmp_path):
    now = [0.0]
    path = tmp_path / "event-schemas.json"
    schemas = EventSchemas(path, lambda: now[0])
    bad = Event(name="purchase")
    assert schemas.misfit(1, bad) is None
    for seconds, mode, rejected in (
        (2, SchemaMode.WARN, False),
        (4, SchemaMode.REJECT, True),
        (6, SchemaMode.OFF, None),
    ):
        publish(path, [EventSchema(1, "purchase", seconds, mode, json.dumps(PURCHASE))])
        now[0] = float(seconds)
        found = schemas.misfit(1, bad)
        assert (found.rejected if found else None) is rejected
        assert schemas.misfit(2, bad) is None
        assert schemas.misfit(1, Event(name="other")) is None


def test_a_schema_that_is_none_any_more_keeps_no_event_out(tmp_path, caplog):
    """The file may be of another version, whose library took it."""
    path = tmp_path / "event-schemas.json"
    bad, good = (
        EventSchema(1, "bad", 4, SchemaMode.REJECT, "{"),
        EventSchema(1, "buy", 1, SchemaMode.REJECT, json.dumps(PURCHASE)),
    )
    publish(path, [bad, good])
    schemas = EventSchemas(path)
    assert schemas.misfit(1, Event(name="bad")) is None
    assert schemas.misfit(1, Event(name="buy")) is not None
    assert "version 4 of a schema of site 1 is ignored" in caplog.text
