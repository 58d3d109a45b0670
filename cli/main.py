"""The ``footfall`` command: groups of commands, and the one place where an error becomes a line."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import Root
from cli.context import options
from cli.exit_codes import Exit, code_of
from cli.render import output
from sql.core.errors import FootfallError
from sql.core.process import PARENT, die_with_parent

app = typer.Typer(
    name="footfall",
    cls=Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Web and product analytics that you drive from a terminal.",
    epilog="Example: footfall report overview --site shop.example --period 30d",
)


@app.callback()
def root(
    config: Annotated[
        Path | None, typer.Option(help="Configuration file (default: footfall.toml here or above).")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory; overrides the configuration.")] = None,
    url: Annotated[str | None, typer.Option(help="ClickHouse URL; overrides the configuration.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to stderr what Footfall does.")] = False,
) -> None:
    """Web and product analytics that you drive from a terminal."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    if not verbose:  # they tell of a refused connection what our own line says better
        for name in ("urllib3.connectionpool", "clickhouse_connect"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    options.config, options.data_dir, options.url = config, data_dir, url


def main() -> None:
    """Entry point. Domain errors print one line and what to do; unknown exceptions stay loud."""
    if PARENT in os.environ:
        die_with_parent()
    output.prepare()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _reader_went_away()
    except SystemExit as exc:
        if isinstance(exc.__context__, BrokenPipeError):  # the parser's own way of saying it
            _reader_went_away()
        raise
    except Exception as exc:
        _tell(exc)


def _tell(exc: Exception) -> None:
    """End with what a person can read of an error; raise again what nobody expected."""
    if isinstance(exc, FootfallError):
        _die(exc.message, exc.hint, code_of(exc))
    if isinstance(exc, OSError) and not logging.getLogger().isEnabledFor(logging.INFO):
        where = f": {exc.filename}" if exc.filename else ""
        _die(f"{exc.strerror or exc}{where}", "for details: footfall -v …", Exit.FAILED)
    # Errors of the database client are the user's to read; importing it just to name them is slow.
    if not type(exc).__module__.startswith("clickhouse_connect"):
        raise exc
    from sql.client import first_line

    missing = getattr(exc, "code", None) in {60, 81}
    hint = "check the schema: `footfall schema status`, `footfall schema apply`" if missing else ""
    _die(f"ClickHouse: {first_line(exc)}", hint, Exit.FAILED)


def _reader_went_away() -> None:
    """`footfall … | head` is no error."""
    output.discard()
    sys.exit(Exit.OK)


def _die(message: str, hint: str, code: Exit) -> None:
    print(f"footfall: {message}", file=sys.stderr)  # noqa: T201
    if hint:
        print(f"  → {hint}", file=sys.stderr)  # noqa: T201
    sys.exit(code)


if __name__ == "__main__":
    main()
