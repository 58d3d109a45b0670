"""The README, followed word for word: its first event is in its first report."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

README = (Path(__file__).parents[1] / "README.md").read_text()


def block(begins: str) -> str:
    """The one code block of the README that begins so."""
    [found] = [text for text in re.findall(r"```sh\n(.*?)```", README, re.S) if text.startswith(begins)]
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_first_event_is_in_the_first_report(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "FOOTFALL_COLLECTOR_PORT": str(port)}

    def run(script: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    setup = block("footfall init")
    printed = run("\n".join(line for line in setup.splitlines() if "footfall serve" not in line))
    [key] = re.findall(r"write key: (wk_\S+)", printed)
    with (tmp_path / "serve.log").open("wb") as log:
        [serve] = [line.split("#")[0].split() for line in setup.splitlines() if "footfall serve" in line]
        server = subprocess.Popen(serve, cwd=tmp_path, env=env, stderr=log, stdout=log)
    try:
        deadline = time.monotonic() + 120
        while b"collector on" not in (said := (tmp_path / "serve.log").read_bytes()):
            assert time.monotonic() < deadline, said.decode()
            assert server.poll() is None, said.decode()
        post = block("KEY=").replace("wk_...", key).replace("8080", str(port))
        assert '"accepted":1' in run(f'curl() {{ command curl -sS --retry 20 --retry-connrefused "$@"; }}\n{post}')
        report = block("footfall report events")
        while '"signup"' not in (shown := run(report)):
            assert time.monotonic() < deadline, shown
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
