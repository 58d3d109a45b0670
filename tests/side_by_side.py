"""Two commands at the same time: ``python tests/side_by_side.py one command -- another command``.

The output of the first is shown as it comes, then that of the second, so that each is in one piece and the second one's
last line is the last of all. Fails if either fails. Ctrl-c and SIGTERM end both, as ctrl-c ends what a terminal runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO


def start(command: list[str], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """In a process group of its own: what signals it gets, and how often, is decided here."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output and subprocess.STDOUT, process_group=0
    )


def follow(process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    """Show what it has written, and what it writes until it ends."""
    ended = False
    while not ended:
        ended = process.poll() is not None
        sys.stdout.buffer.write(output.read())
        sys.stdout.buffer.flush()
        if not ended:
            time.sleep(0.2)


def main(words: list[str]) -> int:
    """0 if both commands ended with 0."""
    cut = words.index("--")
    running: list[subprocess.Popen[bytes]] = []

    def interrupt(*_: object) -> None:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    with tempfile.NamedTemporaryFile() as output, open(output.name, "rb") as reader:  # noqa: PTH123
        running.append(second := start(words[cut + 1 :], output))
        running.append(first := start(words[:cut]))
        first.wait()
        follow(second, reader)
    if first.returncode:
        print(f"failed before that, with status {first.returncode}: {' '.join(words[:cut])}", flush=True)
    return int(bool(first.returncode or second.returncode))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
