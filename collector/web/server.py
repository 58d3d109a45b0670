"""The collector as processes: gunicorn with its own ASGI worker. chdb is never imported here (it does not
survive a fork), and neither is anything else that only the loader needs."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from collector.ingest.counters import CELLS, Board, Counts
from collector.ingest.service import AppOptions
from collector.ingest.site_shares import PLACES, SiteShares
from collector.spool.spool import Spool
from collector.web.app import create_app
from collector.web.tracker_files import built
from collector.web.tracker_versions import with_older
from collector.web.worker import ENDING, Worker
from sql.core.process import die_with_parent, forbid_core_dumps, raise_descriptor_limit

GRACE_SECONDS = 15
GC_THRESHOLDS = (5_000, 10, 10)


class Log(Logger):  # type: ignore[misc]
    """gunicorn's log, through the handlers that everything else uses."""

    def setup(self, cfg: Any) -> None:
        """No handlers of its own."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]
    """Workers on one address. ``host`` may be an IPv6 address; port 0 is not allowed."""

    def __init__(self, options: AppOptions, host: str, port: int, workers: int) -> None:
        forbid_core_dumps()
        raise_descriptor_limit()
        self.app_options = options
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.settings = {
            "bind": where,
            "workers": workers,
            "worker_class": Worker,
            "logger_class": Log,
            "asgi_loop": "uvloop",
            "http_parser": "fast",
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 60,
            "keepalive": 75,
            "backlog": 2048,
            "loglevel": "warning",
            "proc_name": "footfall-collector",
            "control_socket_disable": True,
            "pre_fork": self._give_row,
            "post_fork": self._forked,
        }
        os.register_at_fork(before=_hold_signals, after_in_parent=_take_signals, after_in_child=_forget_handlers)
        # Old and new workers live side by side for a while when they are replaced.
        self.board = Board(2 * workers, len(CELLS))
        self.shares = Board(2 * workers, PLACES)
        self.row = 0
        # Before any worker serves the present version; all share what is read here.
        self.tracker = with_older(options.home, built())
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        for name, value in self.settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in each worker after the fork."""
        options = self.app_options
        shares = SiteShares(Spool(options.home.spool), options.spool.total_bytes, self.shares, self.row)
        app = create_app(options, Counts(self.board, self.row), self.tracker, shares)
        # What a worker needs for good is never looked at again by Python's collector, and the rest more seldom: its
        # walks took a tenth of a worker's time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        return app

    def _give_row(self, arbiter: Any, worker: Any) -> None:
        taken = {living.row for living in arbiter.WORKERS.values()}
        worker.row = next((row for row in range(self.board.rows) if row not in taken), 0)

    def _forked(self, arbiter: Any, worker: Any) -> None:
        die_with_parent(arbiter.pid)
        self.row = worker.row


# A new worker has the master's handlers until it has made its own. These only note a signal for the master's loop,
# which the worker does not run: told to end then, it would live on, and the master would wait all its grace for it.


def _hold_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def _take_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _forget_handlers() -> None:
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    _take_signals()
