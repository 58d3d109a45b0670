"""A data directory for locks, and a directory for files."""

from __future__ import annotations

import pytest

from sql.core.data_dir import DataDir


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "home").make()


@pytest.fixture
def out(tmp_path):
    made = tmp_path / "out"
    made.mkdir()
    return made
