"""init, site and schema: an engine answers, or they open the directory themselves."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from cli.config.load import load
from cli.config.settings import Config
from collector.sites.admin import add_site
from collector.sites.registry import SiteRegistry, WriteKey, hash_key
from collector.sites.table import all_sites
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.engine.server import await_ready
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process

numbers = itertools.count(1)
FOOTFALL = Path(sys.executable).with_name("footfall")


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """A data directory of this file's own whose engine runs, so that commands are quick."""
    home = DataDir(tmp_path_factory.mktemp("setup") / "data").make()
    child = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)])
    await_ready(home, 90, lambda: child.poll() is None)
    yield home
    child.terminate()
    child.wait(30)


def run(*words, cwd=None):
    """A command as a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    return subprocess.run([FOOTFALL, *words], capture_output=True, text=True, timeout=60, cwd=cwd, env=env)


@pytest.fixture
def of(command):
    """``of(home, *words)``: a command of a data directory, in this process."""
    return lambda home, *words: command("--data-dir", home.root, *words)


def refused(done, code, *says):
    """One line, at most one of what to do, nothing on stdout."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.rstrip("\n").split("\n")
    assert lines[0].startswith("footfall: ")
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("  → ")), done.stderr
    assert done.stdout == ""
    for text in says:
        assert text in done.stderr


def test_schema_from_pending_to_applied(serving, of):
    """Exit code 3 while something is pending; a dry run says what would be done and does nothing."""
    before = of(serving, "schema", "status")
    assert before.returncode == 3
    listed = [line.split() for line in before.stdout.splitlines()]
    assert {words[0] for words in listed} == {"pending"}
    dry = of(serving, "schema", "apply", "--dry-run")
    assert dry.returncode == 0
    assert [line.split() for line in dry.stdout.splitlines()] == [["would", "apply", *words[1:]] for words in listed]
    assert of(serving, "schema", "status").stdout == before.stdout
    done = of(serving, "schema", "apply")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{len(listed)} applied" in done.stderr
    assert "would" not in done.stderr
    after = of(serving, "schema", "status")
    assert after.returncode == 0
    assert [line.split() for line in after.stdout.splitlines()] == [["applied", *words[1:]] for words in listed]
    again = of(serving, "schema", "apply")
    assert (again.returncode, again.stdout) == (0, "")
    assert "schema is current" in again.stderr
    nothing = of(serving, "schema", "apply", "--dry-run")
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_site_added_listed_published(serving, of):
    of(serving, "schema", "apply")
    done = of(serving, "site", "add", "https://Shop.Example/", "--timezone", "Europe/Paris", "--currency", "EUR")
    assert done.returncode == 0, done.stderr
    key = next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("write key:"))
    assert '<script defer src="http://127.0.0.1:8080/footfall.js" data-site="shop.example"></script>' in done.stdout
    assert "shown only once" in done.stderr
    assert "footfall site snippet shop.example --url" in done.stderr
    tag = of(serving, "site", "snippet", "shop.example", "--url", "https://stats.example", "--identity", "first-party")
    assert tag.stdout.startswith('<script defer src="https://stats.example/footfall.js?v=')
    assert 'integrity="sha384-' in tag.stdout
    assert "footfall site set shop.example --identity first-party" in tag.stderr
    plain = of(serving, "site", "snippet", "shop.example", "--no-integrity")
    assert (plain.stdout, plain.stderr) == (
        '<script defer src="http://127.0.0.1:8080/footfall.js" data-site="shop.example"></script>\n', "",
    )  # fmt: skip
    refused(of(serving, "site", "snippet", "shop.example", "--modules", "nothing"), 2, "unknown module 'nothing'")
    refused(of(serving, "site", "snippet", "other.example"), 2, "no site other.example", "footfall site list")
    site = SiteRegistry(serving.sites_file).by_key(key)
    assert site
    assert (site.domain, site.timezone, site.currency, site.identity) == (
        "shop.example", "Europe/Paris", "EUR", "cookieless",
    )  # fmt: skip
    assert site.keys == (WriteKey(hash_key(key)),)
    assert (site.max_age_days, site.events_per_second) == (30, 0)
    more = ("--identity", "first-party", "--max-age-days", "7", "--events-per-second", "500")
    second = of(serving, "site", "add", "bücher.example", *more)
    assert second.returncode == 0, second.stderr
    listed = json.loads(of(serving, "site", "list").stdout)
    assert [list(row.values()) for row in listed] == [
        [1, "shop.example", "Europe/Paris", "EUR", "cookieless", 30, 0, False, "hashed"],
        [2, "xn--bcher-kva.example", "UTC", "", "first-party", 7, 500, False, "hashed"],
    ]
    for same in ("shop.example", "SHOP.example", "http://shop.example"):
        refused(of(serving, "site", "add", same), 2, "shop.example already exists", "footfall site list")
    assert len(json.loads(serving.sites_file.read_bytes())) == 2


