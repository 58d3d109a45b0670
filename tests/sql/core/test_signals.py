"""A request to end is heard, whichever thread has the signal and whatever the main thread does at that moment."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sql.core.data_dir import DataDir
from sql.engine.server import await_ready

pytestmark = pytest.mark.process

ENDS_SECONDS = 10.0
# The main thread holds what the request needs, then waits without a bound.
PROGRAM = """
import os, signal, threading
from sql.core.signals import on_request_to_end

stop = threading.Event()
on_request_to_end(stop.set)
with stop._cond:
    os.kill(os.getpid(), signal.{name})
    for _ in range(1000):
        pass
stop.wait()
print("ended in order")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_main_thread_holds_the_lock_of_the_event(name):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name)], capture_output=True, text=True, timeout=ENDS_SECONDS
    )
    assert (done.returncode, done.stdout) == (0, "ended in order\n")


def blocks(pid: int, task: int) -> bool:
    """Whether a thread takes no SIGTERM."""
    lines = Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return bool(int(status["SigBlk"], 16) >> (signal.SIGTERM - 1) & 1)


def test_an_engine_ends_where_another_than_its_main_thread_has_the_signal(tmp_path):
    home = DataDir(tmp_path / "data")
    engine = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)], start_new_session=True)
    try:
        await_ready(home, 60, lambda: engine.poll() is None)
        tasks = sorted(int(entry.name) for entry in Path(f"/proc/{engine.pid}/task").iterdir())
        other = next(task for task in tasks if task != engine.pid and not blocks(engine.pid, task))
        assert ctypes.CDLL(None, use_errno=True).tgkill(engine.pid, other, signal.SIGTERM) == 0
        assert engine.wait(ENDS_SECONDS) == 0
    finally:
        engine.kill()
        engine.wait()
