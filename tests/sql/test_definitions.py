"""The store of definitions: versions, removal, bodies of other versions of Footfall, two writers at once."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import msgspec
import pytest

from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, UsageError
from sql.core.files import OwnedLock
from sql.definitions import Kind
from tests.aggregations.conftest import database

SITES = count(1)


class Colour(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A body."""

    red: int = 0
    note: str = ""


COLOUR = Kind("colour", Colour)


@pytest.fixture(scope="module")
def client(engine):
    with database(engine, "definitions_test") as made:
        yield made


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


@pytest.fixture
def site():
    return next(SITES)


def test_the_newest_version_counts_and_all_stay(client, home, site):
    put = lambda *given: definitions.put(client, home, site, COLOUR, *given)  # noqa: E731
    assert put("sky", Colour(red=1)) == 1
    assert put("sky", Colour(red=2, note="später")) == 2
    assert put("sky", Colour(red=2, note="später")) == 2, "nothing changed"
    assert put("lawn", Colour()) == 1
    found = definitions.every(client, site, COLOUR)
    assert [(each.name, each.version, each.body) for each in found] == [
        ("lawn", 1, Colour()),
        ("sky", 2, Colour(red=2, note="später")),
    ]
    assert definitions.find(client, site, COLOUR, "sky") == found[1]
    assert definitions.remove(client, home, site, COLOUR, "sky") == 3
    assert definitions.remove(client, home, site, COLOUR, "sky") == 3
    assert [each.name for each in definitions.every(client, site, COLOUR)] == ["lawn"]
    with pytest.raises(UsageError, match="there is no colour 'sky'") as caught:
        definitions.find(client, site, COLOUR, "sky")
    assert caught.value.hint == "known: lawn"
    assert put("sky", Colour(red=2, note="später")) == 4, "it begins again"
    told = definitions.history(client, site, COLOUR, "sky")
    assert [(each.version, each.removed) for each in told] == [(4, False), (3, True), (2, False), (1, False)]
    assert told[-1].body == '{"red":1}'
    assert told[0].by == definitions.user()


def test_sites_and_kinds_do_not_see_each_other(client, home, site):
    other, shade = next(SITES), Kind("shade", Colour)
    definitions.put(client, home, site, COLOUR, "sky", Colour(red=1))
    definitions.put(client, home, other, COLOUR, "sky", Colour(red=2))
    definitions.put(client, home, site, shade, "sky", Colour(red=3))
    reds = [
        definitions.find(client, where, kind, "sky").body.red
        for where, kind in ((site, COLOUR), (other, COLOUR), (site, shade))
    ]
    assert reds == [1, 2, 3]


def test_a_body_of_a_newer_version_is_named_and_does_not_stop_the_others(client, home, site, caplog):
    newer = Kind("colour", msgspec.defstruct("Newer", [("green", int, 0)], frozen=True))
    definitions.put(client, home, site, newer, "sea", newer.body(green=7))
    definitions.put(client, home, site, COLOUR, "sky", Colour(red=1))
    with caplog.at_level(logging.WARNING):
        assert [each.name for each in definitions.every(client, site, COLOUR)] == ["sky"]
    assert "colour sea (version 1) is left out" in caplog.text
    with pytest.raises(UsageError, match=r"colour 'sea': .*green"):
        definitions.find(client, site, COLOUR, "sea")
    assert definitions.history(client, site, COLOUR, "sea")[0].body == '{"green":7}'
    assert definitions.put(client, home, site, COLOUR, "sea", Colour()) == 2, "it can be defined again"


def test_writers_at_once_get_versions_of_their_own(client, home, site):
    with ThreadPoolExecutor(8) as pool:
        numbers = pool.map(
            lambda red: definitions.put(client, home, site, COLOUR, "sky", Colour(red=red)), range(1, 17)
        )
        assert sorted(numbers) == list(range(1, 17))
    assert len(definitions.history(client, site, COLOUR, "sky")) == 16


def test_each_change_is_published_while_nobody_else_writes(client, home, site):
    told = []

    def publish(client, home):
        assert not OwnedLock(home.definitions_lock, "another").try_acquire()
        told.append([(each.site_id, each.name, each.body.red) for each in definitions.every(client, site, loud)])

    loud = Kind("loud", Colour, publish=publish)
    definitions.put(client, home, site, loud, "sky", Colour(red=1))
    definitions.put(client, home, site, loud, "sky", Colour(red=1))
    assert told == [[(site, "sky", 1)]] * 2, "the second time too: the first may have been killed before it came to it"
    definitions.remove(client, home, site, loud, "sky")
    definitions.put(client, home, site, COLOUR, "sky", Colour(red=1))
    definitions.publish(client, home, loud)
    definitions.publish(client, home, COLOUR)
    assert told[2:] == [[], []]


def test_of_every_site_at_once(client, home):
    one, other, kind = next(SITES), next(SITES), Kind("hue", Colour)
    for number, (where, name) in enumerate([(other, "b"), (one, "b"), (one, "a"), (one, "gone")]):
        definitions.put(client, home, where, kind, name, Colour(red=number))
    definitions.remove(client, home, one, kind, "gone")
    found = definitions.every(client, 0, kind)
    assert [(each.site_id, each.name, each.body.red) for each in found] == [
        (one, "a", 2),
        (one, "b", 1),
        (other, "b", 0),
    ]
    assert [(each.name, each.version) for each in definitions.removed(client, one, kind)] == [("gone", 2)]
    assert definitions.removed(client, other, kind) == []


@pytest.mark.parametrize(
    ("name", "noun", "group"), [("goal", "goal", "goal"), ("event_schema", "event schema", "event-schema")]
)
def test_what_a_kind_is_called(name, noun, group):
    kind = Kind(name, Colour)
    assert (kind.noun, kind.group, Kind(name, Colour, command="some group").group) == (noun, group, "some group")


def test_a_writer_that_does_not_end_is_named(client, home, site, monkeypatch):
    monkeypatch.setattr(definitions, "WAIT", 0.0)
    other = OwnedLock(home.definitions_lock, "footfall apply")
    assert other.try_acquire()
    with pytest.raises(EngineBusy, match="footfall apply"):
        definitions.put(client, home, site, COLOUR, "sky", Colour())
    other.release()
    assert definitions.every(client, site, COLOUR) == []


@pytest.mark.parametrize("name", ["", " ", " x", "x\n", "x" * 129, "a\tb"], ids=repr)
def test_what_is_not_a_name(client, home, site, name):
    with pytest.raises(UsageError, match="not a name for a colour"):
        definitions.put(client, home, site, COLOUR, name, Colour())
