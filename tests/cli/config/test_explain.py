"""What is said of settings is made from them: the new file, the page, the help of flags."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cli import reference
from cli.config import explain
from cli.config.load import load
from cli.config.settings import SETTINGS, Config, sections

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text() == explain.page(), "docs/configuration.md is old: run `make docs`"


def test_every_setting_is_on_the_page_once():
    rows = re.findall(r"^\| `(\w+)` \|.*<br>`(FOOTFALL_\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(each.name, each.variable) for each in SETTINGS.values()]


def test_an_untouched_file_is_the_default(tmp_path):
    path = tmp_path / "footfall.toml"
    path.write_text(explain.template({}))
    assert tomllib.loads(path.read_text()) == {name: {} for name in sections()}
    assert load(path) == Config(data_dir=str(tmp_path / "footfall-data"), source=path)


def test_the_file_shows_every_setting_with_its_default_bounds_and_meaning(tmp_path):
    """Without the # before them, its lines are the defaults."""
    text = explain.template({})
    live = re.sub(r"^#(?! )", "", text, flags=re.MULTILINE)
    shown = tomllib.loads(live)
    flat = {**{k: v for k, v in shown.items() if k not in sections()}}
    flat |= {f"{name}.{k}": v for name in sections() for k, v in shown[name].items()}
    assert flat.keys() == SETTINGS.keys()
    path = tmp_path / "footfall.toml"
    path.write_text(live)
    assert load(path) == Config(data_dir=str(tmp_path / "footfall-data"), source=path)
    told = " ".join(text.replace("\n# ", " ").split())
    for setting in SETTINGS.values():
        assert setting.description.replace("`", "") in told
        assert f"Value: {setting.values}. Variable: {setting.variable}\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_every_setting_is_described():
    for key, setting in SETTINGS.items():
        assert setting.description[0].isupper(), key
        assert setting.description.endswith("."), key
        if isinstance(setting.default, int | float):
            low, high = (float(each.replace(",", "")) for each in re.findall(r"[\d,.]+", setting.values))
            assert low <= setting.default <= high, key
        for example in setting.examples:
            assert type(example) is (list if setting.is_list else type(setting.default)), key


@pytest.mark.parametrize("examples", [each for each in SETTINGS.values() if each.examples], ids=lambda each: each.key)
def test_examples_are_taken(tmp_path, examples):
    given = examples.examples[0]
    found = load(flags={"data_dir": tmp_path, examples.key: tuple(given) if examples.is_list else given})
    assert found != load(flags={"data_dir": tmp_path})


@pytest.mark.parametrize("key", ["data_dir", "url", "collector.geoip_file"])
@pytest.mark.parametrize("text", ["plain", 'quote"d', "back\\slash", "{brace}", "line\nbreak", "ü", "#"])
def test_values_are_written_so_that_they_are_read_again(key, text):
    made = tomllib.loads(explain.template({key: text}))
    for name in key.split("."):
        made = made[name]
    assert made == text


@pytest.mark.parametrize("command", ["serve", "collector"])
def test_the_help_of_flags_is_how_their_settings_are_described(command):
    params = reference.tree().commands[command].params
    assert [p.name for p in params] == ["host", "port", "workers", "durability"]
    for param in params:
        setting = SETTINGS[f"collector.{param.name}"]
        assert setting.description.startswith(param.help)
        assert param.help.endswith(".")


def test_flags_before_commands_are_those_of_settings():
    flags = {p.name for p in reference.tree().params}
    assert flags & SETTINGS.keys() == {"data_dir", "url"}
