"""How `make test` runs the tracker's checks and pytest: output in two pieces, either's failure, and the end of both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = [sys.executable, str(Path(__file__).with_name("side_by_side.py"))]


def run(first: str, second: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUNNER, "sh", "-c", first, "--", "sh", "-c", second], capture_output=True, text=True)


def test_each_output_is_in_one_piece(tmp_path):
    """Each waits for the other, so that both would be mixed if they were shown as they come."""
    os.mkfifo(tmp_path / "there")
    os.mkfifo(tmp_path / "back")
    done = run(
        f"echo one; echo > {tmp_path}/there; read line < {tmp_path}/back; echo two",
        f"read line < {tmp_path}/there; echo three; echo four >&2; echo > {tmp_path}/back; echo five",
    )
    assert (done.returncode, done.stdout) == (0, "one\ntwo\nthree\nfour\nfive\n")


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("second", [0, 1, 2])
def test_either_failure_is_a_failure(first, second):
    done = run(f"echo a; exit {first}", f"echo b; exit {second}")
    assert done.returncode == bool(first or second)
    assert done.stdout.startswith("a\nb\n")
    assert (f"with status {first}" in done.stdout) == bool(first)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_end_when_it_is_told_to(number):
    """Each tells that it was interrupted, and what it had started is gone: all of them hold the pipe open."""
    wait = "trap 'echo interrupted; kill $!; exit 3' INT; sleep 600 & echo started; wait"
    command = [*RUNNER, "sh", "-c", wait, "--", "sh", "-c", f"{wait} >&2"]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert runner.stdout
    assert runner.stdout.readline() == "started\n"
    runner.send_signal(number)
    rest, _ = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "interrupted\n" in rest
