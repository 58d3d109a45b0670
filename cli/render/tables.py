"""Tables for a terminal: right-aligned figures, small bars, a line over time, what changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import accumulate, pairwise, takewhile
from typing import TYPE_CHECKING, Any

from aggregations.query.metrics import METRICS, Metric, Unit
from cli.render.view import WIDTH, Layout, View

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

NOTHING = "–"
SHORTEST_TEXT = 8
GAP = 2
BAR_CELLS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"


def show(frame: pl.DataFrame, view: View) -> None:
    """Print to stdout, as wide as the terminal (80 columns where it is none)."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    _print(console, frame, view)


def text_of(frame: pl.DataFrame, view: View, width: int = WIDTH) -> str:
    """The table as plain text of at most ``width`` columns."""
    import io

    from rich.console import Console

    out = io.StringIO()
    _print(Console(file=out, width=width, highlight=False, no_color=True, force_terminal=False), frame, view)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _print(console: Console, frame: pl.DataFrame, view: View) -> None:
    from rich.text import Text

    if view.title:
        console.print(Text(view.title, style="bold"))
    if frame.height:
        _print_rows(console, frame.drop(view.below), view)
        for line in (line for name in view.below for text in frame[name] for line in text.splitlines()):
            console.print(Text(cell("", line, "")), soft_wrap=True)
    else:
        console.print(Text(view.nothing, style="dim"))
    if view.footnote:
        console.print(Text(view.footnote, style="dim"))


def _print_rows(console: Console, frame: pl.DataFrame, view: View) -> None:
    from rich.text import Text

    for name in view.sparks:
        label = METRICS[name].label if name in METRICS else name
        console.print(Text(f"{label:<10}").append(sparkline(frame[name].to_list(), console.width - 12), style="cyan"))
    if view.layout is Layout.OVERVIEW:
        console.print(_overview(frame))
    else:
        few = frame.select(view.narrow) if view.narrow else frame
        fitting = _list(frame, view, console.width) or _list(few, view, console.width)
        console.print(fitting or _records(frame, view, console.width))


def _list(frame: pl.DataFrame, view: View, width: int) -> Table | None:
    """One line a row; None where the columns have no room beside each other."""
    from rich.text import Text

    rows = frame.to_dicts()
    headings = {name: heading(name, view) for name in frame.columns}
    cells = {name: [cell(name, row[name], view.blank) for row in rows] for name in frame.columns}
    texts = [name for name, kind in frame.schema.items() if not kind.is_numeric()]
    short = [name for name in texts if name not in view.whole]
    longest = _room(headings, cells, short, width - (BAR_CELLS + GAP if view.bar else 0))
    if not longest:
        return None
    top = max((row[view.bar] or 0 for row in rows), default=0) if view.bar else 0
    table = _table()
    for name in frame.columns:
        table.add_column(headings[name], justify="left" if name in texts else "right", no_wrap=True)
        if name == view.bar:
            table.add_column("", width=BAR_CELLS, no_wrap=True)
    for at, row in enumerate(rows):
        line: list[Text] = []
        for name in frame.columns:
            line.append(Text(middle(cells[name][at], longest) if name in short else cells[name][at]))
            if name == view.bar:
                line.append(Text(bar(row[name] or 0, top), style="cyan"))
        table.add_row(*line)
    return table


def heading(name: str, view: View) -> str:
    """What a column is called: a metric's label, next to it how it was before and how it changed."""
    if name in METRICS:
        return METRICS[name].label
    if name.endswith("_previous"):
        return "Before"
    return "Change" if name.endswith("_change") else view.labels.get(name, name)


def _room(headings: dict[str, str], cells: dict[str, list[str]], texts: list[str], width: int) -> int:
    """How many cells a text may take so that all columns fit beside each other; 0 where they cannot."""
    from rich.cells import cell_len

    widths = {name: max(map(cell_len, [heading, *cells[name]])) for name, heading in headings.items()}
    figures = sum(wide for name, wide in widths.items() if name not in texts)
    spare = width - figures - GAP * (len(widths) - 1)
    wanted = [widths[name] for name in texts]
    for longest in range(max([SHORTEST_TEXT, *wanted]), SHORTEST_TEXT - 1, -1):
        if sum(min(longest, text) for text in wanted) <= spare:
            return longest
    return 0


