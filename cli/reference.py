"""``make docs``: the reference of commands and metrics, from the code itself.

    python -m cli.reference > docs/cli.md

``tests/cli/test_reference.py`` fails where docs/cli.md says anything else.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, get_args

import cli.main
from aggregations.query.metrics import METRICS, SAMPLED, Unit
from cli import asking, commands, export_data, import_table, options, plan, visitor
from cli.exit_codes import Exit

# What an option takes, by the name of its type.
_VALUES = {"int": "N", "float": "N", "path": "PATH"}
HEAD = """\
# Commands

Written from the code by `make docs`; do not edit. Guides: [reports](reports.md), [imports](imports.md),
[operations](operations.md), [events](events.md). Settings: [configuration](configuration.md).

Data goes to stdout, everything else to stderr. An error is one line, followed by a hint if there is something to do.
Options of `footfall` itself go before the command; options of a command go after it.
"""
CODES = {
    Exit.OK: "success",
    Exit.FAILED: "failure: the engine, the disk, a file",
    Exit.USAGE: "usage error: a flag, a date, a site, a setting",
    Exit.FOUND: "a check found something (`doctor`, `config check`, `schema status`)",
}
# Options that are described once, by the commands that take them.
SHARED = {
    "commands that print rows": (options.FormatOption, options.OutputOption),
    "commands about one site": (options.SiteOption,),
    "commands that list definitions": (options.RemovedOption,),
    "reports": (
        options.PeriodOption,
        asking.WhereOption,
        asking.SegmentOption,
        asking.GoalOption,
        asking.CompareOption,
        asking.SortOption,
        options.LimitOption,
        asking.SampleOption,
        options.BotsOption,
        options.RawOption,
        asking.ExplainOption,
        asking.JsonOption,
    ),
    "exports of data": (export_data.FileOption, export_data.KindOption, export_data.WhereOption),
    "imports of events": (import_table.IntoOption, import_table.TimezoneOption, import_table.OnlyReadOption),
    "commands about one person": (visitor.Clients, visitor.Users, visitor.Address, visitor.Agent),
    "commands about backups": (options.BackupsOption,),
    "commands that change or delete what is stored": (options.DryRunOption, plan.Yes),
}
UNITS = {Unit.COUNT: "count", Unit.RATIO: "ratio, 0 to 1", Unit.SECONDS: "seconds", Unit.NUMBER: "number"}
_EXAMPLE = re.compile(r"\s*^\s*Example: (.*)\Z", re.MULTILINE | re.DOTALL)


def tree() -> Any:
    """The root command, every group and command attached. A new one at each call."""
    return commands.tree(cli.main.app)


def walk(command: Any, path: tuple[str, ...] = ("footfall",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words, groups before what is in them."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


def prose(command: Any) -> str:
    """What a command's help says, without its example."""
    return _EXAMPLE.sub("", command.help or "").strip()


def example(command: Any) -> str:
    """The command line with which the help ends; '' where it ends without one."""
    found = _EXAMPLE.search(command.epilog or command.help or "")
    return " ".join(found[1].split()) if found else ""


def text() -> str:
    """The whole page."""
    commands = list(walk(tree()))
    parts = [HEAD, _exits(), _shared_options(), "## All commands\n", _index(commands)]
    parts += [_section(path, command) for path, command in commands]
    parts.append(_metrics())
    return "\n".join(parts)


def _exits() -> str:
    rows = [f"| {code.value} | {CODES[code]} |" for code in Exit]
    return "\n".join(["## Exit codes\n", "| Code | Meaning |", "|---|---|", *rows, "| 130 | ctrl-c |", ""])


def shared(option: Any) -> bool:
    """Whether an option is described once, at the top. One with a default of its own is not."""
    return any(row(option) in rows for rows in _told_once().values())


