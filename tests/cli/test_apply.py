"""`footfall apply` and `footfall definitions export`: a file and what is stored are the same."""

from __future__ import annotations

import json
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregations.definitions import toml_file
from aggregations.definitions.overrides import OverrideBody
from cli.kinds import KINDS
from cli.reference import tree, walk
from collector.sites.admin import add_site
from sql.client import opened
from sql.core import receipts
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

NUMBERS = count(1)
FILE = """
[[goal]]
name = "pro"
event = "signup"
where = 'props.plan="pro or team"'

[[goal]]
name = "Ende \\"gut\\""
page = "/dänke*"

[[goal]]
name = "reader"
scroll = 75
page = "/blog/*"

[[goal]]
name = "big"
value = 50

[[goal]]
name = "long"
duration = 120

[[funnel]]
name = "checkout"
steps = ["/product/*", "add_to_cart", "purchase"]
window = 604800
order = "strict"
exclude = ["refund"]

[[event_schema]]
name = "buy"
mode = "reject"
schema = '''
{
 "properties": {"url": {"pattern": "^https://shop\\\\.example/"}}
}
'''

[[override]]
name = "call"
kind = "contact"
event = "click"
text = "It's \\"ours\\""
"""
ADDED = ("pro", 'Ende "gut"', "reader", "big", "long", "checkout", "buy", "call")
process = pytest.mark.process


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data directory, and its engine."""
    made = DataDir(tmp_path_factory.mktemp("apply") / "data").make()
    with alongside(made):
        with opened(f"chdb://{made.root}", direct=False) as client:
            bring_up_to_date(client, made)
        yield made


@pytest.fixture
def new_site(home):
    def add() -> str:
        with opened(f"chdb://{home.root}", direct=False) as client:
            domain = f"site{next(NUMBERS)}.example"
            add_site(client, home, domain, "UTC")
            return domain

    return add


@pytest.fixture
def footfall(home, command):
    def run(*words: object, stdin: str = "", code: int = 0) -> tuple[str, str]:
        done = command("--data-dir", home.root, *words, stdin=stdin.encode())
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


def acts(said: str) -> dict[str, str]:
    return {row["name"]: row["change"] for row in json.loads(said)}


@process
def test_a_file_is_applied_and_exported_as_it_was(footfall, home, new_site):
    site = new_site()
    said, _ = footfall("apply", "-", "--site", site, "--dry-run", stdin=FILE)
    assert acts(said) == dict.fromkeys(ADDED, "add")
    assert json.loads(footfall("goal", "list", "--site", site)[0]) == []
    _, told = footfall("apply", "-", "--site", site, stdin=FILE, code=2)
    assert "refusing to make 8 changes (8 add) without confirmation" in told
    _, told = footfall("apply", "-", "--site", site, "--yes", stdin=FILE)
    assert told.splitlines()[0] == f'1/8 added goal Ende "gut" of {site} (page /dänke*)'
    receipt = receipts.every(home)[0]
    assert (receipt.command, receipt.done, len(receipt.steps)) == ("footfall apply", 8, 8)
    exported, _ = footfall("definitions", "export", "--site", site)
    said, told = footfall("apply", "-", "--prune", stdin=exported)
    assert (set(acts(said).values()), told) == ({"keep"}, "nothing changes\n")
    other = new_site()
    moved = exported.replace(f'"{site}"', f'"{other}"')
    footfall("apply", "-", "--yes", stdin=moved)
    assert footfall("definitions", "export", "--site", other)[0] == moved


@process
def test_what_is_added_changed_removed_and_kept(footfall, new_site):
    site, untouched = new_site(), new_site()
    for domain in (site, untouched):
        footfall("apply", "-", "--site", domain, "--yes", stdin=FILE)
    wanted = f"""
    [[goal]]
    site = "{site}"
    name = "pro"
    event = "upgrade"
    [[goal]]
    site = "{site}"
    name = "big"
    value = 50.0
    [[goal]]
    site = "{site}"
    name = "new"
    event = "new"
    """
    said, _ = footfall("apply", "-", "--yes", stdin=wanted)
    assert acts(said) == {"new": "add", "pro": "change", "big": "keep"}
    assert len(json.loads(footfall("goal", "list", "--site", site)[0])) == 6
    said, _ = footfall("apply", "-", "--prune", "--yes", stdin=wanted)
    gone = ("long", "reader", 'Ende "gut"', "checkout", "buy", "call")
    assert acts(said) == dict.fromkeys(("new", "pro", "big"), "keep") | dict.fromkeys(gone, "remove")
    assert {row["goal"] for row in json.loads(footfall("goal", "list", "--site", site)[0])} == {"new", "pro", "big"}
    assert len(json.loads(footfall("goal", "list", "--site", untouched)[0])) == 5
    assert [row["version"] for row in json.loads(footfall("goal", "history", "big", "--site", site)[0])] == [1]


@process
def test_what_is_wrong_is_found_before_anything_changes(footfall, home, new_site):
    site, before = new_site(), receipts.every(home)
    bad = FILE + '[[goal]]\nname = "worse"\nevent = "x"\nwhere = "country=FR"\n'
    assert "must be about its event" in footfall("apply", "-", "--site", site, "--yes", stdin=bad, code=2)[1]
    twice = FILE + '[[goal]]\nname = "pro"\nevent = "x"\n'
    assert f"the file has goal 'pro' of {site} twice" in footfall("apply", "-", "-s", site, stdin=twice, code=2)[1]
    unknown = FILE.replace("]]\n", ']]\nsite = "nowhere.example"\n')
    assert "no site nowhere.example" in footfall("apply", "-", "--yes", stdin=unknown, code=2)[1]
    assert json.loads(footfall("goal", "list", "--site", site)[0]) == []
    assert receipts.every(home) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[goal]", "not TOML"),
        ("[[gaol]]\nname='x'", "unknown kind of definition: 'gaol'"),
        ("[goal]\nname='x'", "must be a list of tables"),
        ("goal = 1", "must be a list of tables"),
        ("[[goal]]\nevent='x'", "without a name"),
        ("[[goal]]\nname=1\nevent='x'", "without a name"),
        ("[[goal]]\nname='x'\nevnt='y'", r"goal 'x': .*evnt"),
        ("[[goal]]\nname='x'\nscroll='75'", r"goal 'x': .*scroll"),
        ("[[event_schema]]\nschema='{}'", "an event schema without a name"),
        ("[[event_schema]]\nname='x'", "event schema 'x': .*needs a JSON Schema"),
        ("[[event_schema]]\nname='x'\nschema='{'", "event schema 'x': not a JSON Schema"),
        ("[[event_schema]]\nname='x'\nschema='{}'\nmode='maybe'", r"event schema 'x': .*mode"),
        ("[[override]]\nname='x'\nkind='contact'", "override 'x': no criteria given"),
        ("[[override]]\nname='x'\ntext='y'", "override 'x': an override needs a kind"),
        ("[[override]]\nname='x'\nkind='contact'\ntext='y'\nevent='page_view'", r"override 'x': .*event"),
    ],
)
def test_what_is_not_a_file_of_definitions(text, says):
    with pytest.raises(UsageError, match=says):
        toml_file.read(text, KINDS)


def test_the_order_of_entries_does_not_matter():
    entries = toml_file.read(FILE, KINDS)
    assert toml_file.written(reversed(entries)) == toml_file.written(entries)
    assert sorted(toml_file.read(toml_file.written(entries), KINDS), key=str) == sorted(entries, key=str)
    assert toml_file.read(toml_file.written([]), KINDS) == []


def test_kinds_are_called_by_their_names():
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert {kind.group for kind in KINDS.values()} <= {" ".join(path[1:]) for path, _ in walk(tree())}


@given(st.text())
def test_any_text_is_read_as_it_was_written(text):
    entry = toml_file.Entry(KINDS["override"], "shop.example", "it", OverrideBody("none", text=text))
    assert toml_file.read(toml_file.written([entry]), KINDS) == [entry]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Go", 'text = "Go"'),
        ('"Go"', "text = '\"Go\"'"),
        ("a\\b", "text = 'a\\b'"),
        ("it's a\\b", "text = '''it's a\\b'''"),
        ("{\n}\n", "text = '''\n{\n}\n'''"),
        ("a\r\nb", 'text = "a\\r\\nb"'),
        ("\"'", 'text = "\\"\'"'),
    ],
)
def test_text_is_readable(text, line):
    entry = toml_file.Entry(KINDS["override"], None, "it", OverrideBody("none", text=text))
    assert toml_file.written([entry]).endswith(line + "\n")
