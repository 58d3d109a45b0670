"""The collector as processes: gunicorn with its own ASGI worker. chdb is never imported here (it does not
survive a fork), and neither is anything else that only the loader needs."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from collector import connections
from collector.app import create_app
from collector.intake import AppOptions
from sql.process import die_with_parent

GRACE_SECONDS = 15


class Server(BaseApplication):  # type: ignore[misc]
    """Workers on one address. ``host`` may be an IPv6 address; port 0 is not allowed."""

    def __init__(self, options: AppOptions, host: str, port: int, workers: int) -> None:
        self.app_options = options
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.settings = {
            "bind": where,
            "workers": workers,
            "worker_class": "asgi",
            "asgi_loop": "uvloop",
            "http_parser": "fast",
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 60,
            "keepalive": 75,
            "backlog": 2048,
            "loglevel": "warning",
            "proc_name": "footfall-collector",
            "control_socket_disable": True,
            "post_fork": lambda server, worker: die_with_parent(),
        }
        super().__init__()
        connections.install()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        for name, value in self.settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in each worker after the fork."""
        return create_app(self.app_options)
