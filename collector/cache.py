"""What was worked out for a text is kept for the next time, in bounded memory: bounded by bytes, since who sends the
texts decides how long they are.

Two generations. What is new, or found in the old one, stands in the young one; when that has grown to half of the
bound it becomes the old one, and what was old is forgotten. So what is in use stays, no order is kept, and a text
that is found costs one look into a dictionary.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from sys import getsizeof
from typing import Any, Generic, ParamSpec, TypeVar

K = TypeVar("K")
V = TypeVar("V")
P = ParamSpec("P")
MIB = 1024 * 1024
# A place in a dictionary, half empty as it may be, and the tuples around the texts.
ENTRY_BYTES = 300
# What is larger than this part of the bound is not kept at all.
_LARGEST = 64


class Cache(dict[K, V], Generic[K, V]):
    """``cache[key]`` is ``make(key)``, kept or worked out; keys and values are texts, numbers, or flat tuples of
    them.

    All of it takes at most ``most`` bytes.
    """

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        super().__init__()
        self.most = most
        self._make = make
        self.misses = 0
        self._old: dict[K, V] = {}
        self._young_bytes = self._old_bytes = 0

    def __missing__(self, key: K) -> V:
        if key in self._old:
            value = self._old[key]
        else:
            value = self._make(key)
            self.misses += 1
        size = ENTRY_BYTES + _size(key) + _size(value)
        if size * _LARGEST > self.most:
            return value
        if self._young_bytes + size > self.most // 2:
            self._old, self._old_bytes = dict(self), self._young_bytes
            self.clear()
            self._young_bytes = 0
        self._young_bytes += size
        self[key] = value
        return value

    @property
    def held(self) -> int:
        """Bytes, not less than are taken."""
        return self._young_bytes + self._old_bytes

    def forget(self) -> None:
        """Forget everything."""
        self.clear()
        self._old = {}
        self._young_bytes = self._old_bytes = 0


ALL: dict[str, Cache[Any, Any]] = {}


def remembers(most: int) -> Callable[[Callable[P, V]], Callable[P, V]]:
    """A function whose answers are kept, by its (positional) arguments, in at most ``most`` bytes.

    It gets ``forget``, ``info`` (how often it was found, and how often worked out), and ``of_row``, which takes the
    arguments as one tuple and costs half as much for what is known; without remembering it is at ``__wrapped__``, as
    with functools. ``ALL`` has its cache.
    """

    def decorate(function: Callable[P, V]) -> Callable[P, V]:
        cache: Cache[tuple[Any, ...], V] = Cache(lambda args: function(*args), most)  # type: ignore[call-arg]
        ALL[f"{function.__module__}.{function.__qualname__}"] = cache

        calls = [0]

        @functools.wraps(function)
        def remembering(*args: Any) -> V:
            calls[0] += 1
            return cache[args]

        remembering.info = lambda: (calls[0] - cache.misses, cache.misses)  # type: ignore[attr-defined]
        remembering.forget = cache.forget  # type: ignore[attr-defined]
        remembering.of_row = cache.__getitem__  # type: ignore[attr-defined]
        return remembering  # type: ignore[return-value]

    return decorate


def _size(thing: object) -> int:
    """Bytes of a text or a number, or of those in a tuple. What several hold in common is counted for each, but for
    what is empty, of which there is only one.
    """
    return sum(map(getsizeof, filter(None, thing))) if isinstance(thing, tuple) else getsizeof(thing)
