"""What is tested here is the embedded engine itself."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def engine(embedded):
    """The embedded one, whatever FOOTFALL_TEST_URL says."""
    return embedded
