"""`make demo` leaves a demo alone that is in use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["serve_lock", "engine_lock"])
def test_a_demo_in_use_stays(tmp_path, name):
    home = DataDir(tmp_path / ".demo" / "footfall-data").make()
    lock = OwnedLock(getattr(home, name), "footfall serve")
    assert lock.try_acquire()
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.demo"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f".demo is in use by process {os.getpid()} (footfall serve); stop it first\n"
    assert home.root.is_dir()
