"""The question before something is deleted for good."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sql.core.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]


def confirm(act: str, yes: bool, hint: str = "add --yes") -> None:
    """Ask whether to ``act`` (``remove funnel checkout``), unless ``yes``. Raises Abort where the answer is no, and
    UsageError where nobody is there to answer."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"refusing to {act} without confirmation", hint)
    typer.confirm(f"{act[0].upper()}{act[1:]}?", abort=True, err=True)