def _records(frame: pl.DataFrame, view: View, width: int) -> Text:
    """One line a column, for rows that are wider than the terminal."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    label = max(cell_len(name) for name in frame.columns)
    text = Text()
    for at, row in enumerate(frame.iter_rows(named=True), start=1):
        text.append(f"── {at} ──\n", style="dim")
        for name, value in row.items():
            shown = middle(cell(name, value, view.blank), max(width - label - GAP, SHORTEST_TEXT))
            text.append(f"{set_cell_size(name, label)}  {shown}\n")
    text.right_crop(1)
    return text


def _overview(frame: pl.DataFrame) -> Table:
    from rich.text import Text

    rows = frame.to_dicts()
    now, before = rows[0], rows[1] if len(rows) > 1 else None
    table = _table()
    table.add_column("")
    table.add_column(_span(now), justify="right", no_wrap=True)
    if before:
        table.add_column(_span(before), justify="right", no_wrap=True)
        table.add_column("Change", justify="right", no_wrap=True)
    for name in (name for name in frame.columns if name in METRICS):
        cells = [Text(METRICS[name].label), Text(cell(name, now[name]), style="bold")]
        if before:
            cells += [Text(cell(name, before[name])), change(METRICS[name], now[name], before[name])]
        table.add_row(*cells)
    return table


def _table() -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


def _span(row: dict[str, Any]) -> str:
    first, last = row["first_day"], row["last_day"]
    if first == last:
        return f"{first:%-d %b %Y}"
    return f"{first:%-d %b}–{last:%-d %b}" if first.year == last.year else f"{first:%-d %b %y}–{last:%-d %b %y}"


# Of figures that are not metrics of the catalogue.
_UNITS = {
    "approval_rate": Unit.RATIO, "time_to_convert": Unit.SECONDS, "payout": Unit.NUMBER, "clicks": Unit.COUNT,
    "approved": Unit.COUNT, "pending": Unit.COUNT, "reversed": Unit.COUNT,
}  # fmt: skip


def cell(name: str, value: object, blank: str = "") -> str:
    """A value as a person reads it; what it is measured in follows from the metric of that name."""
    if value is None:
        return NOTHING
    if name == "hour" and isinstance(value, str):
        return f"{value[5:10]} {value[11:16]}{value[16:].replace(':00', '').replace(':', '')}"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ").replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return f"{value} {value:%a}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _printable(str(value)) or blank
    return _figure(name, value)


def _figure(name: str, value: float) -> str:
    if name.endswith("_change"):
        return f"{value * 100:+,.1f} %"
    metric = METRICS.get(name) or METRICS.get(name.removesuffix("_previous"))
    unit = metric.unit if metric else _UNITS.get(name)
    if unit is Unit.RATIO:
        return f"{value * 100:.1f} %"
    if unit is Unit.SECONDS:
        return duration(value)
    if unit is Unit.NUMBER:
        return f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}" if unit is Unit.COUNT else f"{value}"
    return f"{value:,.6g}"


def duration(seconds: float) -> str:
    """``45s``, ``1m 23s``, ``2h 05m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600:,}h {whole % 3600 // 60:02}m"


def change(metric: Metric, now: float | None, before: float | None) -> Text:
    """Up or down and by how much: ratios in points, all else in percent of the figure before."""
    from rich.text import Text

    if now is None or before is None or (not before and metric.unit is not Unit.RATIO):
        return Text(NOTHING if now is None or before is None or not now else "new", style="dim")
    if metric.unit is Unit.RATIO:
        by, text = now - before, f"{abs(now - before) * 100:.1f} pt"
    else:
        by, text = now / before - 1, f"{abs(now / before - 1) * 100:,.1f} %"
    if text.startswith("0.0 "):
        return Text(f"= {text}", style="dim")
    good = metric.more_is_better if by > 0 else not metric.more_is_better
    style = "" if metric.more_is_better is None else "green" if good else "red"
    return Text(f"{'▲' if by > 0 else '▼'} {text}", style=style)


def bar(value: float, top: float, cells: int = BAR_CELLS) -> str:
    """A bar of at most ``cells`` characters, in eighths; anything above nothing is seen."""
    eighths = round(value / top * cells * 8) if top > 0 else 0
    eighths = max(eighths, 1) if value > 0 else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def sparkline(values: list[float], width: int) -> str:
    """One character a value, from nothing to the highest; averaged where there is no room for all."""
    if len(values) > width:
        edges = [at * len(values) // width for at in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    top = max(values, default=0)
    return "".join(_HEIGHTS[min(7, int(value / top * 7.999)) if top > 0 else 0] for value in values)


def middle(text: str, longest: int) -> str:
    """``text`` cut in its middle, where paths differ least, to ``longest`` cells: some characters take two."""
    from rich.cells import cell_len, get_character_cell_size

    if cell_len(text) <= longest:
        return text

    def fitting(chars: Iterable[str], room: int) -> int:
        used = accumulate(get_character_cell_size(char) for char in chars)
        return sum(1 for _ in takewhile(lambda cells: cells <= room, used))

    tail = (longest - 1) // 2
    head = fitting(text, longest - 1 - tail)
    return f"{text[:head]}…{text[len(text) - fitting(reversed(text), tail) :]}"


def _printable(text: str) -> str:
    """Text of strangers cannot steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
