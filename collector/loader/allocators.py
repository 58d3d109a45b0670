"""How the loader's allocators treat memory that is free again: they give it back.

By default Polars' allocator keeps it for ten seconds, in which the loader works through a gigabyte, and the C
library's keeps what was once a large buffer, in as many arenas as there are threads.
"""

from __future__ import annotations

import ctypes
import os

_ALLOCATORS = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:500,muzzy_decay_ms:500", "ARROW_DEFAULT_MEMORY_POOL": "system"}
# Parameters of mallopt(3): buffers from 512 KiB on are mapped, so that they go back at once; two arenas for all.
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8


def return_memory_early() -> None:
    """Must be called before Polars and Arrow are imported; what the operator has set is left as it is."""
    for name, value in _ALLOCATORS.items():
        os.environ.setdefault(name, value)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # musl has none, and no arenas either
        libc.mallopt(_MMAP_THRESHOLD, 512 * 1024)
        libc.mallopt(_ARENA_MAX, 2)
