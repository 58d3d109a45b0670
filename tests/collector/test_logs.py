"""Logs: one object a line, nobody's data in them, and no flood."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import logging
import re
import socket
import time
from types import SimpleNamespace

import falcon.testing
import pytest

from collector import logs
from collector.choices import LogFormat
from collector.ingest.service import AppOptions
from collector.logs import Json, Lines, Text, masked
from collector.spool.segment_files import set_aside
from collector.spool.spool import Spool
from collector.web.app import create_app
from sql.core.data_dir import DataDir

PLANTED = (
    "203.0.113.77",
    "2001:db8::77",
    "jane.doe@example.org",
    "Planted/9.9",
    "wk_planted",
    "/planted/page",
    "plantedname",
)


@pytest.fixture
def log():
    """A logger with a handler of its own; its lines."""
    stream = io.StringIO()
    handler = Lines(stream)
    handler.setFormatter(Json())
    logger = logging.Logger("footfall.test")
    logger.addHandler(handler)
    lines = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]  # noqa: E731
    return SimpleNamespace(error=logger.error, warning=logger.warning, handler=handler, lines=lines)


def test_one_object_a_line(log):
    log.error("a line\nof %d", 2, extra={"segment": "s.seg"})
    [line] = log.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    told = {name: line[name] for name in ("level", "logger", "message", "segment")}
    assert told == {"level": "error", "logger": "footfall.test", "message": "a line\nof 2", "segment": "s.seg"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from 203.0.113.77:443", "from <address>:443"),
        ("peer ('2001:db8::77', 443)", "peer ('<address>', 443)"),
        ("[2001:db8::77]:443", "[<address>]:443"),
        ("::ffff:203.0.113.77", "<address>"),
        ("on 127.0.0.1:8080, [::1]:80 and 0.0.0.0", "on 127.0.0.1:8080, [::1]:80 and 0.0.0.0"),
        ("at 12:34:56 DB::Exception, code: 241.", "at 12:34:56 DB::Exception, code: 241."),
        ("ClickHouse 26.9.2.1", "ClickHouse <address>"),  # looks like one: better too much than too little
        ("to jane.doe+x@mail.example.org, now", "to <e-mail>, now"),
        ("https://shop.example/a/b?c=jane#d failed", "https://shop.example/… failed"),
        ("key wk_Abc-9_z refused", "key <key> refused"),
        ("batch 0193a5d0-0000-7000-8000-000000000001", "batch 0193a5d0-0000-7000-8000-000000000001"),
        ("01795183059519988000~12~collector-1-a-000001.seg", "01795183059519988000~12~collector-1-a-000001.seg"),
    ],
)
def test_personal_data_is_masked(text, told):
    assert masked(text) == told


def test_an_error_keeps_its_traceback_and_loses_what_it_quotes(log):
    def fails() -> None:
        try:
            int("plantedname")
        except ValueError as exc:
            raise KeyError("jane.doe@example.org") from exc

    try:
        fails()
    except KeyError:
        log.error("it failed", exc_info=True)
    [line] = log.lines()
    first, second = line["error"].index("ValueError: invalid literal"), line["error"].index("KeyError: …")
    assert first < second
    assert "in fails" in line["error"]
    assert 'int("plantedname")' in line["error"]  # a line of code is no value
    assert "plantedname" not in line["error"].replace('int("plantedname")', "")


def test_text_tells_the_same():
    record = logging.LogRecord("footfall.x", logging.WARNING, "", 1, "from %s", ("203.0.113.77",), None)
    record.batch = "b1"
    assert Text().format(record).endswith(" WARNING footfall.x: from <address> [batch=b1]")


def test_a_flood_is_counted(log, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(logs.time, "monotonic", lambda: clock.now)
    for number in range(1000):
        log.warning("rubbish %d", number)
    log.error("something else")
    assert [line["message"] for line in log.lines()] == [f"rubbish {n}" for n in range(logs.BURST)] + ["something else"]
    clock.now += logs.WINDOW + 1
    log.warning("rubbish %d", 1000)
    assert [line["message"] for line in log.lines()][-2:] == [
        f"{1000 - logs.BURST} more lines like this one were suppressed: rubbish %d",
        "rubbish 1000",
    ]


def test_what_was_left_out_is_told_at_the_end(log):
    for _ in range(logs.BURST + 3):
        log.warning("rubbish")
    log.handler.close()
    assert log.lines()[-1]["message"].startswith("3 more lines")


def test_a_thousand_different_floods_are_bounded(log):
    for number in range(2000):
        log.warning(f"made up {number}")
    assert len(log.lines()) <= logs._KEYS + logs.BURST


@pytest.mark.parametrize(("wanted", "terminal", "as_json"), [
    ("auto", True, False), ("auto", False, True), ("json", True, True), ("text", False, False),
])  # fmt: skip
def test_auto_is_text_on_a_terminal(monkeypatch, wanted, terminal, as_json):
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.excepthook", None)
    monkeypatch.setattr("threading.excepthook", None)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        root.handlers[:] = []
        assert logs.set_up(LogFormat(wanted), logging.WARNING) is as_json
        logging.getLogger("footfall.x").warning("hello")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.captureWarnings(False)
    assert stream.getvalue().startswith("{") is as_json


class Boom:
    """A route with a defect."""

    async def on_get(self, req, resp):
        raise RuntimeError(f"cannot do {req.get_param('who')!r}")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("abc.DEF_1-2", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("ä", False),
        ("", False),
        (None, False),
    ],
)
def test_a_request_has_an_id_in_answer_and_log(tmp_path, log, given, taken):
    app = create_app(AppOptions(DataDir(tmp_path / "data").make()))
    app.add_route("/boom", Boom())
    logger = logging.getLogger("falcon")
    logger.addHandler(log.handler)

    async def ask():
        async with falcon.testing.ASGIConductor(app) as conductor:
            headers = {} if given is None else {"X-Request-Id": given.encode().decode("latin-1")}
            return await conductor.simulate_get("/boom", query_string="who=jane.doe@example.org", headers=headers)

    try:
        answer = asyncio.run(ask())
    finally:
        logger.removeHandler(log.handler)
    assert answer.status_code == 500
    told = answer.headers["x-request-id"]
    assert (told == given) is taken
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", told)
    [line] = log.lines()
    assert line["request"] == told
    assert "in on_get" in line["error"]
    assert "jane" not in json.dumps(line)


def test_ids_that_are_made_differ(tmp_path):
    app = create_app(AppOptions(DataDir(tmp_path / "data").make()))

    async def ask():
        async with falcon.testing.ASGIConductor(app) as conductor:
            return [(await conductor.simulate_get("/health/live")).headers["x-request-id"] for _ in range(5)]

    assert len(set(asyncio.run(ask()))) == 5


def test_a_run_with_planted_data_logs_none_of_it(footfall, until):
    """Good events, bad ones, rubbish on the wire, damage in the spool, a dead engine: every line is an object."""
    address, six, mail, agent, key, page, name = PLANTED
    headers = {
        "User-Agent": f"{agent} {mail}",
        "X-Forwarded-For": f"{address}, {six}",
        "Referer": f"https://x.example{page}",
    }
    bodies = [
        json.dumps({"key": key, "name": name, "url": f"https://shop.example{page}?m={mail}"}),
        json.dumps({"key": footfall.key, "name": name, "title": mail, "url": f"https://shop.example{page}"}),
        json.dumps({"key": footfall.key, "name": name, "timestamp": mail}),
        f'{{"{mail}',
    ]
    for body in bodies:
        for path in ("/v1/events", f"{page}?{mail}", f"/v1/pixel.gif?key={key}&url={page}"):
            connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
            connection.request("POST", path, body, headers)
            connection.getresponse().read()
            connection.close()
    for rubbish in (
        f"{mail} {address}\r\n\r\n",
        f"GET {page} HTTP/9.9\r\n{mail}\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", footfall.port), timeout=5) as client:
            client.sendall(rubbish.encode())
            client.recv(1000)
    spool = Spool(footfall.home.spool)
    damaged = f"{time.time_ns():020d}~1~collector-1-a-000001.seg"
    set_aside(spool, "x", ".damaged", b"", "")  # quarantine may exist already
    (spool.sealed_dir / damaged).write_bytes(f"{mail} {address} {name}".encode() * 20)
    log = footfall.folder / "serve.log"
    until(lambda: "damaged" in log.read_text(), what="the damage is told")
    assert footfall.kill("engine")
    until(lambda: "engine exited" in log.read_text(), what="the end of the engine is told")
    assert footfall.kill("worker")
    until(footfall.drained, what="all is loaded again")
    footfall.stop()
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) > 3
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert [line["segment"] for line in lines if "segment" in line] == [damaged]
    assert [planted for planted in PLANTED if planted in text] == []
