"""ClickHouse's HTTP interface over chDB connections: what clickhouse-connect's ordinary client talks to.

One chDB connection a request (opening one takes 0.2 ms): settings, database and parameters of a request
can then never leak into another, and a stream never blocks a neighbour (engine-facts, chDB 3).
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sql.core.queries import query
from sql.core.unix_socket import address_of
from sql.engine import http_protocol
from sql.engine.merge_throttle import Merges

log = logging.getLogger("footfall.engine")
_HEAD = 64 * 1024


class QueryError(Exception):
    """An error with ClickHouse's code, to be sent as ClickHouse sends it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text if text.startswith("Code:") else f"Code: {code}. DB::Exception: {text}")
        self.code = code


class HttpServer(ThreadingMixIn, UnixStreamServer):
    """An HTTP server on a unix socket over one chDB path. ``connect`` opens a new chDB connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, path: Path, password: str, connect: Callable[[], Any]) -> None:
        with address_of(path) as address:
            super().__init__(address, Handler)
        self.password = password
        self.connect = connect
        self.merges = Merges(connect)
        self._changed = threading.Condition()
        self._busy: dict[str, int] = {}
        self._errors: set[tuple[int, int]] = set()
        self.stopping = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair; anything else is logged, once."""
        if not isinstance(sys.exc_info()[1], OSError):
            log.exception("a connection failed")

    def begin(self, query_id: str) -> None:
        """Register a statement; two with one id at once are refused, as ClickHouse does."""
        with self._changed:
            if query_id in self._busy:
                raise QueryError(
                    216,
                    f"Query with id = {query_id} is already running. (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)",
                )
            self._busy[query_id] = 1

    def end(self, query_id: str) -> None:
        """The statement is over."""
        with self._changed:
            self._busy.pop(query_id, None)
            self._changed.notify_all()

    def fresh_error(self, connection: Any) -> QueryError:
        """The latest error that the engine has counted and that was not asked for before."""
        lines = connection.query(query("engine/errors"), "JSONCompactEachRow").bytes().splitlines()
        errors = {(code, int(count)): text for code, count, text in map(json.loads, lines)}
        with self._changed:
            fresh = [(code, text) for (code, count), text in errors.items() if (code, count) not in self._errors]
            self._errors = set(errors)
        return QueryError(*fresh[-1]) if fresh else QueryError(0, "an insert failed")

    def drain(self, seconds: float) -> bool:
        """Stop listening, take no statement any more, then wait for running ones. True when none is left."""
        self.stopping = True
        self.shutdown()
        self.server_close()
        with self._changed:
            done = self._changed.wait_for(lambda: not self._busy, seconds)
        self.merges.close()
        return done


def _failed_inserts(connection: Any) -> bytes:
    return bytes(connection.query(query("engine/failed_inserts"), "TabSeparated").bytes())


