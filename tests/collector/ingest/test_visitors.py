"""Cookieless visitors: the same for all collectors of a machine today, and for nobody after two days."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from collector.ingest.visitors import SALT_LIFE_SECONDS, Salts, Visitors

DAY = 20_700
NOON = DAY * 86_400 + 43_200
HOUR = 3600
CHILD = """
import sys
from pathlib import Path
from collector.ingest.visitors import Salts, Visitors
visitors = Visitors(Salts(Path(sys.argv[1]), lambda: float(sys.argv[2])))
print(*visitors.of(7, "203.0.113.77", "agent", int(sys.argv[2]) * 1000))
"""


class Clock:
    def __init__(self, now):
        self.now = float(now)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def salts(tmp_path, clock):
    return Salts(tmp_path / "salts", clock)


def test_processes_that_start_at_once_agree(tmp_path):
    run = [sys.executable, "-c", CHILD, str(tmp_path / "salts"), str(NOON)]
    children = [subprocess.Popen(run, stdout=subprocess.PIPE) for _ in range(4)]
    answers = {child.communicate(timeout=30)[0] for child in children}
    assert len(answers) == 1
    assert [child.returncode for child in children] == [0] * 4
    assert len(list((tmp_path / "salts").iterdir())) == 2  # and no half-made ones


def test_the_file_of_another_wins(tmp_path, clock, monkeypatch):
    """Between looking and making, another collector made the salt."""
    first, second = Salts(tmp_path / "salts", clock), Salts(tmp_path / "salts", clock)
    real, theirs = os.open, []

    def late(path, *args, **more):
        fd = real(path, *args, **more)
        if not theirs:
            theirs.append(None)
            theirs[0] = second.of_day(DAY)
        return fd

    monkeypatch.setattr(os, "open", late)
    assert first.of_day(DAY) == theirs[0]
    assert len(list((tmp_path / "salts").iterdir())) == 1


def test_salts_are_random_secret_and_daily(salts):
    today, yesterday = salts.of_day(DAY), salts.of_day(DAY - 1)
    assert len({today, yesterday}) == 2
    assert len(today) == len(yesterday) == 32
    assert salts.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in salts.folder.iterdir()} == {0o600}
    assert sorted(path.name for path in salts.folder.iterdir()) == ["2026-09-03", "2026-09-04"]


def test_a_salt_lives_48_hours_and_no_longer(salts, clock):
    made = salts.of_day(DAY)
    clock.now += SALT_LIFE_SECONDS
    assert salts.of_day(DAY) == made
    clock.now += 601
    salts.of_day(DAY + 2)
    assert not (salts.folder / "2026-09-04").exists()
    assert salts.of_day(DAY) != made


def test_sweep_says_how_many_and_spares_the_young(salts, clock):
    salts.of_day(DAY)
    clock.now += 30 * HOUR
    young = salts.of_day(DAY + 1)
    clock.now += 30 * HOUR
    assert salts.sweep() == 1
    assert salts.of_day(DAY + 1) == young


def test_a_swept_salt_is_not_kept_in_memory(tmp_path, clock):
    one, other = Salts(tmp_path / "salts", clock), Salts(tmp_path / "salts", clock)
    made = one.of_day(DAY)
    clock.now += SALT_LIFE_SECONDS + 1
    assert other.sweep() == 1
    assert one.of_day(DAY) != made


def test_two_that_sweep_at_once(tmp_path, clock, monkeypatch):
    one, other = Salts(tmp_path / "salts", clock), Salts(tmp_path / "salts", clock)
    one.of_day(DAY)
    clock.now += SALT_LIFE_SECONDS + 1
    listed = list(one.folder.iterdir())
    other.sweep()
    monkeypatch.setattr(type(one.folder), "iterdir", lambda self: iter(listed))
    assert one.sweep() == 0


def test_a_visitor_is_site_address_agent_and_day(salts):
    visitors = Visitors(salts)
    base = (7, "203.0.113.77", "agent", NOON * 1000)
    same = visitors.of(*base)
    assert visitors.of(7, "203.0.113.77", "agent", (DAY + 1) * 86_400_000 - 1) == same
    for at, other in enumerate([8, "203.0.113.78", "agent2", (DAY + 1) * 86_400_000]):
        changed = visitors.of(*base[:at], other, *base[at + 1 :])
        assert not set(changed) & set(same) or at == 3
        assert changed[0] != same[0]
    assert all(0 < value < 2**64 for value in same)


def test_the_day_before_joins_midnight(salts):
    visitors = Visitors(salts)
    midnight = DAY * 86_400_000
    before, after = (visitors.of(7, "203.0.113.77", "agent", midnight + ms) for ms in (-1, 0))
    assert after[1] == before[0]
    assert after[0] != before[0]


def test_fields_do_not_run_into_each_other(salts):
    visitors = Visitors(salts)
    assert visitors.of(7, "1", "1 agent", 0) != visitors.of(7, "11", " agent", 0)
    assert visitors.of(1, "1.2.3.4", "", 0) != visitors.of(11, ".2.3.4", "", 0)


@pytest.mark.parametrize("agent", ["", "\0", "\udcff", "ä" * 600], ids=ascii)
def test_no_agent_raises(salts, agent):
    assert Visitors(salts).of(7, "", agent, NOON * 1000)


def test_a_client_is_the_same_on_every_day_and_apart_by_site(salts):
    visitors = Visitors(salts)
    assert visitors.of_client(7, "c") == visitors.of_client(7, "c")
    assert visitors.of_client(7, "c")[1] == 0
    assert len({visitors.of_client(site, c)[0] for site in (7, 8) for c in ("c", "d")}) == 4
