"""The embedded engine with a configuration file: macros, shards and a ZooKeeper, as hosts of a cluster have them.

``python tests/cluster_engine.py DATA_DIR CONFIG``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import chdb

from sql.core.data_dir import DataDir
from sql.core.process import die_with_parent
from sql.engine.server import serve

_connect = chdb.connect


def connect(path: str) -> Any:
    """In place of chDB's own."""
    return _connect(f"{path}?config-file={sys.argv[2]}")


if __name__ == "__main__":
    die_with_parent()
    chdb.connect = connect
    serve(DataDir(Path(sys.argv[1])).make())
