"""Plans: what would be done is said, what is lost is confirmed, and what was done has a receipt."""

from __future__ import annotations

import io
import json

import pytest
import typer

from cli.plan import Action, Plan, carry_out, confirm
from sql.core import receipts
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.receipts import Progress, Step


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


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def plan(done: list[str], *names: str, loses: bool = True, fails: str = "") -> Plan:
    """Removes things of these names; one of them fails."""

    def do(name: str) -> None:
        if name == fails:
            raise RuntimeError("the disk is full")
        done.append(name)

    actions = [Action("remove", name, lambda name=name: do(name), rows=1200, months=(202610,)) for name in names]
    return Plan("footfall test", tuple(actions), loses)


def test_a_dry_run_changes_nothing(home, capsys):
    done: list[str] = []
    assert not carry_out(plan(done, "a", "b"), home, dry_run=True)
    assert capsys.readouterr().err == "would remove a (1,200 rows, 2026-10)\nwould remove b (1,200 rows, 2026-10)\n"
    assert (done, receipts.every(home)) == ([], [])


def test_one_question_for_the_whole(home, monkeypatch, capsys):
    done: list[str] = []
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UsageError, match=r"refusing to make 2 changes \(2 remove\) without confirmation"):
        carry_out(plan(done, "a", "b"), home)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    with pytest.raises(typer.Abort):
        carry_out(plan(done, "a", "b"), home)
    assert (done, receipts.every(home)) == ([], [])
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert carry_out(plan(done, "a", "b"), home)
    assert done == ["a", "b"]
    assert capsys.readouterr().err.endswith(
        "1/2 removed a (1,200 rows, 2026-10)\n2/2 removed b (1,200 rows, 2026-10)\n"
    )


def test_what_loses_nothing_is_not_confirmed(home, monkeypatch):
    done: list[str] = []
    monkeypatch.setattr("sys.stdin", None)
    assert carry_out(plan(done, "a", loses=False), home)
    assert not carry_out(plan(done), home)
    assert done == ["a"]


def test_a_receipt_says_what_was_planned_and_done(home):
    done: list[str] = []
    carry_out(plan(done, "a", "b"), home, yes=True)
    [receipt] = receipts.every(home)
    assert (receipt.command, receipt.progress, receipt.done) == ("footfall test", Progress.DONE, 2)
    assert receipt.steps[0] == Step("remove", "a", rows=1200, months=(202610,))
    assert receipt.ended >= receipt.started
    assert receipts.find(home, receipt.id) == receipt
    for number in ("nothing", "../sites", ""):
        with pytest.raises(UsageError, match="no receipt"):
            receipts.find(home, number)


def test_a_run_that_fails_leaves_how_far_it_came(home):
    done: list[str] = []
    with pytest.raises(RuntimeError):
        carry_out(plan(done, "a", "b", "c", fails="b"), home, yes=True)
    [receipt] = receipts.every(home)
    assert (done, receipt.done, receipt.progress, receipt.error) == (["a"], 1, Progress.FAILED, "the disk is full")


def test_receipts_are_listed_and_shown(home, command):
    assert command("--data-dir", home.root, "receipt", "list").stdout == "[]\n"
    carry_out(plan([], "a", "b"), home, yes=True)
    [row] = json.loads(command("--data-dir", home.root, "receipt", "list").stdout)
    assert (row["command"], row["progress"], row["done"], row["steps"]) == ("footfall test", "done", 2, 2)
    rows = json.loads(command("--data-dir", home.root, "receipt", "show", row["receipt"]).stdout)
    assert [(each["change"], each["done"], each["months"]) for each in rows] == [
        ("remove a", True, [202610]),
        ("remove b", True, [202610]),
    ]
    assert command("--data-dir", home.root, "receipt", "show", "x").returncode == 2