@cache
def _told_once() -> dict[str, list[str]]:
    """The lines of shared options by who takes them, with the default that most commands have."""
    params = [p for _, command in walk(tree()) for p in command.params if p.param_type_name == "option"]

    def usual(annotated: Any) -> str:
        return Counter(row(p) for p in params if (p.opts[0], p.help) == _declared(annotated)).most_common(1)[0][0]

    return {who: [usual(each) for each in declared] for who, declared in SHARED.items()}


def _shared_options() -> str:
    lines = [
        "## Shared options\n",
        "These mean the same for every command. The commands below only list their names.",
    ]
    for who, rows in _told_once().items():
        lines += [f"\nOptions of {who}:\n", "| | Meaning | Default |", "|---|---|---|", *rows]
    return "\n".join([*lines, ""])


def _declared(annotated: Any) -> tuple[str, str]:
    """Name and help of an option, from its annotation."""
    info = get_args(annotated)[1]
    return next(name for name in (info.default, *info.param_decls) if str(name).startswith("--")), info.help


def row(option: Any) -> str:
    """An option's line in a table."""
    return f"| {_names(option)} | {_cell(option.help or '')} | {_default(option)} |"


def _index(commands: list[tuple[tuple[str, ...], Any]]) -> str:
    leaves = [(" ".join(path), command) for path, command in commands if not hasattr(command, "commands")]
    rows = [f"| [`{name}`](#{name.replace(' ', '-')}) | {_first(prose(command))} |" for name, command in leaves]
    return "\n".join(["| Command | What it does |", "|---|---|", *rows, ""])


def _first(words: str) -> str:
    return _cell(re.split(r"(?<=[.:;]) |\n", words)[0].rstrip(".:;"))


def _section(path: tuple[str, ...], command: Any) -> str:
    group = hasattr(command, "commands")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    words = [*path, *(_placeholder(p) for p in arguments)]
    words += [f"{p.opts[0]} {_value(p)}" for p in options if p.required]
    words += ["[OPTIONS]"] if options and not group else []
    words += ["COMMAND"] if group else []
    lines = [f"## {' '.join(path)}\n", f"{prose(command)}\n", f"```text\n{' '.join(words)}\n```\n"]
    own = [p for p in options if not shared(p)]
    if arguments or own:
        lines += ["| | Meaning | Default |", "|---|---|---|"]
        lines += [f"| `{_placeholder(p)}` | {_cell(p.help or '')} | {_default(p)} |" for p in arguments]
        lines += [*map(row, own), ""]
    if common := [f"`{p.opts[0]}`" for p in options if shared(p)]:
        lines.append(f"[Shared options](#shared-options): {', '.join(common)}.\n")
    lines.append(f"Example:\n\n```console\n$ {example(command)}\n```\n")
    return "\n".join(lines)


def _names(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len, reverse=True))
    value = _value(option)
    return f"{names} `{_cell(value)}`" if value else names


def _placeholder(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    if argument.nargs == -1 and not name.endswith("..."):
        name += "..."
    return name if argument.required else f"[{name}]"


def _value(param: Any) -> str:
    """What an option takes, as a word; '' for a flag."""
    if param.is_flag:
        return ""
    if choices := getattr(param.type, "choices", None):
        return "|".join(str(choice) for choice in choices)
    return _VALUES.get(param.type.name.partition(" ")[0], "TEXT")


def _default(param: Any) -> str:
    value = param.default.value if isinstance(param.default, Enum) else param.default
    if param.required:
        return "required"
    return "" if value is None or value is False or value == "" else f"`{value}`"


def _metrics() -> str:
    rows = [f"| `{m.name}` | {m.label} | {UNITS[m.unit]} | {_cell(m.definition)} |" for m in METRICS.values()]
    about = f"Numeric columns of reports. Tables show ratios as percentages and seconds as minutes. {SAMPLED}"
    head = f"## Metrics\n\n{about}\n"
    return "\n".join([head, "| Column | Heading | Unit | Definition |", "|---|---|---|---|", *rows, ""])


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
