"""How the loader's allocators treat memory that is free again: they give it back.

By default Polars' allocator keeps it for ten seconds, in which the loader works through a gigabyte.
"""

from __future__ import annotations

import os

_ALLOCATORS = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:500,muzzy_decay_ms:500", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def give_back() -> None:
    """Must be called before Polars and Arrow are imported; what the operator has set is left as it is."""
    for name, value in _ALLOCATORS.items():
        os.environ.setdefault(name, value)
