"""Shared fixtures: a real embedded engine in a directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sql.client import Published
from sql.engine import await_ready
from sql.home import Home

SHARED = Path(os.environ.get("FOOTFALL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data of others, kept outside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"real data is not here: {SHARED} (set FOOTFALL_TEST_DATA)")
    return SHARED


def start_engine(home: Home) -> tuple[subprocess.Popen[bytes], Published]:
    """An engine process on ``home`` that answers."""
    child = subprocess.Popen([sys.executable, "-m", "sql.engine", str(home.root)])
    return child, await_ready(home, 30, lambda: child.poll() is None)


@pytest.fixture(scope="session")
def engine_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("engine")).make()


@pytest.fixture(scope="session")
def engine(engine_home: Home):
    """One embedded engine for the whole run."""
    child, published = start_engine(engine_home)
    yield published
    child.terminate()
    child.wait(30)
