"""Settings: the file, the environment over it, arguments over both; and what is wrong is said in one line."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from cli.config.config import BOUNDS, RENAMED, CollectorConfig, Config, LoaderConfig, load
from cli.loading import loader_options
from collector.event.limits import Limits
from sql.client import embedded_home
from sql.core.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("FOOTFALL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "footfall.toml"
    path.write_text(text)
    return path


def test_an_empty_file_is_the_default(here):
    path = write(here, "")
    assert load() == Config(here / "footfall-data", source=path)


def test_every_setting(here):
    write(
        here,
        """
        data_dir = "data"
        url = "clickhouse://u:p@h:8123/db"
        log_format = "json"
        [collector]
        host = "0.0.0.0"
        port = 9000
        workers = 4
        durability = "os"
        segment_bytes = 1000
        segment_max_age_seconds = 2
        spool_max_bytes = 5000
        geoip_file = "geo.mmdb"
        data_centre_file = "/etc/clouds.txt"
        spam_file = "spam.txt"
        trusted_proxies = ["10.0.0.1", "10.0.0.0/24", "::1"]
        max_batch_events = 10
        max_body_bytes = 2000
        max_event_bytes = 1000
        max_properties = 5
        max_property_name = 6
        max_text = 7
        site_events_per_second = 10
        site_burst = 20
        address_requests_per_second = 0
        address_burst = 40
        metrics_networks = ["10.1.0.0/16"]
        request_timeout_seconds = 5
        connections_per_address = 9
        script_path = "/js/site.js"
        events_path = "/js/notes"
        pixel_path = "/js/notes.gif"
        """,
    )
    config = load()
    assert config.data_dir == here / "data"
    assert config.url == config.database_url == "clickhouse://u:p@h:8123/db"
    files = str(here / "geo.mmdb"), "/etc/clouds.txt", str(here / "spam.txt")
    bounds = 10, 2000, 1000, 5, 6, 7
    proxies = "10.0.0.1", "10.0.0.0/24", "::1"
    watched = ("10.1.0.0/16",), 5.0, 9, "/js/site.js", "/js/notes", "/js/notes.gif"
    wanted = "0.0.0.0", 9000, 4, "os", 1000, 2.0, 5000, *files, proxies, *bounds, 10, 20, 0, 40, *watched  # noqa: S104
    assert config.log_format == "json"
    assert tuple(getattr(config.collector, f.name) for f in fields(CollectorConfig)) == wanted
    assert isinstance(config.collector.segment_max_age_seconds, float)
    assert config.collector.limits == Limits(*bounds)
    assert loader_options(config).spam_file == here / "spam.txt"


def test_found_in_a_parent_directory(here, monkeypatch):
    path = write(here, 'data_dir = "data"')
    deep = here / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert (load().source, load().data_dir) == (path, here / "data")
    near = write(here / "a", 'data_dir = "near"')
    assert (load().source, load().data_dir) == (near, here / "a" / "near")


def test_a_directory_of_that_name_is_not_the_file(here, monkeypatch):
    path = write(here, "")
    (here / "a" / "footfall.toml").mkdir(parents=True)
    monkeypatch.chdir(here / "a")
    assert load().source == path


SOURCES = {
    "file": "clickhouse://file",
    "environment": "clickhouse://environment",
    "argument": "clickhouse://argument",
}


@pytest.mark.parametrize(
    ("given", "wins"),
    [
        ({"file"}, "file"),
        ({"environment"}, "environment"),
        ({"argument"}, "argument"),
        ({"file", "environment"}, "environment"),
        ({"file", "argument"}, "argument"),
        ({"environment", "argument"}, "argument"),
        ({"file", "environment", "argument"}, "argument"),
    ],
    ids=lambda v: "+".join(sorted(v)) if isinstance(v, set) else "",
)
def test_what_goes_over_what(here, monkeypatch, given, wins):
    write(here, 'url = "clickhouse://file"\ndata_dir = "file"' if "file" in given else "")
    if "environment" in given:
        monkeypatch.setenv("FOOTFALL_URL", SOURCES["environment"])
        monkeypatch.setenv("FOOTFALL_DATA_DIR", "environment")
    arguments = {"data_dir": Path("argument"), "url": SOURCES["argument"]} if "argument" in given else {}
    config = load(**arguments)
    assert config.url == SOURCES[wins]
    assert config.data_dir == here / wins


def test_empty_variables_are_none(here, monkeypatch):
    write(here, 'url = "clickhouse://file"')
    for name in ("FOOTFALL_URL", "FOOTFALL_DATA_DIR", "FOOTFALL_CONFIG"):
        monkeypatch.setenv(name, "")
    assert (load().url, load().data_dir) == ("clickhouse://file", here / "footfall-data")


def test_which_file(here, monkeypatch):
    write(here, 'data_dir = "found"')
    named, argument = write(here / "n", 'data_dir = "named"'), write(here / "a", 'data_dir = "argument"')
    assert load().data_dir == here / "found"
    monkeypatch.setenv("FOOTFALL_CONFIG", str(named))
    assert load().data_dir == here / "n" / "named"
    assert load(argument).data_dir == here / "a" / "argument"


def test_data_dir_is_relative_to_its_file_and_an_argument_to_here(here, monkeypatch):
    write(here, 'data_dir = "data"')
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    assert load().data_dir == here / "data"
    assert load(data_dir=Path("data")).data_dir == here / "sub" / "data"
    (here / "footfall.toml").write_text(f'data_dir = "{here}/absolute"')
    assert load().data_dir == here / "absolute"


def test_without_a_file_a_data_directory_is_enough(here):
    assert load(data_dir=Path("data")).data_dir == here / "data"
    with pytest.raises(UsageError, match=r"no footfall\.toml here or above") as caught:
        load()
    assert "footfall init" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", r"no setting 'prot'"),
        ("[collector]\nprot = 1", r"\[collector\] has no setting 'prot'"),
        ("[collector]\nspool_bytes = 5000", r"\[collector\] has no setting 'spool_bytes'"),
        ("source = 'x'", "no setting 'source'"),
        ("[other]\na = 1", "no setting 'other'"),
        ("collector = 5", r"\[collector\] must be a table"),
        ("[[collector]]\nport = 1", r"\[collector\] must be a table"),
        ("data_dir = 5", "data_dir must be"),
        ("url = 5", "url must be str, not 5"),
        ("[collector]\nscript_path = 'f.js'", r"\[collector\]: script_path cannot be 'f.js'"),
        (
            "[collector]\nevents_path = '/metrics'",
            r"\[collector\]: events_path '/metrics' conflicts with a built-in route",
        ),
        ("url = 'postgres://h'", "cannot understand"),
        ("url = 'http://[::1'", "cannot understand"),
        ("[collector]\nport = '80'", "port must be int, not '80'"),
        ("[collector]\nport = true", "port must be int, not True"),
        ("[collector]\nport = 80.0", r"port must be int, not 80\.0"),
        ("[collector]\nhost = 1", "host must be str"),
        ("[collector]\nsegment_max_age_seconds = '1'", "segment_max_age_seconds must be float"),
        ("[collector]\nsegment_max_age_seconds = true", "segment_max_age_seconds must be float"),
        ("[collector]\ntrusted_proxies = '10.0.0.1'", "trusted_proxies must be"),
        ("[collector]\ntrusted_proxies = [1]", "trusted_proxies must be"),
        ("[collector]\ntrusted_proxies = ['proxy.example']", "trusted_proxies: 'proxy.example' does not appear"),
        ("[collector]\ntrusted_proxies = ['10.0.0.1/8']", "10.0.0.1/8 has host bits set"),
        ("[collector]\ntrusted_proxies = ['10.0.0.1:80']", "trusted_proxies: '10.0.0.1:80'"),
        ("[collector]\nmetrics_networks = ['10.0.0.1/8']", "has host bits set"),
        ("[collector]\nmetrics_networks = ['all']", "metrics_networks: 'all' does not appear"),
        ("log_format = 'xml'", "log_format must be one of auto, text, json"),
        ("data_dir = ", "not valid TOML"),
        ("a = 1\na = 2", "not valid TOML"),
        ("\x00", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(here, text, says):
    path = write(here, text)
    with pytest.raises(UsageError, match=says) as caught:
        load()
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message or "url" in text


@pytest.mark.parametrize(
    "text",
    ["port = 0", "port = 70000", "port = -1", "workers = 0", "workers = -2", "segment_bytes = 0",
     "spool_max_bytes = -1",
     "site_events_per_second = -1", "site_burst = 0", "address_requests_per_second = -1", "address_burst = 0",
     "segment_max_age_seconds = 0", "segment_max_age_seconds = -1", "segment_max_age_seconds = nan",
     "segment_max_age_seconds = inf"],
)  # fmt: skip
def test_figures_that_make_no_sense(here, text):
    write(here, f"[collector]\n{text}")
    with pytest.raises(UsageError, match=text.split()[0]):
        load()


def test_a_file_that_is_no_text(here):
    (here / "footfall.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not valid TOML"):
        load()


def test_a_file_that_is_not_there_or_cannot_be_read(here):
    with pytest.raises(UsageError, match="no such file"):
        load(here / "nope.toml")
    with pytest.raises(UsageError, match="cannot read"):
        load(here)


@pytest.mark.parametrize(
    "name", ["plain", "with space", "50%", "a%20b", "what?", "hash#tag", "ä", "a;b", "a&b=c", "at@home"]
)
def test_the_embedded_engine_lies_in_the_data_directory_whatever_its_name(here, name):
    config = load(data_dir=here / name)
    home = embedded_home(config.database_url)
    assert home
    assert home.root == config.data_dir == config.home.root


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prot", "did you mean port?"),
        ("country_file", "it is called geoip_file now"),
        ("zzz", "known: "),
    ],
)
def test_an_unknown_setting_is_told_which_one_was_meant(tmp_path, name, hint):
    path = tmp_path / "footfall.toml"
    path.write_text(f"[collector]\n{name} = 1\n")
    with pytest.raises(UsageError) as refused:
        load(path)
    assert hint in str(refused.value.hint)


def test_bounds_and_new_names_are_of_settings():
    known = {each.name for table in (CollectorConfig, LoaderConfig) for each in fields(table)}
    assert BOUNDS.keys() | set(RENAMED.values()) <= known
    assert not RENAMED.keys() & known
