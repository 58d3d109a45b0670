"""How long the disk lasts at the rate at which events came in lately."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DAYS = 28


@dataclass(frozen=True, slots=True)
class Forecast:
    """``stored`` bytes of all tables; ``a_day`` new ones, by the last ``DAYS`` days; ``free`` bytes of the disk."""

    stored: int
    a_day: float
    free: int

    @property
    def days(self) -> float | None:
        """Until the disk is full, in days; None where nothing came in."""
        return self.free / self.a_day if self.a_day > 0 else None


def forecast(client: Client, folder: Path) -> Forecast:
    """The forecast of a database and the disk that ``folder`` is on."""
    [(stored, events, recent)] = client.query(query("retention/growth"), parameters={"days": DAYS}).result_rows
    each = stored / events if events else 0.0
    return Forecast(stored, each * recent / DAYS, shutil.disk_usage(folder).free)


def shown(its: Forecast) -> str:
    """A forecast in a line."""
    said = f"Tables take {_size(its.stored)}, {_size(its.free)} of the disk are free."
    if its.days is None:
        return said
    lasts = f"{its.days:,.0f} days" if its.days < 3650 else "more than ten years"
    return f"{said} At {_size(its.a_day)} a day (last {DAYS} days) that lasts {lasts}."


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
