"""How a check's findings are printed, and the exit code that they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from cli.exit_codes import Exit

if TYPE_CHECKING:
    from collector.lifecycle.findings import Finding

_MARK = {"ok": "ok  ", "note": "note", "bad": "BAD "}


def tell(findings: Iterable[Finding]) -> None:
    """Print each as it is found. Raises Exit with code 3 at the end where one is bad."""
    bad = False
    for finding in findings:
        typer.echo(f"{_MARK[finding.level]}  {finding.subject:<11} {finding.text}")
        if finding.hint:
            typer.echo(f"                  → {finding.hint}")
        bad = bad or finding.level == "bad"
    if bad:
        raise typer.Exit(Exit.FOUND)
