"""Requests to end (SIGINT, SIGTERM), heard at any moment."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

ENDING = frozenset({signal.SIGINT, signal.SIGTERM})


def on_request_to_end(act: Callable[[], None]) -> None:
    """Call ``act`` for every SIGINT and SIGTERM, in a thread of its own. Call it in the main thread.

    Python runs a handler in the main thread, between two of its steps. A handler that sets an event which the main
    thread waits for comes too late where the main thread is about to wait, or where the kernel gave the signal to
    another thread; and it waits for itself where the main thread holds the event's lock. The byte that Python writes
    for a signal is written at once, by whichever thread has the signal.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in ENDING:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_listen, args=(heard, act), name="signals", daemon=True).start()


def _listen(heard: int, act: Callable[[], None]) -> None:
    while number := os.read(heard, 1):
        if number[0] in ENDING:
            act()