class Handler(BaseHTTPRequestHandler):
    """One HTTP connection."""

    protocol_version = "HTTP/1.1"
    server: HttpServer
    rbufsize = 256 * 1024
    wbufsize = 64 * 1024

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged; errors go back to the client."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self._started = False
        if self.server.stopping:  # as if it had ended: clients that keep a connection would keep it from ending
            self.close_connection = True
            return
        url = urlsplit(self.path)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        self.query_id = params.get("query_id") or str(uuid.uuid4())
        if url.path.rstrip("/") in {"/ping", ""} and self.command == "GET" and "query" not in params:
            self._send(200, b"Ok.\n", {})
            return
        try:
            self._authorize(params)
            self.server.begin(self.query_id)
            try:
                self._run(params)
            finally:
                self.server.end(self.query_id)
        except EOFError as exc:
            self.close_connection = True
            log.warning("statement %s dropped: %s", self.query_id, exc)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as exc:
            self._fail(exc)

    def _authorize(self, params: dict[str, str]) -> None:
        given = params.get("password", "") or self.headers.get("X-ClickHouse-Key", "")
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(token).decode().partition(":")[2]
            except ValueError:
                given = ""
        if not hmac.compare_digest(given.encode(), self.server.password.encode()):
            self.close_connection = True
            raise QueryError(516, "Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)")

    def _run(self, params: dict[str, str]) -> None:
        body = self._body()
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            try:
                params = params | http_protocol.form_fields(kind, b"".join(body))
            except ValueError as exc:
                raise QueryError(48, f"{exc}. (NOT_IMPLEMENTED)") from None
            body = iter(())
        head = params.get("query", "").encode()
        if head:
            head += b"\n"
        while len(head) < _HEAD and (piece := next(body, None)) is not None:
            head += piece
        insert = http_protocol.parse_insert(head)
        connection = self.server.connect()
        try:
            self._prepare(connection, params)
            if insert:
                self._insert(connection, insert, head[insert.length :], body, params)
            else:
                text = (head + b"".join(body)).decode("utf-8", "surrogateescape")
                self._query(connection, text, params)
        finally:
            connection.close()

    def _prepare(self, connection: Any, params: dict[str, str]) -> None:
        if database := params.get("database"):
            connection.query(f"use `{database.replace('`', '``')}`")
        settings = {k: v for k, v in params.items() if k not in http_protocol.TRANSPORT and not k.startswith("param_")}
        # Lets `system.processes` name a statement by the id its client gave it; chDB picks its own query_id.
        settings.setdefault("log_comment", self.query_id)
        bad = [k for k in settings if not k.replace("_", "").isalnum()]
        if bad:
            raise QueryError(115, f"Unknown setting {bad[0]!r}. (UNKNOWN_SETTING)")
        connection.query("set " + ", ".join(f"{k}={http_protocol.quote(v)}" for k, v in settings.items()))

    def _insert(
        self, connection: Any, insert: http_protocol.Insert, rest: bytes, body: Iterator[bytes], params: dict[str, str]
    ) -> None:
        for name, value in params.items():
            if name.startswith("param_") and name.replace("_", "").isalnum():
                connection.query(f"set {name}={http_protocol.quote(value)}")
        failed = _failed_inserts(connection)
        stream = connection.send_insert(insert.head, insert.fmt)
        try:
            if rest:
                stream.append(rest)
            for piece in body:
                stream.append(piece)
        except BaseException:
            # A client that left in the middle has not sent the whole batch: none of it may be committed.
            stream.cancel()
            raise
        done = stream.finish()
        # chDB reports success also where the insert, or a view behind it, failed in the end (too many parts, a full
        # disk): its own counter tells. Should the failure have been a neighbour's, this one is doubted for nothing.
        if _failed_inserts(connection) != failed:
            raise self.server.fresh_error(connection)
        self.server.merges.inserted(done.rows_written)
        summary = {"written_rows": str(done.rows_written), "written_bytes": str(done.bytes_written)}
        self._send(200, b"", {"X-ClickHouse-Summary": json.dumps({"read_rows": summary["written_rows"], **summary})})

    def _query(self, connection: Any, text: str, params: dict[str, str]) -> None:
        text, more = http_protocol.first_statement(text)
        if more:  # chDB would run both and answer with the last
            raise QueryError(62, "Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)")
        fmt = http_protocol.result_format(
            text, params.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated"
        )
        bound = {k[6:]: v for k, v in params.items() if k.startswith("param_")}
        waits = params.get("wait_end_of_query")
        if fmt and http_protocol.streams(text, fmt, joined=waits == "0") and waits != "1":
            self._stream(connection, text, fmt, bound)
            return
        result = connection.query(text, fmt or "TabSeparated", params=bound)
        data = result.bytes()
        if fmt == "Native" and not data:
            data = self._columns_only(connection, text, bound)
        numbers = {
            "read_rows": result.storage_rows_read(),
            "read_bytes": result.storage_bytes_read(),
            "elapsed_ns": int(result.elapsed() * 1e9),
        }
        headers = {"X-ClickHouse-Summary": json.dumps({k: str(v) for k, v in numbers.items()})}
        if params.get("enable_http_compression") == "1" and data:
            data, encoding = http_protocol.compress(data, self.headers.get("Accept-Encoding", ""))
            if encoding:
                headers["Content-Encoding"] = encoding
        self._send(200, data, headers | ({"X-ClickHouse-Format": fmt} if fmt else {}))

    def _columns_only(self, connection: Any, text: str, bound: dict[str, str]) -> bytes:
        bare = text.rstrip().rstrip(";")
        bare = bare[: -len("FORMAT Native")] if bare.lower().endswith("format native") else bare
        described = connection.query(f"describe ({bare}\n) format JSONCompactEachRow", params=bound).bytes()
        return http_protocol.empty_native([tuple(json.loads(line)[:2]) for line in described.splitlines()])

    def _stream(self, connection: Any, text: str, fmt: str, bound: dict[str, str]) -> None:
        tag = uuid.uuid4().hex[:16]
        blocks = connection.send_query(text, fmt, params=bound)
        try:
            first = next(blocks, None)
            data = first.bytes() if first is not None else b""
            if fmt == "Native" and not data:
                blocks.close()
                data = self._columns_only(connection, text, bound)
            arrow = fmt == "ArrowStream"
            if arrow and not data:
                blocks.close()
                data = connection.query(text, fmt, params=bound).bytes()
            self._headers(
                200,
                {
                    "Transfer-Encoding": "chunked",
                    "X-ClickHouse-Format": fmt,
                    "X-ClickHouse-Exception-Tag": tag,
                },
            )
            self._chunk(http_protocol.arrow_piece(data, first=True) if arrow else data)
            try:
                for block in blocks if first is not None else ():
                    piece = block.bytes()
                    self._chunk(http_protocol.arrow_piece(piece) if arrow else piece)
                self._chunk(http_protocol.ARROW_END if arrow else b"")
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as exc:
                self._chunk(http_protocol.late_error(tag, str(exc)))
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        finally:
            blocks.close()

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n" % len(data))
            self.wfile.write(data)
            self.wfile.write(b"\r\n")

    def _body(self) -> Iterator[bytes]:
        encoding = self.headers.get("Content-Encoding", "").lower()
        try:
            unpack = http_protocol.decompressor(encoding)
        except KeyError:
            raise QueryError(
                432, f"Unknown compression {encoding!r} of the body. (UNKNOWN_COMPRESSION_METHOD)"
            ) from None
        if unpack is None:
            return self._raw_body()
        return (plain for piece in self._raw_body() if (plain := unpack.decompress(piece)))

    def _raw_body(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            yield from http_protocol.chunked(self.rfile.readline, self.rfile.read)
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0:
            piece = http_protocol.exactly(self.rfile.read, min(left, 1 << 20))
            left -= len(piece)
            yield piece

    def _headers(self, status: int, headers: dict[str, str]) -> None:
        self._started = True
        self.send_response(status)
        self.send_header("X-ClickHouse-Server-Display-Name", "footfall")
        self.send_header("X-ClickHouse-Query-Id", self.query_id)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self._headers(status, {**headers, "Content-Length": str(len(data))})
        self.wfile.write(data)
        self.wfile.flush()

    def _fail(self, exc: Exception) -> None:
        # Part of the request body may be unread: the connection cannot carry another request.
        self.close_connection = True
        message = str(exc)
        start = message.find("Code: ")
        code = exc.code if isinstance(exc, QueryError) else http_protocol.error_code(message)
        if not code:
            log.exception("statement %s failed", self.query_id)
        if not self._started:
            text = message[start:] if start > 0 else message
            self._send(
                http_protocol.http_status(code),
                f"{text}\n".encode(),
                {"X-ClickHouse-Exception-Code": str(code or 1002), "Connection": "close"},
            )
