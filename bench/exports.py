"""``python -m bench.exports``: all events as files, next to clickhouse-connect's raw stream and DuckDB's COPY.

Ten million events of one site (--events for another number), those of ``bench.reports``, in one run. Of our command the
time is that of the whole process, and its memory is what it had at most; of the engine's, what it took on top. The raw
stream is of the same columns in the engine's own format, DuckDB (``pip install duckdb``) copies a table of its own of
the same rows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aggregations.exports.columns import TABLES
from bench.reports import shop
from sql.client import EngineEndpoint
from sql.core.data_dir import DataDir

MB = 1 << 20
LIMIT_MB = 400
FORMATS = ("parquet", "csv", "ndjson", "arrow")
RAW = {"parquet": "Parquet", "csv": "CSVWithNames"}
COPY = {"parquet": "(format parquet, compression zstd)", "csv": "(format csv, header)"}


def exported(home: DataDir, path: Path) -> tuple[float, float]:
    """Seconds and MB at most of the whole command."""
    words = ["export", "events", "--period", "all", "--include-bots", "-o", str(path)]
    line = [sys.executable, "-m", "cli.main", "--data-dir", str(home.root), *words]
    started = time.perf_counter()
    child = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    memory = 0.0
    while child.poll() is None:  # what the kernel adds up of a child has its parent's memory in it
        memory = max(memory, peak(child.pid))
        time.sleep(0.02)
    if child.returncode:
        raise SystemExit(f"the export failed with {child.returncode}")
    return time.perf_counter() - started, memory


def peak(pid: int) -> float:
    """MB that a process has had at most; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0].split()[1]) * 1024 / MB if found else 0.0


def streamed(client: Any, path: Path, fmt: str) -> None:
    """The same columns by clickhouse-connect, as the engine writes them."""
    columns = ", ".join(f"{each.sql} as `{each.name}`" for each in TABLES["events"].columns)
    text = f"select {columns} from events as s"
    with path.open("wb") as file, client.raw_stream(text, fmt=RAW[fmt]) as stream:
        while piece := stream.read(MB):
            file.write(piece)


def duck(parquet: Path) -> Callable[[Path, str], None] | None:
    """Copies of DuckDB's own table of the rows; None where it is not installed."""
    try:
        import duckdb
    except ImportError:
        print("duckdb is not installed: its column is left out (pip install duckdb)")
        return None
    connection = duckdb.connect(str(parquet.with_suffix(".duckdb")))
    connection.execute("set memory_limit = '2GB'")
    connection.execute(f"create table events as select * from '{parquet}'")
    connection.execute("checkpoint")

    def copy(path: Path, fmt: str) -> None:
        connection.execute(f"copy events to '{path}' {COPY[fmt]}")

    return copy


def timed(what: Callable[[], object]) -> float:
    """Seconds that it takes."""
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def engine_memory(home: DataDir, reset: bool = False) -> float:
    """MB that the engine has had at most since the last reset."""
    endpoint = EngineEndpoint.read(home)
    if endpoint is None:
        raise SystemExit("the engine does not run")
    if reset:
        Path(f"/proc/{endpoint.pid}/clear_refs").write_text("5")
    return peak(endpoint.pid)


def main(arguments: list[str]) -> None:
    """Generate, export and compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports")
    parser.add_argument("--events", type=int, default=10_000_000)
    asked = parser.parse_args(arguments)
    with shop(asked.events) as (client, home):
        rows = int(str(client.command("select count() from events")))
        folder = home.root.parent
        head = ("seconds", "rows/s", "size", "own MB", "engine +MB", "raw", "DuckDB")
        print(f"{'':8}{''.join(f'{name:>11}' for name in head)}")
        copy: Callable[[Path, str], None] | None = None
        worst = 0.0
        for fmt in FORMATS:
            path = folder / f"events.{fmt}"
            before = engine_memory(home, reset=True)
            seconds, memory = exported(home, path)
            worst = max(worst, memory)
            more, size = engine_memory(home) - before, path.stat().st_size / MB
            copy = copy or (duck(path) if fmt == "parquet" else None)
            path.unlink()
            others = ""
            if fmt in RAW:
                others = f"{timed(lambda path=path, fmt=fmt: streamed(client, path, fmt)):11.1f}"
                path.unlink()
                if copy:
                    others += f"{timed(lambda path=path, fmt=fmt, copy=copy: copy(path, fmt)):11.1f}"
                    path.unlink()
            print(
                f"{fmt:8}{seconds:11.1f}{rows / seconds:11,.0f}{size:10,.0f}M{memory:11.0f}{more:11.0f}{others}",
                flush=True,
            )
        print(f"at most {worst:.0f} MB of {LIMIT_MB}")
        if worst > LIMIT_MB:
            raise SystemExit(f"the export took more than {LIMIT_MB} MB")


if __name__ == "__main__":
    os.environ.pop("FOOTFALL_CONFIG", None)
    main(sys.argv[1:])
