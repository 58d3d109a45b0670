"""Settings: the file, the environment over it, arguments over both; and what is wrong is said in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.config.load import load, read
from cli.config.settings import SETTINGS, Config, as_text, as_toml
from cli.config.sources import RENAMED, Origin
from cli.loading import loader_options
from collector.choices import Durability, LogFormat
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


# Another value for every setting: in the file's words, and as it is in force.
OTHERS = {
    "data_dir": "data",
    "url": "clickhouse://u:p@h:8123/db",
    "log_format": LogFormat.JSON,
    "backup_to": "s3://bucket/footfall",
    "collector.host": "0.0.0.0",  # noqa: S104
    "collector.port": 9000,
    "collector.workers": 4,
    "collector.durability": Durability.OS,
    "collector.segment_bytes": 1000,
    "collector.segment_max_age_seconds": 2.5,
    "collector.spool_max_bytes": 5000,
    "collector.geoip_file": "geo.mmdb",
    "collector.data_centre_file": "/etc/clouds.txt",
    "collector.spam_file": "spam, hosts.txt",
    "collector.trusted_proxies": ("10.0.0.1", "10.0.0.0/24", "::1"),
    "collector.max_batch_events": 10,
    "collector.max_body_bytes": 2000,
    "collector.max_event_bytes": 1000,
    "collector.max_properties": 5,
    "collector.max_property_name": 6,
    "collector.max_text": 7,
    "collector.site_events_per_second": 10,
    "collector.site_burst": 20,
    "collector.address_requests_per_second": 0,
    "collector.address_burst": 40,
    "collector.metrics_networks": ("10.1.0.0/16",),
    "collector.request_timeout_seconds": 5.0,
    "collector.connections_per_address": 9,
    "collector.script_path": "/js/site.js",
    "collector.events_path": "/js/notes",
    "collector.pixel_path": "/js/notes.gif",
    "loader.idempotency_days": 30,
}
FILES = ("data_dir", "collector.geoip_file", "collector.data_centre_file", "collector.spam_file")


def value(config, key):
    for name in key.split("."):
        config = getattr(config, name)
    return config


def in_force(key, folder):
    return str(folder / OTHERS[key]) if key in FILES else OTHERS[key]


def toml(key, text):
    section, _, name = key.rpartition(".")
    return f"[{section}]\n{name} = {text}\n" if section else f"{name} = {text}\n"


def test_an_empty_file_is_the_default(here):
    path = write(here, "")
    assert load() == Config(data_dir=str(here / "footfall-data"), source=path)
    assert {read().origin(key) for key in SETTINGS} == {Origin.DEFAULT}


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_in_the_file(here, key):
    write(here / "conf", toml(key, as_toml(OTHERS[key])))
    found = read(here / "conf" / "footfall.toml")
    assert found.problems == []
    assert value(found.config, key) == in_force(key, here / "conf") != SETTINGS[key].default
    assert type(value(found.config, key)) is type(SETTINGS[key].default)
    assert [each for each in SETTINGS if found.origin(each) is Origin.FILE] == [key]


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_as_a_variable(here, key, monkeypatch):
    """Over the file's, and a relative file's name starts here."""
    write(here / "conf", toml(key, as_toml(SETTINGS[key].default)))
    section, _, name = key.rpartition(".")
    monkeypatch.setenv(f"FOOTFALL_{section.upper()}_{name.upper()}" if section else f"FOOTFALL_{name.upper()}",
                       as_text(OTHERS[key]))  # fmt: skip
    found = read(here / "conf" / "footfall.toml")
    assert found.problems == []
    assert value(found.config, key) == in_force(key, here)
    assert type(value(found.config, key)) is type(SETTINGS[key].default)
    assert found.origin(key) is Origin.ENVIRONMENT
    assert found.origin("loader.idempotency_days" if key != "loader.idempotency_days" else "url") is Origin.DEFAULT


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_as_a_flag(here, key, monkeypatch):
    """Over the variable's and the file's."""
    write(here / "conf", toml(key, as_toml(SETTINGS[key].default)))
    if as_text(SETTINGS[key].default):
        monkeypatch.setenv(SETTINGS[key].variable, as_text(SETTINGS[key].default))
    found = read(here / "conf" / "footfall.toml", {key: OTHERS[key]})
    assert found.problems == []
    assert value(found.config, key) == in_force(key, here)
    assert found.origin(key) is Origin.FLAG


def test_what_is_made_of_settings(here):
    write(
        here,
        "".join(toml(key, as_toml(OTHERS[key])) for key in ("url", "collector.max_text", "loader.idempotency_days")),
    )
    config = load()
    assert config.database_url == OTHERS["url"]
    assert config.collector.limits == Limits(text=7)
    assert loader_options(config).idempotency_days == 30
    assert loader_options(load(flags={"collector.spam_file": "spam.txt"})).spam_file == here / "spam.txt"


def test_a_whole_number_will_do_for_one_with_a_fraction(here):
    write(here, "[collector]\nsegment_max_age_seconds = 2\n")
    assert repr(load().collector.segment_max_age_seconds) == "2.0"


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("10.0.0.1", ("10.0.0.1",)),
        (" 10.0.0.1 ,, 10.1.0.0/16,", ("10.0.0.1", "10.1.0.0/16")),
        (",", ()),
        ("", ("10.9.9.9",)),
    ],
    ids=["one", "spaces", "none", "not set"],
)
def test_lists_in_variables(here, monkeypatch, text, networks):
    write(here, '[collector]\ntrusted_proxies = ["10.9.9.9"]\n')
    monkeypatch.setenv("FOOTFALL_COLLECTOR_TRUSTED_PROXIES", text)
    assert load().collector.trusted_proxies == networks


def test_found_in_a_parent_directory(here, monkeypatch):
    path = write(here, 'data_dir = "data"')
    deep = here / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert (load().source, load().data_dir) == (path, str(here / "data"))
    near = write(here / "a", 'data_dir = "near"')
    assert (load().source, load().data_dir) == (near, str(here / "a" / "near"))


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
    config = load(flags=arguments)
    assert config.url == SOURCES[wins]
    assert config.data_dir == str(here / wins)


def test_empty_variables_are_none(here, monkeypatch):
    write(here, 'url = "clickhouse://file"')
    for name in ("FOOTFALL_URL", "FOOTFALL_DATA_DIR", "FOOTFALL_CONFIG"):
        monkeypatch.setenv(name, "")
    assert (load().url, load().data_dir) == ("clickhouse://file", str(here / "footfall-data"))


def test_which_file(here, monkeypatch):
    write(here, 'data_dir = "found"')
    named, argument = write(here / "n", 'data_dir = "named"'), write(here / "a", 'data_dir = "argument"')
    assert load().data_dir == str(here / "found")
    monkeypatch.setenv("FOOTFALL_CONFIG", str(named))
    assert load().data_dir == str(here / "n" / "named")
    assert load(argument).data_dir == str(here / "a" / "argument")


def test_data_dir_is_relative_to_its_file_and_an_argument_to_here(here, monkeypatch):
    write(here, 'data_dir = "data"')
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    assert load().data_dir == str(here / "data")
    assert load(flags={"data_dir": Path("data")}).data_dir == str(here / "sub" / "data")
    (here / "footfall.toml").write_text(f'data_dir = "{here}/absolute"')
    assert load().data_dir == str(here / "absolute")


def test_without_a_file_a_data_directory_is_enough(here):
    assert load(flags={"data_dir": Path("data")}).data_dir == str(here / "data")
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
        ("data_dir = 5", "data_dir must be non-empty text, not 5"),
        ("url = 5", "url must be text, not 5"),
        ("data_dir = ''", "data_dir must be non-empty text, not ''"),
        ("[collector]\nhost = ''", "host must be non-empty text, not ''"),
        ("url = 'chdb:///a%00b'", "url: a directory.s name cannot contain a NUL"),
        ('[collector]\nhost = "a\\u0000b"', "host must not contain a NUL byte"),
        ('[collector]\ngeoip_file = "a\\u0000b"', "geoip_file must not contain a NUL byte"),
        ("[collector]\ndurability = 'fsnyc'", r"\[collector\]: durability must be one of fsync, os, not 'fsnyc'"),
        ("[collector]\nport = 2026-11-22", "port must be a whole number"),
        (
            "[loader]\nidempotency_days = 91",
            r"\[loader\]: idempotency_days must be a whole number from 1 to 90, not 91",
        ),
        ("[collector]\nscript_path = 'f.js'", r"\[collector\]: script_path 'f.js' is not a usable path"),
        (
            "[collector]\nevents_path = '/metrics'",
            r"\[collector\]: events_path '/metrics' conflicts with a built-in route",
        ),
        ("url = 'postgres://h'", "not a database URL"),
        ("url = 'http://[::1'", "not a database URL"),
        ("[collector]\nport = '80'", "port must be a whole number from 1 to 65,535, not '80'"),
        ("[collector]\nport = true", "port must be a whole number from 1 to 65,535, not True"),
        ("[collector]\nport = 80.0", r"port must be a whole number from 1 to 65,535, not 80\.0"),
        ("[collector]\nhost = 1", "host must be non-empty text, not 1"),
        ("[collector]\nsegment_max_age_seconds = '1'", "segment_max_age_seconds must be a number from 0.01 to 3,600"),
        ("[collector]\nsegment_max_age_seconds = true", "segment_max_age_seconds must be a number from 0.01 to 3,600"),
        ("[collector]\ntrusted_proxies = '10.0.0.1'", "trusted_proxies must be a list of addresses and networks"),
        ("[collector]\ntrusted_proxies = [1]", "trusted_proxies must be a list of addresses and networks"),
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
    assert str(path) in caught.value.message


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
    config = load(flags={"data_dir": here / name})
    home = embedded_home(config.database_url)
    assert home
    assert home.root == Path(config.data_dir) == config.home.root


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prot", "did you mean port?"),
        ("country_file", "it was renamed to geoip_file"),
        ("zzz", "known: "),
    ],
)
def test_an_unknown_setting_is_told_which_one_was_meant(tmp_path, name, hint):
    path = tmp_path / "footfall.toml"
    path.write_text(f"[collector]\n{name} = 1\n")
    with pytest.raises(UsageError) as refused:
        load(path)
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("port = 1", "it belongs in [collector]"),
        ("[collector]\nurl = 'x'", "it belongs at the top of the file, before any [table]"),
        ("[colector]\nport = 1", "did you mean collector?"),
    ],
)
def test_a_setting_in_the_wrong_table_is_told_where_it_belongs(here, text, hint):
    write(here, text)
    with pytest.raises(UsageError) as refused:
        load()
    assert refused.value.hint == hint


def test_new_names_are_of_settings():
    known = {each.name for each in SETTINGS.values()}
    assert set(RENAMED.values()) <= known
    assert not RENAMED.keys() & known


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FOOTFALL_COLECTOR_PORT", "FOOTFALL_COLLECTOR_PORT"),
        ("FOOTFALL_COLLECTOR_TRUSTED_PROXY", "FOOTFALL_COLLECTOR_TRUSTED_PROXIES"),
        ("FOOTFALL_LOADER_IDEMPOTENCY_DAY", "FOOTFALL_LOADER_IDEMPOTENCY_DAYS"),
        ("FOOTFALL_DATADIR", "FOOTFALL_DATA_DIR"),
        ("FOOTFALL_CONFIGS", "FOOTFALL_CONFIG"),
    ],
)
def test_a_misspelt_variable_is_told_which_one_was_meant(here, monkeypatch, name, meant):
    write(here, "")
    monkeypatch.setenv(name, "1")
    with pytest.raises(UsageError, match=f"unknown variable {name}") as refused:
        load()
    assert refused.value.hint == f"did you mean {meant}?"


@pytest.mark.parametrize(
    "name",
    [
        "FOOTFALL_KEY",
        "FOOTFALL_VERSION",
        "FOOTFALL_PARENT",
        "FOOTFALL_TEST_DATA",
        "FOOTFALL_SIEGE_SECONDS",
        # What Kubernetes sets for services called footfall and footfall-collector.
        "FOOTFALL_PORT",
        "FOOTFALL_SERVICE_HOST",
        "FOOTFALL_SERVICE_PORT",
        "FOOTFALL_COLLECTOR_SERVICE_HOST",
        "FOOTFALL_COLLECTOR_SERVICE_PORT",
        "FOOTFALL_COLLECTOR_PORT_80_TCP",
        "FOOTFALL_COLLECTOR_PORT_8080_TCP_ADDR",
        "NOT_FOOTFALL_COLECTOR_PORT",
    ],
)
def test_a_variable_of_others_is_left_alone(here, monkeypatch, name):
    write(here, "")
    monkeypatch.setenv(name, "tcp://10.0.0.1:80")
    assert load().collector.port == 8080


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("FOOTFALL_COLLECTOR_PORT", "tcp://10.0.0.1:80", "a whole number from 1 to 65,535, not 'tcp://10.0.0.1:80'"),
        ("FOOTFALL_COLLECTOR_PORT", "0", "a whole number from 1 to 65,535, not '0'"),
        ("FOOTFALL_COLLECTOR_PORT", "80.5", "a whole number from 1 to 65,535, not '80.5'"),
        ("FOOTFALL_COLLECTOR_REQUEST_TIMEOUT_SECONDS", "nan", "a number from 0.1 to 3,600, not 'nan'"),
        ("FOOTFALL_COLLECTOR_DURABILITY", "FSYNC", "one of fsync, os, not 'FSYNC'"),
        ("FOOTFALL_LOG_FORMAT", "x" * 100, "one of auto, text, json, not 'x"),
    ],
)
def test_a_wrong_variable_is_named(here, monkeypatch, variable, text, says):
    write(here, "")
    monkeypatch.setenv(variable, text)
    with pytest.raises(UsageError) as refused:
        load()
    assert refused.value.message.startswith(f"{variable} must be {says}")
    assert len(refused.value.message) < 140


def test_a_wrong_path_is_told_with_where_it_is_from(here, monkeypatch):
    path = write(here, "[collector]\nevents_path = '/x'\npixel_path = '/y'")
    monkeypatch.setenv("FOOTFALL_COLLECTOR_PIXEL_PATH", "/metrics")
    with pytest.raises(UsageError, match=r"^FOOTFALL_COLLECTOR_PIXEL_PATH '/metrics' conflicts with a built-in route"):
        load()
    with pytest.raises(UsageError, match=r"^--pixel-path '/x' conflicts"):
        load(path, {"collector.pixel_path": "/x"})


def test_a_password_is_in_no_error(here, monkeypatch):
    write(here, "url = 'postgres://u:secret@h'")
    monkeypatch.setenv("FOOTFALL_URL", "mysql://u:secret@h")
    problems = [str(each) for each in read(flags={"url": "oracle://u:secret@h"}).problems]
    assert len(problems) == 3
    assert "secret" not in "".join(problems)


def test_everything_that_is_wrong_is_found(here, monkeypatch):
    path = write(
        here, "log_format = 'xml'\n[collector]\nport = 0\nprot = 1\nmetrics_networks = ['all']\n[loader]\na = 1"
    )
    monkeypatch.setenv("FOOTFALL_COLLECTOR_WORKERS", "many")
    monkeypatch.setenv("FOOTFALL_DATADIR", "x")
    found = read(path, {"url": "x"})
    about = [
        "log_format",
        "port",
        "'prot'",
        "metrics_networks",
        "'a'",
        "FOOTFALL_COLLECTOR_WORKERS",
        "FOOTFALL_DATADIR",
        "--url",
    ]
    assert len(found.problems) == len(about)
    for problem, name in zip(found.problems, about, strict=True):
        assert name in problem.message
    with pytest.raises(UsageError, match="log_format"):
        found.valid()


def test_a_value_is_checked_where_another_goes_over_it(here):
    path = write(here, "[collector]\nport = 0")
    with pytest.raises(UsageError, match="port must be"):
        load(path, {"collector.port": 8000})
