"""`footfall key` and `footfall site set`: against a running engine, seen by a registry as collectors have it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from cli.main import app
from collector.sites.admin import add_site, find_site, set_site
from collector.sites.keys import all_keys, find_key, listed, revoke_key, rotate_keys
from collector.sites.registry import SiteRegistry, hash_key
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import FootfallError, UsageError
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = DataDir(tmp_path_factory.mktemp("key") / "data").make()
    with alongside(made), opened(f"chdb://{made.root}") as client:
        bring_up_to_date(client, made)
        yield made


@pytest.fixture(scope="module")
def client(home):
    with opened(f"chdb://{home.root}") as made:
        yield made


@pytest.fixture
def run(home):
    """A command of this data directory: its standard output. Errors come as they are raised."""

    def run(*words):
        done = CliRunner().invoke(app, ["--data-dir", str(home.root), *words], catch_exceptions=True)
        if isinstance(done.exception, FootfallError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout, done.stderr

    return run


@pytest.fixture
def shop(home, client):
    """A new site's domain, and its first key."""
    site, key = add_site(client, home, f"s{next(numbers)}.example", "UTC")
    return site.domain, key


def site_of(home, key, at=None):
    """The domain that a collector, made now, would let a key write to at a moment (seconds since 1970)."""
    found = SiteRegistry(home.sites_file, now=lambda: at or time.time()).by_key(key)
    return found.domain if found else None


def rows(run, *words):
    return json.loads(run("key", "list", *words, "--format", "json")[0])


def test_a_key_is_added_listed_and_revoked(home, run, shop):
    domain, first = shop
    out, err = run("key", "add", domain, "--label", "order service")
    key = out.strip()
    assert key.startswith("wk_")
    assert "shown only once" in err
    assert [site_of(home, k) for k in (first, key)] == [domain, domain]
    one, two = rows(run, domain)
    assert list(one) == ["key_id", "site", "label", "created_at", "revoked_at"]
    assert (one["site"], one["label"], two["label"], two["revoked_at"]) == (domain, "first", "order service", None)
    everything = json.dumps(rows(run))
    assert domain in everything
    for secret in (key, first, hash_key(key), hash_key(first)):
        assert secret not in everything
    assert "would revoke" in run("key", "revoke", str(one["key_id"]), "--dry-run")[1]
    assert site_of(home, first) == domain
    with pytest.raises(UsageError, match="without confirmation"):
        run("key", "revoke", str(one["key_id"]))
    assert f"revoked key {one['key_id']} of {domain}" in run("key", "revoke", str(one["key_id"]), "--yes")[1]
    assert [site_of(home, k) for k in (first, key)] == [None, domain]
    with pytest.raises(UsageError, match="already revoked"):
        run("key", "revoke", str(one["key_id"]), "--yes")
    with pytest.raises(UsageError, match="no key 999999"):
        run("key", "revoke", "999999", "--yes")


@pytest.mark.parametrize(("keep_for", "seconds"), [("0s", 0), ("24h", 86_400), ("7d", 604_800)])
def test_rotation(home, run, shop, keep_for, seconds):
    domain, first = shop
    before = (home.sites_file).read_bytes()
    assert ", revoke key" in run("key", "rotate", domain, "--keep-for", keep_for, "--dry-run")[1]
    assert home.sites_file.read_bytes() == before
    began = time.time()
    out, _ = run("key", "rotate", domain, "--keep-for", keep_for)
    ended, new = time.time(), out.strip()
    old, made = rows(run, domain)
    end = dt.datetime.fromisoformat(old["revoked_at"].replace("Z", "+00:00")).replace(tzinfo=dt.UTC).timestamp()
    assert began - 1 <= end - seconds <= ended  # to the second
    assert made["revoked_at"] is None
    assert site_of(home, first, began + seconds - 1) == domain
    assert site_of(home, first, ended + seconds) is None
    assert site_of(home, new) == site_of(home, new, ended + 10 * 365 * 86_400) == domain


