"""Plan, then apply: how every command changes what is stored.

A command says what it would do as steps. With `--dry-run` they are printed; else they are confirmed once where
something is lost, and carried out one after the other. A receipt says what was planned, and how far it came. A plan is
made of what is there, so a run that was interrupted is resumed by running the command again.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]
_DONE = {
    "add": "added",
    "archive": "archived",
    "change": "changed",
    "check": "checked",
    "clear": "cleared",
    "close": "closed",
    "create": "created",
    "delete": "deleted",
    "derive": "derived",
    "drop": "dropped",
    "keep": "kept",
    "load": "loaded",
    "merge": "merged",
    "rebuild": "rebuilt",
    "record": "recorded",
    "refresh": "refreshed",
    "remove": "removed",
    "restore": "restored",
    "revoke": "revoked",
    "unmerge": "unmerged",
    "rewrite": "rewrote",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One step, and what carries it out. Done again, it must have the same effect."""

    act: str
    what: str
    do: Callable[[], object]
    rows: int = 0
    bytes: int = 0
    months: tuple[int, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What it is about, and how much that is."""
        amounts = [f"{self.rows:,} rows" if self.rows else "", f"{self.bytes:,} bytes" if self.bytes else ""]
        amounts.append(", ".join(f"{month // 100}-{month % 100:02}" for month in self.months))
        more = ", ".join(filter(None, amounts))
        return f"{self.what} ({more})" if more else self.what


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command (``footfall goal remove``) would do. ``loses``: it is confirmed, since something is lost."""

    command: str
    actions: tuple[Action, ...]
    loses: bool = False

    @property
    def question(self) -> str:
        """What is confirmed, as ``confirm`` asks for it."""
        if len(self.actions) == 1:
            return f"{self.actions[0].act} {self.actions[0].told}"
        counts = Counter(action.act for action in self.actions)
        return f"make {len(self.actions)} changes ({', '.join(f'{count} {act}' for act, count in counts.items())})"


def carry_out(plan: Plan, home: DataDir, *, dry_run: bool = False, yes: bool = False, hint: str = "add --yes") -> bool:
    """Print a plan, or carry it out; whether that was done. Raises Abort and UsageError as ``confirm`` does."""
    if dry_run:
        for action in plan.actions:
            typer.echo(f"would {action.act} {action.told}", err=True)
        return False
    if not plan.actions:
        return False
    if plan.loses:
        confirm(plan.question, yes, hint)
    _apply(plan, home)
    return True


def confirm(act: str, yes: bool, hint: str = "add --yes") -> None:
    """Ask whether to ``act`` (``remove funnel checkout``), unless ``yes``. Raises Abort where the answer is no, and
    UsageError where nobody is there to answer."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"refusing to {act} without confirmation", hint)
    typer.confirm(f"{act[0].upper()}{act[1:]}?", abort=True, err=True)


def _apply(plan: Plan, home: DataDir) -> None:
    from sql.core import receipts
    from sql.core.receipts import Step
    from sql.definitions import user

    steps = tuple(Step(a.act, a.what, a.rows, a.bytes, a.months, a.files) for a in plan.actions)
    receipt = receipts.begun(plan.command, user(), steps)
    receipts.write(home, receipt)
    total = len(plan.actions)
    for number, action in enumerate(plan.actions, 1):
        try:
            action.do()
        except BaseException as exc:
            receipts.write(home, receipts.failed(receipt, exc))
            raise
        receipt = receipts.went_on(receipt)
        receipts.write(home, receipt)
        place = f"{number}/{total} " if total > 1 else ""
        typer.echo(f"{place}{_DONE[action.act]} {action.told}", err=True)
