"""Which backups to keep: the last one of each of the latest days, weeks and months that have one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence

from collector.lifecycle.backup import Backup
from sql.core.errors import UsageError

_PERIODS: dict[str, Callable[[dt.datetime], tuple[int, ...]]] = {
    "d": lambda moment: (moment.year, moment.month, moment.day),
    "w": lambda moment: moment.isocalendar()[:2],
    "m": lambda moment: (moment.year, moment.month),
    "y": lambda moment: (moment.year,),
}


def rules(text: str) -> dict[str, int]:
    """How many days, weeks, months and years keep a backup, of a text such as 7d,4w,12m. Raises UsageError."""
    found: dict[str, int] = {}
    for word in text.split(","):
        match = re.fullmatch(r"([0-9]{1,4})([dwmy])", word.strip())
        if match is None or not int(match[1]):
            raise UsageError(f"not a rule for backups to keep: {word.strip()!r}", "such as 7d,4w,12m")
        found[match[2]] = int(match[1])
    return found


def unwanted(backups: Sequence[Backup], keep: dict[str, int]) -> list[Backup]:
    """Backups that no rule keeps, the oldest first. The latest one is always kept. Days are of UTC."""
    latest = sorted(backups, key=lambda each: each.manifest.taken, reverse=True)
    kept = {latest[0].name} if latest else set()
    for unit, number in keep.items():
        periods: dict[tuple[int, ...], str] = {}
        for each in latest:
            periods.setdefault(_PERIODS[unit](each.manifest.taken), each.name)
        kept.update(list(periods.values())[:number])
    return [each for each in reversed(latest) if each.name not in kept]
