"""Which commands exist. A command's module is imported when the command is run, so that help and others stay quick."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
import typer.core
import typer.main


class Listed(NamedTuple):
    """A command or group of the root: the module that has it, and its line in the root's help.

    A module with ``register`` adds commands to the root; that of a group has it as ``app``.
    """

    module: str
    help: str


SECTIONS: dict[str, dict[str, Listed]] = {
    "Start": {
        "init": Listed("setup", "Create footfall.toml, the data directory and the schema."),
        "site": Listed("site", "Sites that send events."),
        "key": Listed("key", "Write keys."),
        "serve": Listed("serve", "Run engine, loader and collector until ctrl-c."),
        "import": Listed("import_", "Import data from other sources."),
    },
    "Look": {
        "report": Listed("report", "Metrics, pages, sources, devices, events, goals, funnels."),
        "query": Listed("query", "Run one SQL statement and print the result."),
        "metrics": Listed("catalogue", "List the metrics, with unit and definition."),
        "dimensions": Listed("catalogue", "List the dimensions, with level and meaning."),
        "explain": Listed("catalogue", "Define a metric or dimension, and name its tables."),
    },
    "Take out": {
        "export": Listed("export", "Data, audiences and conversions as files."),
    },
    "Define": {
        "goal": Listed("goal", "A page, event, property, duration, scroll depth or value."),
        "funnel": Listed("funnel", "Steps that visitors take within a time window."),
        "identity": Listed("identity", "Which visitors and users are one person."),
        "segment": Listed("segment", "Groups of visitors, by what they did; who entered and left."),
        "event-schema": Listed("event_schema", "JSON Schemas that validate a site's events, by event name."),
        "detected": Listed("detected", "Review and correct what the tracker classified."),
        "affiliate": Listed("affiliate", "Affiliate networks and clicks; postbacks of conversions."),
        "experiment": Listed("experiment", "Experiments."),
        "definitions": Listed("apply", "Definitions as a file, for version control."),
        "apply": Listed("apply", "Make the stored definitions those of a file."),
    },
    "Operate": {
        "doctor": Listed("doctor", "Check settings, disk, engine, schema, sites and processes."),
        "config": Listed("config_", "Show and check the configuration."),
        "schema": Listed("setup", "The ClickHouse schema."),
        "spool": Listed("spool", "Inspect the spool and its quarantine."),
        "flush": Listed("spool", "Load all events accepted so far, and wait until done."),
        "close": Listed("close", "Write days that are over as typed visits."),
        "verify": Listed("verify", "Compare visits and rollups with raw events."),
        "backfill": Listed("backfill", "Derive stored data again, by the rules of today."),
        "dedupe": Listed("dedupe", "Check for duplicate event ids and remove the later copies."),
        "capacity": Listed("capacity", "How much disk and spool a rate of events takes."),
        "retention": Listed("retention", "How long data is kept, and removing what is older."),
        "visitor": Listed("visitor", "One person's data: find, show, export, erase."),
        "archive": Listed("archive", "Raw events that retention has written to files."),
        "backup": Listed("backup", "Copy all that is stored while Footfall runs, and restore it."),
        "receipt": Listed("receipt", "What commands changed: a receipt for each run."),
        "engine": Listed("serve", "Run only the embedded engine."),
        "loader": Listed("serve", "Run only the loader."),
        "collector": Listed("serve", "Run only the collector."),
    },
}
LISTED = {name: its for section in SECTIONS.values() for name, its in section.items()}


class Line(typer.core.TyperCommand):
    """A command of which only its line in the help is known yet."""


class Root(typer.core.TyperGroup):
    """The root group: a command is a line of help until it is run."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, its in LISTED.items():
            self.commands[name] = Line(name, help=its.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that ``args`` name, with what its module has."""
        if args and isinstance(self.commands.get(args[0]), Line):
            self.commands[args[0]] = built(LISTED[args[0]].module)[args[0]]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by section."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, its.help) for name, its in section.items()])


def tree(root: Any) -> Any:
    """The root command with every command and group attached; ``root`` is the app."""
    command: Any = typer.main.get_command(root)
    for name, its in LISTED.items():
        command.commands[name] = built(its.module)[name]
    return command


def built(module: str) -> dict[str, Any]:
    """The commands and groups that a module adds to the root, by name."""
    found = import_module(f"cli.{module}")
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(lambda: None)
    if hasattr(found, "register"):
        found.register(app)
    else:
        app.add_typer(found.app, name=next(name for name, its in LISTED.items() if its.module == module))
    group: Any = typer.main.get_command(app)
    return dict(group.commands)
