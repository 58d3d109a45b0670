"""Who sends must not wait for what can wait: engine and loader give way to the collector."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")


def pids(footfall) -> dict[str, list[int]]:
    return {role: list(footfall.pids(role)) for role in ("engine", "loader", "collector", "worker")}


def test_engine_and_loader_give_way(lasting):
    niceness = {role: {os.getpriority(os.PRIO_PROCESS, pid) for pid in its} for role, its in pids(lasting).items()}
    own = os.getpriority(os.PRIO_PROCESS, 0)
    nicer = min(own + 10, 19)
    assert niceness == {"engine": {nicer}, "loader": {nicer}, "collector": {own}, "worker": {own}}


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel has no autogroups")
def test_their_sessions_do_too(lasting):
    """Where sessions share the processor, the niceness of a process counts only within its own."""
    shares = {
        role: {Path(f"/proc/{pid}/autogroup").read_text().split()[-1] for pid in its}
        for role, its in pids(lasting).items()
    }
    assert shares == {"engine": {"10"}, "loader": {"10"}, "collector": {"0"}, "worker": {"0"}}
