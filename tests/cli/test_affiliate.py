"""`footfall affiliate` and `footfall report affiliates`, as a person runs them."""

from __future__ import annotations

import json

import pytest

from collector.event.postbacks import NetworkKind
from collector.sites.admin import add_site
from collector.sites.networks import Network, Networks, hash_token
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process
TOKEN = "5f0c9d3e8b7a4c21"
SECRET = "a secret to sign with"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data directory with a site, and its engine."""
    made = DataDir(tmp_path_factory.mktemp("affiliate") / "data").make()
    with alongside(made):
        with opened(f"chdb://{made.root}", direct=False) as client:
            bring_up_to_date(client, made)
            add_site(client, made, "shop.example", "UTC")
        yield made


@pytest.fixture
def footfall(home, command):
    """``footfall(…)``: what a command says, on stdout where it says something there."""

    def run(*words: object, code: int = 0) -> str:
        done = command("--data-dir", home.root, *words)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 and done.stdout else done.stderr

    return run


def test_a_network_from_its_definition_to_its_end(footfall, home):
    words = ("--kind", "tune", "--token", TOKEN, "--hmac", SECRET, "--address", "192.0.2.0/24")
    said = footfall("affiliate", "network", "add", "partners", *words)
    assert said == (
        "added network partners of shop.example "
        f"(tune, token {hash_token(TOKEN)[:8]}; signed; from 192.0.2.0/24)\n"
    )  # fmt: skip
    its = Network(1, "partners", NetworkKind.TUNE, hash_token(TOKEN), SECRET, ("192.0.2.0/24",))
    assert Networks(home.networks_file).by_token(TOKEN) == its
    shown = "".join(
        footfall("affiliate", "network", *words) for words in (("show", "partners"), ("list",), ("history", "partners"))
    )
    assert SECRET not in shown
    assert TOKEN not in shown
    footfall("affiliate", "network", "edit", "partners", "--map", "transaction=order", "--hmac", "", "--address", "")
    changed = Networks(home.networks_file).by_token(TOKEN)
    assert changed == Network(1, "partners", NetworkKind.TUNE, hash_token(TOKEN), mapped={"transaction": "order"})
    footfall("affiliate", "network", "remove", "partners", "--yes")
    assert Networks(home.networks_file).by_token(TOKEN) is None


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("network", "add", "n"), "a network needs a postback token"),
        (("network", "add", "n", "--token", "short"), "a postback token has 16 to 128 characters"),
        (("network", "add", "n", "--token", TOKEN, "--hmac", "short"), "this secret is too short to sign with"),
        (("network", "add", "n", "--token", TOKEN, "--address", "192.0.2.1/24"), "not an address or network"),
        (("network", "add", "n", "--token", TOKEN, "--map", "order"), "not a field and its parameter: 'order'"),
        (("url", "add", "p"), "an affiliate URL needs the parameter that is the click id"),
        (("url", "add", "p", "--click-id", "order"), "'order' is not kept of addresses"),
        (("url", "add", "p", "--click-id", "cjevent", "--page", "a b"), "not the beginning of a page: 'a b'"),
        (("url", "add", "p", "--click-id", "cjevent", "--query", "x"), "not a parameter: 'x'"),
        (("url", "add", "p", "--click-id", "cjevent", "--window", "5m"), "a click window has 1 to 400 days"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(footfall, words, wrong):
    said = footfall("affiliate", *words, code=2)
    assert wrong in said
    assert "Traceback" not in said


def test_affiliate_urls_and_the_report(footfall):
    assert "no clicks and conversions" in footfall("report", "affiliates", "--format", "table")
    footfall("affiliate", "url", "add", "blog", "--click-id", "cjevent", "--page", "shop.example/summer")
    assert "cjevent on shop.example/summer, window 30d" in footfall("affiliate", "url", "history", "blog")
    assert json.loads(footfall("report", "affiliates", "--first-click", "--format", "json")) == []
    footfall("affiliate", "url", "remove", "blog", "--yes")
