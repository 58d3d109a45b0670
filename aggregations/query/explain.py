"""What a question counts, where it is read, and by which SQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aggregations.query import dimensions, where
from aggregations.query.metrics import METRICS, SAMPLED
from aggregations.query.model import FUNNEL_FIGURES
from aggregations.query.planner import Part
from aggregations.query.sources import EVENTS, VISITS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.answer import Asked


def explained(client: Client, asked: Asked) -> str:
    """Definitions, sources with the reasons, the statement with its values, and what it took: it is run once more."""
    query, told = asked.query, asked.statement
    names = query.metrics if query.funnel is None else FUNNEL_FIGURES
    lines = [f"{name}: {METRICS[name].definition}" for name in names]
    lines += [f"{name}: {dimensions.find(name).about}" for name in query.dimensions]
    if query.where is not None:
        lines.append(f"where {where.written(query.where)}")
    if query.segment is not None:
        lines.append(f"of visitors with {where.written(query.segment)}")
    if asked.goal is not None:
        lines.append(f"goal {query.goal}: {where.written(asked.goal)}")
    if note := asked.sampled_note:
        lines += [note, SAMPLED]
    sources = [line for part in asked.parts for line in [*_chosen(part), *_closed(asked, part)]]
    if query.funnel is not None:
        sources = [f"steps of {query.funnel.name}: from {EVENTS.name} ({EVENTS.about})"]
    lines += ["", *sources, "", told.text, ""]
    lines += [f"  {name} = {value!r}" for name, value in told.values.items() if f"{{{name}:" in told.text]
    started = time.perf_counter()
    summary = client.query(told.text, parameters=told.values, settings=told.settings).summary
    seconds = time.perf_counter() - started
    rows, size = int(summary.get("read_rows", 0)), int(summary.get("read_bytes", 0))
    return "\n".join([*lines, "", f"{rows:,} rows, {size:,} bytes read, {seconds:.3f} s"])


def _closed(asked: Asked, part: Part) -> list[str]:
    """Which days or months are read from closed tables."""
    first, last = asked.period.first, asked.period.last
    if part.source is VISITS and not asked.query.exact and asked.closed.until >= first:
        more = len([day for day in asked.closed.open if first <= day <= last])
        return [f"  closed up to {min(asked.closed.until, last)}" + (f", but for {more} days" if more else "")]
    if part.source.monthly and part.source.monthly in asked.statement.text:
        months = len(asked.closed.months_of(part.source.monthly, first, last))
        return [f"  {months} closed months from {part.source.monthly}"]
    return []


def _chosen(part: Part) -> list[str]:
    counted = ", ".join(atom.name for atom in part.atoms)
    over = " over the whole" if part.whole else " of visits that completed the goal" if part.goal else ""
    lines = [f"{counted}{over}: from {part.source.name} ({part.source.about})"]
    return [*lines, *(f"  not from {source.name}: {why}" for source, why in part.refused)]