def test_a_rotation_lets_no_key_live_longer(home, client, shop):
    domain, first = shop
    site = find_site(client, domain)
    clock = lambda: 2_000_000_000.0  # noqa: E731
    _, _, [ending] = rotate_keys(client, home, site, 60, clock=clock)
    _, _, again = rotate_keys(client, home, site, 3_600, clock=clock)
    assert [key.revoked_at for key in again] == [ending.revoked_at, 2_000_003_600_000]
    assert site_of(home, first, 2_000_000_059) == domain
    assert site_of(home, first, 2_000_000_060) is None
    revoke_key(client, home, again[1].key_id, clock=clock)  # one with an end ahead can be revoked now
    with pytest.raises(UsageError, match="already revoked"):
        find_key(client, again[1].key_id, clock)


def test_keys_of_other_sites_stay(home, client, run, shop):
    other, key = add_site(client, home, f"s{next(numbers)}.example", "UTC")
    run("key", "rotate", shop[0], "--keep-for", "0s")
    assert site_of(home, key) == other.domain
    assert [row["site"] for row in rows(run, other.domain)] == [other.domain]


def test_keys_made_at_once_have_ids_of_their_own(home, client, shop):
    def add(number):
        from collector.sites.keys import add_key

        with opened(f"chdb://{home.root}") as mine:
            return add_key(mine, home, find_site(mine, shop[0]), f"n{number}")

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(add, range(12)))
    assert len({key.key_id for key, _ in made}) == 12
    assert {site_of(home, text) for _, text in made} == {shop[0]}


@pytest.mark.parametrize("label", ["x" * 101, "two\nlines", "\x1b[31mred"], ids=["long", "two lines", "escape"])
@pytest.mark.parametrize("command", [("add",), ("rotate",), ("rotate", "--dry-run")], ids=" ".join)
def test_labels_that_are_none(home, client, run, shop, label, command):
    before = all_keys(client)
    with pytest.raises(UsageError, match="not a label"):
        run("key", *command, shop[0], "--label", label)
    assert all_keys(client) == before


@pytest.mark.parametrize("command", [("add",), ("list",), ("rotate",)], ids=" ".join)
def test_a_site_that_is_not_there(run, command):
    with pytest.raises(UsageError, match=r"no site nobody\.example"):
        run("key", *command, "nobody.example")


def test_no_keys_is_a_frame_too():
    assert listed([], []).columns == ["key_id", "site", "label", "created_at", "revoked_at"]


def test_settings_of_a_site_are_changed_and_published(home, client, run, shop):
    domain, key = shop
    created = client.command("select min(created_at) from sites where domain = {d:String}", parameters={"d": domain})
    run("site", "set", domain, "--max-age-days", "7", "--events-per-second", "500", "--currency", "EUR")
    run("site", "set", f"https://{domain.upper()}/", "--identity", "first-party")
    site = SiteRegistry(home.sites_file).by_key(key)
    assert (site.max_age_days, site.events_per_second, site.currency, site.identity) == (7, 500, "EUR", "first-party")
    assert site == find_site(client, domain)
    run("site", "set", domain, "--currency", "", "--events-per-second", "0")
    assert (find_site(client, domain).currency, find_site(client, domain).events_per_second) == ("", 0)
    [row] = [row for row in json.loads(run("site", "list")[0]) if row["domain"] == domain]
    assert (row["max_age_days"], row["currency"]) == (7, "")
    kept = client.command(
        "select uniqExact(created_at) = 1 and any(created_at) = {at:DateTime64(3)} "
        "from sites where domain = {d:String}",
        parameters={"d": domain, "at": created},
    )
    assert kept == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_age_days": 0}, "1 to 3,650"),
        ({"events_per_second": -1}, "not a valid rate"),
        ({"currency": "eur"}, "not a currency"),
    ],
    ids=str,
)
def test_settings_that_are_refused(home, client, shop, changes, says):
    before = find_site(client, shop[0])
    with pytest.raises(UsageError) as caught:
        set_site(client, home, shop[0], changes)
    assert says in f"{caught.value.message} {caught.value.hint}"
    assert find_site(client, shop[0]) == before


def test_nothing_to_set(run, shop):
    with pytest.raises(UsageError, match="nothing to change"):
        run("site", "set", shop[0])
