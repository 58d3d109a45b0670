"""The workflow of the tests says what the project supports."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from sql.client import MINIMUM_VERSION

ROOT = Path(__file__).parents[2]
JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]


def test_every_python_that_is_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = [text.rpartition(" ")[2] for text in project["classifiers"] if "Python :: 3." in text]
    assert JOBS["suite"]["strategy"]["matrix"]["python"] == supported


def test_the_oldest_server_that_is_supported_and_a_newer_one():
    oldest, newer = (tuple(map(int, each.split("."))) for each in JOBS["server"]["strategy"]["matrix"]["clickhouse"])
    assert oldest == MINIMUM_VERSION < newer


def test_it_runs_what_make_has():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    runs = [step["run"].split() for job in JOBS.values() for step in job["steps"] if "run" in step]
    assert {words[-1] for words in runs} == {"system", "lint", "test", "test-server"} <= targets
