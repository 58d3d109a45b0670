"""What a table says beside its data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

WIDTH = 80


class Layout(StrEnum):
    """How a table is laid out on a terminal."""

    LIST = "list"
    OVERVIEW = "overview"


@dataclass(frozen=True, slots=True)
class View:
    """What a table says beside the data.

    ``bar`` is the column drawn as bars, ``sparks`` those drawn as a line over time, ``blank`` what an empty
    text is called, ``labels`` headings of columns that are no metrics, ``nothing`` what to say of no rows,
    ``narrow`` the columns that a list shows where not all have room, ``whole`` those whose text is never shortened,
    ``below`` those whose text of several lines is shown under the table, ``footnote`` what the data leave out.
    """

    title: str = ""
    layout: Layout = Layout.LIST
    bar: str = ""
    sparks: tuple[str, ...] = ()
    blank: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    nothing: str = "no data in this period"
    narrow: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    footnote: str = ""
