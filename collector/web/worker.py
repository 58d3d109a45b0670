"""Connections of a worker, each with a bound: a request that does not arrive in time is answered 408 and cut off,
a client that does not take its answers is cut off too, and idle connections hold up no stop.

gunicorn's own bounds are for idle connections (``keepalive``) and for single pauses in a body (``timeout``); a
client that sends a byte now and then would keep its connection for ever. When it stops it waits for all of them.
"""

from __future__ import annotations

import asyncio
import signal
import time
from functools import partial

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from collector.ingest.rate_limits import client_of
from collector.web.connection_table import ConnectionTable
from sql.core.addresses import networks
from sql.core.process import descriptor_limit

# Bytes of a request's line and headers together. The fast parser checks its own limits only when all are there.
MAX_HEAD = 64 * 1024
# Bytes that came with a body and are none of it: sizes of chunks, their extensions, trailers. The parser keeps a line
# that has no end, and looks through all of it again with each piece. A chunk of one byte takes five.
MAX_FRAMING, FRAMING_OF_A_BYTE = 64 * 1024, 16
# Bytes of a next request that may come before this one is answered: two reads of uvloop, then the socket keeps them.
MAX_BEHIND = 1024 * 1024
# Connections of one worker. Each takes about 15 KB; a worker answers thousands of requests a second.
MAX_CONNECTIONS = 10_000
# Descriptors of a worker that are no connections: the listener, spool, salts, logs, a health check, what is to come.
RESERVED = 48
# Seconds between two looks at the connections that count at most; they are meant to be one second apart.
MAX_BETWEEN_LOOKS = 1.5
# Signals that end a worker.
ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})


