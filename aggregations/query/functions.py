"""Which functions a statement held to one site may call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sql.core import queries
from sql.schema import shipped
from sql.schema.shipped import SchemaKind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE_FUNCTIONS = frozenset({"generate_series", "generateSeries", "numbers", "zeros"})
# What may follow the name of an aggregate function. Those that come last are tried first.
_COMBINATORS = (
    "If", "Array", "Map", "SimpleState", "State", "Merge", "MergeState", "ForEach", "Distinct", "OrDefault", "OrNull",
    "Resample", "ArgMin", "ArgMax",
)  # fmt: skip
_SYNTAX = frozenset({"columns", "exists", "grouping", "lambda", "untuple"})  # the parser's own, not in system.functions


@cache
def listed() -> frozenset[str]:
    """The names in ``functions.txt``."""
    lines = (files("aggregations.query") / "functions.txt").read_text().splitlines()
    return frozenset(name for line in lines if not line.startswith("#") for name in line.split())


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions as an engine names them: from each name to what it is, '' for what is not the engine's own or ours."""

    exact: Mapping[str, str]
    any_case: Mapping[str, str]

    @classmethod
    def of(cls, client: Client) -> Functions:
        """Those of the engine behind ``client``."""
        ours = set(shipped.names(SchemaKind.FUNCTION))
        exact: dict[str, str] = {}
        any_case: dict[str, str] = {}
        for name, alias, ignores_case, origin in client.query(queries.query("console/functions")).result_rows:
            of_footfall = origin == "SQLUserDefined" and name in ours
            exact[name] = (alias or name) if origin == "System" else name if of_footfall else ""
            if ignores_case:
                any_case[name.lower()] = exact[name]
        return cls(exact, any_case)

    def allow(self, name: str) -> bool:
        """Whether a statement may call ``name``: what it stands for is listed, or a rule of Footfall's own."""
        if name in self.exact or name.lower() in self.any_case:
            known = self.exact.get(name, self.any_case.get(name.lower(), ""))
            return known in listed() or known in shipped.names(SchemaKind.FUNCTION)
        if name.lower() in _SYNTAX:
            return True
        return any(name.endswith(end) and self.allow(name.removesuffix(end)) for end in _COMBINATORS)
