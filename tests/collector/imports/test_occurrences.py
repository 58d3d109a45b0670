"""How often a line came before."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collector.imports.occurrences import Occurrences


def key(number: int) -> bytes:
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little")


@given(st.lists(st.integers(0, 40)))
def test_counts_as_a_counter_does(numbers: list[int]) -> None:
    occurrences, seen = Occurrences(), Counter[int]()
    for number in numbers:
        seen[number] += 1
        assert occurrences.count(key(number)) == seen[number]


@given(st.lists(st.integers(0, 12), max_size=200))
def test_the_last_lines_are_known_beyond_the_bound(numbers: list[int]) -> None:
    """With a bound of 20: what came within the last 4 different lines is counted on."""
    occurrences, again = Occurrences(20), Occurrences(20)
    last: dict[int, int] = {}
    for at, number in enumerate(numbers):
        found = occurrences.count(key(number))
        assert again.count(key(number)) == found, "a file gives the same numbers every time"
        since = last.get(number)
        if since is not None and len(set(numbers[since:at])) <= 4:
            assert found > 1
        if since is None:
            assert found == 1
        last[number] = at


def test_memory_has_a_bound() -> None:
    occurrences = Occurrences(1000)
    for number in range(1, 20_000):
        occurrences.count(key(number))
        occurrences.count(key(number))
    tables = [table for table in (occurrences._young, occurrences._old) if table is not None]
    assert sum(len(table.table) for table in tables) <= 2 * 4096
    assert sum(len(table.again) for table in tables) <= 500
