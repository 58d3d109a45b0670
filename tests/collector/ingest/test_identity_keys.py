"""Hashes of identities are this installation's own, and stay what they are."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import blake2b

import pytest

from collector.event import redact
from collector.ingest.identity_keys import CONSTANTS, identity_keys
from collector.ingest.service import AppOptions, Intake
from collector.ingest.visitors import Salts, Visitors
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError


def home_of(path) -> DataDir:
    return DataDir(path).make()


def test_two_installations_cannot_be_joined(tmp_path):
    one, other = (identity_keys(home_of(tmp_path / name)) for name in "ab")
    assert len({one.client, one.user, other.client, other.user}) == 4
    assert redact.user("jane@b.example", one.user) != redact.user("jane@b.example", other.user)
    visitors = [Visitors(Salts(tmp_path / "salts"), keys.client) for keys in (one, other)]
    assert visitors[0].of_client(1, "c") != visitors[1].of_client(1, "c")


def test_they_are_made_once_and_read_by_their_owner_alone(tmp_path):
    home = home_of(tmp_path / "data")
    first = identity_keys(home)
    assert identity_keys(home) == first
    assert home.identity_keys_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.root.iterdir()] == ["identity-keys.json"]


def test_a_fresh_collector_makes_them_and_all_that_come_later_share_them(tmp_path):
    home = home_of(tmp_path / "data")
    first, second = Intake(AppOptions(home)), Intake(AppOptions(home))
    assert identity_keys(home) != CONSTANTS
    assert first.rules.user_key == second.rules.user_key == identity_keys(home).user
    assert first.visitors.of_client(1, "c") == second.visitors.of_client(1, "c")


def test_eight_processes_at_once_agree(tmp_path):
    home = home_of(tmp_path / "data")
    script = """
import sys
from pathlib import Path
from collector.ingest.identity_keys import identity_keys
from collector.ingest.visitors import Salts
from sql.core.data_dir import DataDir
home = DataDir(Path(sys.argv[1]))
keys = identity_keys(home)
Salts(home.salts)
print(keys.client.hex(), keys.user.hex())
"""
    command = [sys.executable, "-c", script, str(home.root)]
    asked = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    told = {process.communicate(timeout=60)[0] for process in asked}
    assert len(told) == 1 and "" not in told
    assert identity_keys(home) != CONSTANTS


def test_a_directory_from_before_keeps_its_visitors(tmp_path):
    """Under constants, as ever: nobody becomes another visitor by an upgrade."""
    home = home_of(tmp_path / "data")
    Salts(home.salts).of_day(20_000)
    intake = Intake(AppOptions(home))
    before = blake2b(b"7\0c", digest_size=8, key=b"client").digest()
    assert intake.visitors.of_client(7, "c")[0] == int.from_bytes(before, "little")
    before = blake2b(b"jane@b.example", digest_size=16, key=b"user").hexdigest()
    assert redact.user("Jane@b.example", intake.rules.user_key) == before
    assert set(json.loads(home.identity_keys_file.read_bytes())) == {"client", "user"}


@pytest.mark.parametrize("text", ["", "{", "{}", '{"client":"AAAA"}'])
def test_damage_is_told_and_nobody_is_hashed_otherwise(tmp_path, text):
    home = home_of(tmp_path / "data")
    home.identity_keys_file.write_text(text)
    with pytest.raises(StorageError, match="damaged"):
        identity_keys(home)