@pytest.fixture(scope="module")
def client(serving):
    with opened(f"chdb://{serving.root}") as made:
        bring_up_to_date(made, serving)
        yield made


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"timezone": "berlin"}, "did you mean Europe/Berlin?"),
        ({"timezone": "Paris"}, "did you mean Europe/Paris?"),
        ({"timezone": "Mars/Olympus"}, "IANA"),
        ({"timezone": ""}, "unknown time zone"),
        ({"timezone": "../../etc/passwd"}, "unknown time zone"),
        ({"timezone": "europe/paris"}, "did you mean Europe/Paris?"),
        # Known to Python's files, to neither polars nor ClickHouse: the loader would stop at the first event.
        ({"timezone": "localtime"}, "unknown time zone"),
        ({"timezone": "Factory"}, "unknown time zone"),
        ({"currency": "eur"}, "not a currency"),
        ({"currency": "EURO"}, "not a currency"),
        ({"currency": "EUR\n"}, "not a currency"),
        ({"max_age_days": 0}, "1 to 3,650 days"),
        ({"max_age_days": 3_651}, "1 to 3,650 days"),
        ({"events_per_second": -1}, "not a valid rate"),
        ({"events_per_second": 10**9}, "not a valid rate"),
        ({"domain": "not a domain"}, "write it as shop.example"),
        ({"domain": "a.example:8080"}, "not a domain"),
        ({"domain": "a.example/shop"}, "not a domain"),
        ({"domain": "a-.example"}, "not a domain"),
        ({"domain": "a..example"}, "not a domain"),
        ({"domain": "a_b.example'; drop table sites"}, "not a domain"),
        ({"domain": "ä" * 70 + ".example"}, "not a domain"),
        ({"domain": "a." * 130 + "example"}, "not a domain"),
        ({"domain": ""}, "not a domain"),
    ],
    ids=lambda given: " ".join(map(str, given.values()))[:30] if isinstance(given, dict) else "",
)
def test_a_site_that_is_refused(serving, client, given, says):
    before = all_sites(client)
    with pytest.raises(UsageError) as caught:
        add_site(client, serving, **({"domain": f"a{next(numbers)}.example", "timezone": "UTC"} | given))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert all_sites(client) == before


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kathmandu", "America/Argentina/Buenos_Aires", "EST5EDT"])
def test_every_part_of_footfall_knows_an_accepted_zone(serving, client, zone):
    site, _ = add_site(client, serving, f"{zone.lower().replace('/', '-').replace('_', '-')}.example", zone)
    assert client.command("select toTimeZone(toDateTime(0), {zone:String}) is not null", parameters={"zone": zone}) == 1
    assert pl.Series([0]).cast(pl.Datetime("ms", "UTC")).dt.convert_time_zone(zone).len() == 1
    assert site in all_sites(client)


def test_an_identity_that_is_not_one(serving, of):
    done = of(serving, "site", "add", "b.example", "--identity", "cookie")
    assert done.returncode == 2
    assert "'cookieless', 'first-party'" in done.stderr


def test_a_refusal_at_the_terminal(serving, of):
    refused(
        of(serving, "site", "add", "a.example", "--timezone", "berlin"),
        2,
        "'berlin'",
        "did you mean Europe/Berlin?",
    )


def test_site_add_without_a_schema_says_what_to_do(tmp_path):
    done = run("--data-dir", tmp_path / "data", "site", "add", "a.example")
    refused(done, 1)
    assert "footfall init" in done.stderr or "schema apply" in done.stderr


def test_init_twice(tmp_path):
    """The whole of it without an engine that runs: each command opens the directory and lets go."""
    first = run("init", cwd=tmp_path)
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    path = tmp_path / "footfall.toml"
    text = path.read_text()
    assert tomllib.loads(text) == {"collector": {}, "loader": {}}
    assert (tmp_path / "footfall-data").stat().st_mode & 0o777 == 0o700
    assert "next: footfall site add" in first.stderr
    assert run("schema", "status", cwd=tmp_path).returncode == 0
    path.write_text(text + "\n# mine\n")
    second = run("init", cwd=tmp_path)
    assert second.returncode == 0
    assert "already exists" in second.stderr
    assert "schema is current" in second.stderr
    assert path.read_text() == text + "\n# mine\n"


def test_init_writes_the_flags_that_it_was_given_and_comments(tmp_path, serving, command):
    data, url = tmp_path / "data", f"chdb://{serving.root}"
    done = command("--data-dir", data, "--url", url, "init", tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "footfall.toml"
    assert tomllib.loads(path.read_text()) == {"data_dir": str(data), "url": url, "collector": {}, "loader": {}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(path) == Config(data_dir=str(data), url=url, source=path)


@pytest.mark.parametrize("name", ["relative", 'quote"d', "back\\slash", "{brace}"])
def test_init_writes_the_data_directory_it_used(tmp_path, name, serving, command):
    """What the file says is what was made: commands that follow need no flag."""
    data = tmp_path / name
    data.symlink_to(serving.root, target_is_directory=True)
    done = command("--data-dir", name, "init", "conf", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(load(tmp_path / "conf" / "footfall.toml").data_dir).resolve() == serving.root


def test_init_where_nothing_can_be_written(tmp_path, command):
    (tmp_path / "file").write_text("")
    refused(command("init", "file/folder", cwd=tmp_path), 1, "cannot write")
