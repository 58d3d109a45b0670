"""A table of sites that cannot be read: the one before stays in force, and nobody is told that a good key is wrong."""

from __future__ import annotations

import os
import time

import pytest

from collector.sites.snapshot import LOOK_SECONDS
from sql.core.data_dir import DataDir


def damaged(home: DataDir) -> None:
    home.sites_file.write_bytes(b"[{")
    os.utime(home.sites_file, ns=(1, 1))


def a_directory(home: DataDir) -> None:
    home.sites_file.unlink()
    home.sites_file.mkdir()


def gone(home: DataDir) -> None:
    home.sites_file.unlink()


UNREADABLE = [damaged, a_directory, gone]


@pytest.mark.parametrize("spoil", UNREADABLE)
def test_the_table_before_stays_in_force(alone, spoil):
    collector = alone(workers=1)
    collector.start()
    assert collector.post("before") == 202
    spoil(collector.home)
    looked = time.monotonic() + 2 * LOOK_SECONDS
    while time.monotonic() < looked:
        assert collector.post("after") == 202
    collector.key = "wk_wrong"
    assert collector.post("wrong") == 403


@pytest.mark.parametrize("spoil", UNREADABLE)
def test_without_any_table_it_is_a_matter_of_time(alone, until, spoil):
    collector = alone(workers=1)
    before = collector.home.sites_file.read_bytes()
    spoil(collector.home)
    collector.start()
    assert collector.post("early") == 503
    if collector.home.sites_file.is_dir():
        collector.home.sites_file.rmdir()
    collector.home.sites_file.write_bytes(before)
    until(lambda: collector.post("later") == 202, 5, "the sites are known")
