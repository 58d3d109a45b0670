"""Counting where events stand for more than themselves: rows with a weight, and atoms over them.

A visit or a visitor weighs what its lightest row does. Selection by hash is nested: who is in a smaller sample is in
every larger one too. So a visit with an event of a large share is seen as often as that event is, and stands for as few
others; with an event that is not sampled it is always seen, and stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aggregations.query.atoms import ATOMS, Atom, Per, Weighted
from aggregations.query.sampled import ONE
from aggregations.query.sources import EVENTS, Source, on
from sql.schema.replaced import replaced

_OF_EVENTS = ("pageviews", "events", "revenue")


def of_events(rows: str) -> str:
    """Rows of events with their weight."""
    return f"select *, sample_weight(s.props_number) as weight from (\n{rows}\n) as s"


def of_visits(rows: str, events: str) -> str:
    """Rows of visits with their weight, and sums of their events by weight; ``events`` are all that may be sampled."""
    sums = ", ".join(f"{ATOMS[name].weighted[EVENTS].text} as {name}" for name in _OF_EVENTS)
    own = ", ".join(f"if(w.weight = 0, s.{name} * {ONE}, w.{name}) as weighted_{name}" for name in _OF_EVENTS)
    return (
        f"select s.*, if(w.weight = 0, {ONE}, w.weight) as weight, {own} from (\n{rows}\n) as s\nleft join (\n"
        f"select s.visit_id as of, min(s.weight) as weight, {sums}\nfrom (\n{of_events(events)}\n) as s\n"
        f"group by of having max(s.weight) > {ONE}\n) as w on s.visit_id = w.of"
    )


def summed(columns: Sequence[str], rows: str, atoms: Iterable[Atom], source: Source, share: str) -> str:
    """Atoms by dimensions over rows of a source, as ``s``, that have a weight. ``share`` is put behind each of them.

    ``columns`` are texts of the dimensions, named d0, d1, …
    """
    texts = {f"a_{atom.name}": _text(atom, source) for atom in atoms}
    keys = [f"d{at}" for at in range(len(columns))]
    levels = [per for per in (Per.VISITOR, Per.VISIT) if per in {text.per for text in texts.values()}]
    if not levels:
        tops = [f"toFloat64({text.text}) / {text.unit}{share} as {name}" for name, text in texts.items()]
        return _select([*columns, *tops], rows, keys)
    inner = [*(f"s.{level} as {level}" for level in levels), *(f"{its.text} as {name}" for name, its in texts.items())]
    made = _select([*columns, *inner], rows, [*keys, *levels])
    if len(levels) > 1:
        folded = [f"{'min' if text.per is Per.VISITOR else 'sum'}(i.{name}) as {name}" for name, text in texts.items()]
        made = _select([*keys, Per.VISITOR, *folded], f"(\n{made}\n) as i", [*keys, Per.VISITOR])
    tops = [f"toFloat64(sum(i.{name})) / {text.unit}{share} as {name}" for name, text in texts.items()]
    return _select([*keys, *tops], f"(\n{made}\n) as i", keys)


def counted(file: str) -> str:
    """A query file that counts events and visitors, over rows that have a weight."""
    visitors = "arraySum(tupleElement(minMap([visitor_id], [weight]), 2))"
    for old, text in (("count() as events", "sum(weight)"), ("uniqExact(visitor_id) as visitors", visitors)):
        file = replaced(file, old, f"toUInt64(round({text} / {ONE})) as {old.rpartition(' ')[2]}")
    return file


def _text(atom: Atom, source: Source) -> Weighted:
    text = on(atom.weighted, source)
    if text is None:
        raise ValueError(f"{atom.name} has no weights on {source.name}")
    return text


def _select(chosen: Sequence[str], rows: str, keys: Sequence[str]) -> str:
    return f"select {', '.join(chosen)}\nfrom {rows}" + (f"\ngroup by {', '.join(keys)}" if keys else "")
