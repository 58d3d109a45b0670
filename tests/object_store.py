"""An object store on loopback that can fail: moto's S3 behind a server that watches every request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.request import Request, urlopen

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
Before = Callable[[str, str], bool]


class _Quiet(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        pass


class ObjectStore:
    """S3 at ``endpoint``, with a bucket named ``bucket``. ``env`` is what a client needs of its environment.

    ``before(method, path)`` and ``after(method, path)`` are called around every request; where the first returns False,
    it is refused. ``requests`` are those that came.
    """

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self.endpoint = f"127.0.0.1:{self._server.server_port}"
        self.env = KEYS | {"AWS_ENDPOINT_URL": f"http://{self.endpoint}"}
        self.reset()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        urlopen(Request(f"http://{self.endpoint}/bucket", method="PUT"), timeout=10).close()

    def reset(self) -> None:
        """Serve whatever comes, and forget what came."""
        self.before: Before = lambda method, path: True
        self.after: Callable[[str, str], object] = lambda method, path: None
        self.requests: list[tuple[str, str]] = []

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        if not self.before(method, path):
            start("403 Forbidden", [("Content-Length", "0")])
            return []
        answer = list(self._app(environ, start))
        self.after(method, path)
        return answer

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
