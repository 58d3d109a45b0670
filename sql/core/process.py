"""Life and death of child processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

PARENT = "FOOTFALL_PARENT"
# A ninth of the share of a process that does not give way.
NICENESS = 10
_AUTOGROUP = Path("/proc/self/autogroup")
_PR_SET_PDEATHSIG = 1


def raise_descriptor_limit() -> None:
    """As many open files as the system allows this process: soft limits are made for programs of another kind."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptor_limit() -> int:
    """How many files and connections this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else sys.maxsize


def forbid_core_dumps() -> None:
    """No image of this process and its children on a disk when they crash: their memory holds visitors' addresses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def give_way() -> None:
    """Let other processes have the processor first, where it does not suffice for all. Threads that run already stay
    as they are.

    What is in the spool can wait; who sends cannot. An engine that merges has many threads at work, and each would get
    as much of the processor as a whole worker of the collector. Linux shares the processor among sessions first
    (autogroup), and ours are sessions of their own: there a process's own niceness says nothing to the others.
    """
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(NICENESS))


def child_environment() -> dict[str, str]:
    """The environment for a child that must end with this process: it names the parent for ``die_with_parent``."""
    return os.environ | {PARENT: str(os.getpid())}


def die_with_parent(parent: int | None = None) -> None:
    """Get a SIGTERM when ``parent`` goes, however it goes (Linux; elsewhere nothing happens); end at once where it is
    gone already.

    ``parent`` is left out by a process whose parent used ``child_environment``; where it did not, nothing happens. The
    parent has to say its own pid: a child that asks for it may ask too late, and take the one who adopted it for it.
    """
    parent = parent or int(os.environ.pop(PARENT, "0"))
    if not parent or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGTERM)
