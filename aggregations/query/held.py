"""SQL of somebody's own, held to one site.

Names mean views of one site's rows, in a scratch database that has nothing else. What could reach past it is refused:
anything but SELECT, functions that are not listed, table functions, names of databases, settings. And the engine, which
the statement cannot tell otherwise, changes nothing and filters every stored table by the site as well.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aggregations.query import console, syntax
from aggregations.query.functions import TABLE_FUNCTIONS, Functions
from aggregations.query.sites import SiteRow
from aggregations.query.syntax import Node, Word
from sql.core import queries
from sql.core.errors import EngineRefused, UsageError, lacks_table
from sql.core.queries import identifier
from sql.engine.http_protocol import quote

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

# What a statement can read, and the columns that it cannot: they number what all sites share, so that gaps tell of
# neighbours. A test holds that every other table of sites is left out on purpose.
TABLES: Mapping[str, tuple[str, ...]] = {
    "events": ("batch_id", "batch_seq"),
    "visits_merged": (),
    "closed_visits": (),
    "detected_events": ("batch_id", "batch_seq", "override_rank"),
    "daily_events": (),
    "daily_pages": (),
    "monthly_events": (),
    "monthly_pages": (),
    "sampled_days": (),
    "closed_days": (),
    "definitions": (),
    "sites": (),
}
_KINDS = frozenset(
    {
        "ArrayJoin", "Asterisk", "ColumnsExceptTransformer", "ColumnsListMatcher", "ColumnsRegexpMatcher",
        "ColumnsReplaceTransformer", "ColumnsReplaceTransformer::Replacement", "ColumnsTransformerList",
        "ExpressionList", "Function", "Identifier", "InterpolateElement", "Literal", "OrderByElement",
        "QualifiedAsterisk", "QualifiedColumnsListMatcher", "QualifiedColumnsRegexpMatcher", "SampleRatio",
        "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "Subquery", "TableExpression",
        "TableIdentifier", "TableJoin", "TablesInSelectQuery", "TablesInSelectQueryElement", "WindowDefinition",
        "WindowListElement", "WithElement",
    }
)  # fmt: skip
_REFUSED_KINDS = {
    "Set": "SETTINGS",
    "ColumnsApplyTransformer": "APPLY",
    "QueryParameter": "a parameter",
}
# Keywords, as the canonical text has them.
_REFUSED_WORDS = frozenset({"APPLY", "FORMAT", "OUTFILE", "SETTINGS"})
_SETTINGS = {
    "readonly": 1,
    "allow_introspection_functions": 0,
    "max_execution_time": 300,
    "max_memory_usage": 4 << 30,
    "max_result_bytes": 1 << 30,
    # Conditions of the statement see rows of the site only. Otherwise they are joined with the view's own and put in
    # another order, and an error tells what a row of another site has (`toUInt8(path)` quotes what it cannot read).
    "optimize_move_to_prewhere": 0,
    "query_plan_optimize_prewhere": 0,
    "query_plan_merge_filters": 0,
}
_SEE = 'see "SQL of one site" in docs/reports.md'
_PREFIX = "footfall_scratch_"
_LEFT_SECONDS = 24 * 3600  # longer than any statement runs


def run(client: Client, site: SiteRow, sql: str) -> pl.DataFrame | bytes | None:
    """The answer of a SELECT that sees rows of ``site`` alone.

    ``client`` reaches the engine over HTTP, where settings hold for one statement. Raises UsageError for what the
    statement must not say, EngineRefused with the engine's own line for a wrong one.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    text = console.one_statement(sql)
    try:
        said = check(client, text)
        with _scratch(client, site, {word.name for word in said}) as settings:
            return console.run(client, text, settings)
    except EngineRefused as exc:
        raise EngineRefused(exc.message, _hint(exc), exc.code) from exc
    except DatabaseError as exc:
        raise console.refused(exc, _hint(exc)) from exc


def check(client: Client, text: str) -> list[Word]:
    """The names of a statement that stays within a scratch database. Raises UsageError for what does not."""
    said = syntax.words(client, text)
    functions = Functions.of(client)
    databases = {row[0] for row in client.query(queries.query("console/databases")).result_rows}
    _check_words(said, functions, databases)
    _check_tree(syntax.tree(client, text), functions)
    return said


def _check_words(said: Iterable[Word], functions: Functions, databases: set[str]) -> None:
    for word in said:
        if word.name in _REFUSED_WORDS:
            raise _refused(word.name)
        if word.after == "." and not word.qualified and word.name in databases:
            raise UsageError(f"{word.name} is a database: name tables alone", "an alias of that name needs another one")
        called = word.after == "(" and not word.qualified and word.name not in TABLE_FUNCTIONS
        if called and not functions.allow(word.name):
            raise _refused(f"{word.name}()")


def _check_tree(nodes: Iterable[Node], functions: Functions) -> None:
    for node in nodes:
        if node.kind in _REFUSED_KINDS or node.kind not in _KINDS:
            raise _refused(_REFUSED_KINDS.get(node.kind, node.kind))
        if node.kind == "TableIdentifier" and "." in node.name:
            raise UsageError(f"name tables alone, not {node.name}", _SEE)
        if node.kind != "Function":
            continue
        if node.before == "TableExpression":
            if node.name not in TABLE_FUNCTIONS:
                raise _refused(f"table function {node.name}()")
        elif not functions.allow(node.name):
            raise _refused(f"{node.name}()")


@contextmanager
def _scratch(client: Client, site: SiteRow, names: set[str]) -> Iterator[dict[str, Any]]:
    """A database of views of a site's rows, in which ``client`` names things meanwhile. Yields the settings to use."""
    (home,), *_ = client.query(queries.query("console/databases")).result_rows
    stored = client.query(queries.query("console/site_tables")).result_rows
    mine = f"site_id = {int(site.site_id)}"
    filters = ", ".join(f"{quote(f'{home}.{table}')}: {quote(mine)}" for (table,) in stored)
    _remove_left(client)
    scratch = identifier(f"{_PREFIX}{int(time.time())}_{secrets.token_hex(8)}")
    before = client.database
    client.command(f"create database {scratch} engine = Memory")
    try:
        for table in sorted(names & TABLES.keys()):
            columns = f"* except ({', '.join(TABLES[table])})" if TABLES[table] else "*"
            shown = f"select {columns} from {console.quoted(home)}.{table} where {mine}"  # noqa: S608 (ours)
            client.command(f"create view {scratch}.{table} as {shown}")
        client.database = scratch
        yield {**_SETTINGS, "additional_table_filters": f"{{{filters}}}"}
    finally:
        client.database = before
        client.command(f"drop database {scratch}")


def _remove_left(client: Client) -> None:
    """Drop scratch databases of commands that were killed."""
    for (name,) in client.query(queries.query("console/scratches"), parameters={"like": f"{_PREFIX}%"}).result_rows:
        made = name.removeprefix(_PREFIX).partition("_")[0]
        if made.isdecimal() and int(made) < time.time() - _LEFT_SECONDS:
            with suppress(Exception):  # another command has dropped it
                client.command(f"drop database if exists {identifier(name)}")


def _refused(what: str) -> UsageError:
    return UsageError(f"{what} is not allowed with --site", _SEE)


def _hint(exc: Exception) -> str:
    return _SEE if lacks_table(exc) else ""
