"""What happens around every request: it gets an id, and it is counted."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from typing import Any

import falcon.asgi

from collector.ingest.counters import Counts
from collector.logs import ABOUT

HEADER = "X-Request-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


class Observe:
    """Falcon middleware. The id is the sender's where it is sane, else made; answer and log lines carry it."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        # A random name of this process and a number: as unique as a random id, and ten times as cheap.
        self._process = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Before the route is known."""
        req.context.began = time.perf_counter()
        given = req.get_header(HEADER)
        known = given if given and _SANE(given) else f"{self._process}-{next(self._numbers)}"
        ABOUT.set({"request": known})
        resp.set_header(HEADER, known)

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: Any, succeeded: bool
    ) -> None:
        """After the answer is made, whatever it is."""
        seconds = time.perf_counter() - req.context.began
        status = resp.status if type(resp.status) is int else resp.status_code
        length = req.get_header("Content-Length") or ""
        self.counts.answered(status, seconds, int(length) if length.isdecimal() else 0)
