"""The embedded engine over an older chDB: a stand-in for a ClickHouse server of that version.

``PYTHONPATH=.venv/chdb-25.8 python tests/older_engine.py DATA_DIR``. An older chDB has one session a process, no bound
parameters and no inserts from a stream; this gives it what ``sql.front`` asks of a connection. Statements that the
engine has carried out are written to DATA_DIR/statements, each ended by a NUL.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chdb

from sql.core.data_dir import DataDir
from sql.core.process import die_with_parent
from sql.engine.http_protocol import quote
from sql.engine.server import serve

_session = threading.RLock()  # one request after the other
_connect = chdb.connect
_opened: list[Any] = []
_SETTING = re.compile(r"(\w+)='(?:[^'\\]|\\.)*'")


@dataclass
class Written:
    rows_written: int = 0
    bytes_written: int = 0


class Blocks:
    """An answer in one block."""

    def __init__(self, answer: Any) -> None:
        self._answers = iter([answer] if answer.bytes() else [])

    def __iter__(self) -> Iterator[Any]:
        return self._answers

    def __next__(self) -> Any:
        return next(self._answers)

    def close(self) -> None:
        pass


class Insert:
    """An insert whose data go through a file."""

    def __init__(self, connection: Connection, head: str, fmt: str) -> None:
        self._connection = connection
        self._head, self._fmt = head, fmt
        self._file = tempfile.NamedTemporaryFile()  # noqa: SIM115 (closed by finish and cancel)

    def append(self, data: bytes) -> None:
        self._file.write(data)

    def cancel(self) -> None:
        self._file.close()

    def finish(self) -> Written:
        self._file.flush()
        with self._file:
            self._connection.query(f"{self._head} from infile {quote(self._file.name)} format {self._fmt}")
        return Written()


class Connection:
    """The one session, for one request; as new at its end."""

    def __init__(self) -> None:
        _session.acquire()
        self._set: set[str] = set()

    def query(self, text: str, fmt: str = "TabSeparated", params: dict[str, str] | None = None) -> Any:
        if params:
            _run("set " + ", ".join(f"param_{name}={quote(value)}" for name, value in params.items()))
        if text.startswith("set "):
            # The session could never be written to again: what else holds a statement has to be enough here.
            text = text.replace("readonly='1', ", "").replace(", readonly='1'", "")
            self._set |= {name for name in _SETTING.findall(text) if not name.startswith("param_")}
        answer = _run(text, fmt)
        STATEMENTS.write(text + "\0")
        return answer

    def send_query(self, text: str, fmt: str, params: dict[str, str] | None = None) -> Blocks:
        return Blocks(self.query(text, fmt, params))

    def send_insert(self, head: str, fmt: str) -> Insert:
        return Insert(self, head, fmt)

    def close(self) -> None:
        try:
            if self._set:
                _run("set " + ", ".join(f"{name} = default" for name in self._set))
            _run("use default")
        finally:
            STATEMENTS.flush()
            _session.release()


def _run(text: str, fmt: str = "TabSeparated") -> Any:
    return _opened[0].query(text, fmt)


def connect(path: str) -> Connection:
    """In place of chDB's own: the first call opens the engine."""
    if not _opened:
        _opened.append(_connect(path))
        return _Keeper()
    return Connection()


class _Keeper:
    def close(self) -> None:
        _opened.pop().close()


if __name__ == "__main__":
    die_with_parent()
    home = DataDir(Path(sys.argv[1])).make()
    STATEMENTS = (home.root / "statements").open("a")
    chdb.connect = connect
    serve(home)
