"""Nothing is deleted without a yes."""

from __future__ import annotations

import io

import pytest
import typer

from cli.confirm import confirm
from sql.core.errors import UsageError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")])
def test_nobody_is_there_to_answer(monkeypatch, stdin):
    """A closed standard input (``<&-``) and one that is a file."""
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(UsageError, match="refusing to remove funnel buy without confirmation"):
        confirm("remove funnel buy", yes=False)
    confirm("remove funnel buy", yes=True)


def test_the_question_and_its_answers(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    confirm("remove funnel buy", yes=False)
    assert "Remove funnel buy? [y/N]" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    with pytest.raises(typer.Abort):
        confirm("remove funnel buy", yes=False)
