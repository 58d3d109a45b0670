"""Which commands exist. Each module imports what it needs late, so that ``--help`` stays quick."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add every command and group to the root."""
    from cli import setup

    setup.register(app)