class Bounded(ASGIProtocol):  # type: ignore[misc]
    """``waiting_since`` is when the request began that is not whole yet; None between requests.
    ``in_body`` is whether its headers have come and its end has not.
    ``unread_since`` is when answers were first seen to wait for the client; None where it takes them.
    Both are seconds of a clock that stands still while the worker is held up (``Worker.held_up``).
    """

    waiting_since: float | None = None
    unread_since: float | None = None
    head_bytes = 0
    framing = 0
    in_body = False
    client = b""

    @property
    def idle(self) -> bool:
        """Nothing is being answered, and nothing has come of the next request."""
        return bool(self._awaiting_request) and self.head_bytes == 0

    def connection_made(self, transport: object) -> None:
        """A client that says nothing is as slow as one that dribbles."""
        self.waiting_since = time.monotonic() - self.worker.held_up
        super().connection_made(transport)
        self.client = self.worker.client_of(self.transport.get_extra_info("peername"))
        self.worker.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone. Of a request that broke off in its body nothing is judged, however whole the part may look."""
        self.worker.connections.remove(self)
        if self.waiting_since is not None and self._current_request is not None:
            self._body_receiver = None
            self._task.cancel()
        super().connection_lost(exc)
        # The parser, written in C, holds methods of this connection, and Python's collector cannot see into it: with
        # gunicorn-h1c 0.6.9 every connection that ever was would stay, 13 KB and the last of its body each.
        self._callback_parser = None

    def data_received(self, data: bytes) -> None:
        """The first bytes of a request start its time; its headers may be ``MAX_HEAD`` bytes."""
        if self.waiting_since is None:
            self.waiting_since = time.monotonic() - self.worker.held_up
            self.head_bytes = 0
        if self.in_body:  # what comes together with the headers is not counted, nor a next request before its turn
            self.framing += len(data)
        behind = self._current_request is not None and not self.in_body
        super().data_received(data)
        if behind:
            self._pause_reading()  # gunicorn goes on reading once the request is answered
        elif self._current_request is None:
            self.head_bytes += len(data)
            if self.head_bytes > MAX_HEAD:
                self._send_error_response(431, "the headers of a request are too long")
                self._close_transport()
        elif self.framing > MAX_FRAMING and self.waiting_since is not None:
            self._send_error_response(400, "the body has more chunk framing than data")
            self._close_transport()

    def late(self, now: float, bound: float) -> bool:
        """Whether a request, or the client in taking its answers, has used up its ``bound``, in seconds."""
        if not self.transport.get_write_buffer_size():
            self.unread_since = None
        elif self.unread_since is None:
            self.unread_since = now
        return any(since is not None and now - since > bound for since in (self.waiting_since, self.unread_since))

    def let_go(self) -> None:
        """Close: nothing is lost but what its client has not sent whole."""
        if self.idle:
            self._keepalive_timeout()
        else:
            self.transport.abort()

    def cut(self) -> None:
        """Answer 408 and close; where that is not taken either, abort."""
        if self._closed or self.unread_since is not None:
            self.transport.abort()
            return
        self._send_error_response(408, "the request did not arrive in time")
        self._close_transport()

    def _on_headers_complete(self) -> bool:
        self.in_body = True
        return bool(super()._on_headers_complete())

    def _on_body(self, chunk: bytes) -> None:
        if self.framing:
            self.framing = max(0, self.framing - FRAMING_OF_A_BYTE * len(chunk))
        super()._on_body(chunk)

    def _on_message_complete(self) -> None:
        self.waiting_since = None
        self.in_body = False
        self.head_bytes = self.framing = 0
        super()._on_message_complete()


class Worker(gasgi.ASGIWorker):  # type: ignore[misc]
    """gunicorn's ASGI worker, with bounded connections. ``app.request_timeout_seconds`` is the bound.

    ``held_up`` is for how many seconds it could not read what clients send, because of the machine or of a long step of
    its own: meanwhile no client is late.
    """

    held_up = 0.0
    looked: float | None = None

    def init_process(self) -> None:
        """gunicorn takes its protocol from the module, not from the worker."""
        options = self.app.app_options
        most = min(MAX_CONNECTIONS, max(1, descriptor_limit() - RESERVED))
        self.connections: ConnectionTable[Bounded] = ConnectionTable(most, options.connections_per_address)
        self._proxies = networks(options.trusted_proxies)
        # What it finds out of the fast parser it keeps in the class that is asked, and looks for in its own.
        ASGIProtocol._check_h1c_protocol_available()
        parser = ASGIProtocol._h1c_protocol_class
        ASGIProtocol._h1c_protocol_class = partial(parser, limit_remaining=MAX_BEHIND)
        gasgi.ASGIProtocol = Bounded
        super().init_process()

    def client_of(self, peer: object) -> bytes:
        """Who counts as one client at the other end; empty for a trusted proxy, which speaks for many."""
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        return b"" if not address or self._proxies.hold(address) else client_of(address)

    def init_signals(self) -> None:
        """uvloop loses a signal that comes before it runs: those that end the worker wait until then."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    async def _serve(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        await super()._serve()

    def notify(self) -> None:
        """Called every second on the worker's loop, first when it begins to listen."""
        super().notify()
        now = time.monotonic()
        if self.looked is None:
            self._let_wait()
        else:
            self.held_up += max(0.0, now - self.looked - MAX_BETWEEN_LOOKS)
        self.looked = now
        awake, bound = now - self.held_up, self.app.app_options.request_timeout_seconds
        for connection in [c for c in self.connections if c.late(awake, bound)]:
            connection.cut()

    def _let_wait(self) -> None:
        """asyncio listens again with a queue of 100, whatever gunicorn was told. Of connections that find it full some
        are made only after 1, 3, 7 or 15 seconds, when the client's system asks again."""
        for listener in self.sockets:
            listener.sock.listen(self.cfg.backlog)

    async def _shutdown(self) -> None:
        """gunicorn waits for every connection, those too on which nothing happens: these are closed meanwhile."""
        closing = asyncio.ensure_future(self._close_idle())
        try:
            await super()._shutdown()
        finally:
            closing.cancel()

    async def _close_idle(self) -> None:
        while True:
            for connection in [c for c in self.connections if c.idle]:
                connection._keepalive_timeout()
            await asyncio.sleep(0.05)
