"""A real browser without a window, and a small real site beside a collector that records."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TRACKER = Path(__file__).parents[2] / "tracker/footfall.js"
# Not chromium-headless-shell: it keeps no page for the way back and renders none ahead.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 20.0
BLANK = "about:blank"
STUB = "<script>window.footfall=window.footfall||function(){(footfall.q=footfall.q||[]).push(arguments)}</script>"


class Web(ThreadingHTTPServer):
    """Every host name leads here: pages by path, the script, and /v1/events, which records."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.pages: dict[str, str] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.batches: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.changed = threading.Condition()

    def url(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, attributes: str = "data-site=site.example", body: str = "", head: str = STUB) -> str:
        """Serve a page with the tracker on it, and give its address."""
        script = f'<script defer src="{self.url("/footfall.js", "collector.example")}" {attributes}></script>'
        self.pages[path] = (
            f"<!doctype html><html><head><title>Title of {path}</title>{head}{script}</head>"
            f'<body style="margin:0">{body}</body></html>'
        )
        return self.url(path)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        with self.changed:
            return [e for batch in self.batches for e in batch["events"] if not name or e["name"] == name]

    def wait(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds of what was recorded."""
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE), self.batches
            return holds()

    def wait_events(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.wait(lambda: len(self.events(name)) >= count and self.events(name))
        return found


class Handler(BaseHTTPRequestHandler):
    server: Web
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._record()
        path = self.path.split("?")[0]
        if path == "/footfall.js":
            self._answer(200, TRACKER.read_bytes(), "text/javascript")
        elif path.startswith("/after/"):  # answers when that path has been asked for
            self.server.wait(lambda: any(seen == path.removeprefix("/after") for _, seen, _ in self.server.seen))
            self._answer(204, b"", "text/plain")
        elif path in self.server.pages:
            self._answer(200, self.server.pages[path].encode(), "text/html; charset=utf-8")
        else:
            self._answer(404, b"", "text/plain")

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.changed:
            status = self.server.answers.pop(0) if self.server.answers else 202
        self._answer(status, b"", "text/plain")
        with self.server.changed:
            self.server.batches += [json.loads(data)] if status == 202 else []
        self._record()

    def do_OPTIONS(self) -> None:
        self._record()
        self._answer(204, b"", "text/plain")

    def _record(self) -> None:
        with self.server.changed:
            self.server.seen.append((self.command, self.path, dict(self.headers)))
            self.server.changed.notify_all()

    def _answer(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        return


class Browser:
    """Chromium, spoken to over its debugging pipe (JSON messages that end in a zero byte)."""

    def __init__(self, program: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
            "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
            "--host-resolver-rules=MAP *.example 127.0.0.1",
        ]  # fmt: skip
        # The browser reads from descriptor 3 and writes to 4.
        command = (
            "import os, sys; high = [os.dup(os.dup(int(fd))) for fd in sys.argv[1:3]]; "
            "[os.dup2(fd, want) for fd, want in zip(high, (3, 4))]; os.execv(sys.argv[3], sys.argv[3:])"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", command, str(theirs_in), str(theirs_out), program, *flags, BLANK],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._reader = os.fdopen(self._in, "rb")
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_event(self, session: str, method: str) -> None:
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._reader.fileno(), 65_536)
            if not chunk:
                raise RuntimeError("the browser has gone")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._reader.close()
        os.close(self._out)


class Tab:
    """One tab with storage of its own."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.context = browser.send("Target.createBrowserContext")["browserContextId"]
        self.target = browser.send("Target.createTarget", url=BLANK, browserContextId=self.context)["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self._do("Page.enable")
        self._do("Emulation.setFocusEmulationEnabled", enabled=True)

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.send(method, self.session, **params)

    def go(self, url: str) -> None:
        """Open an address and wait until it has loaded."""
        self.browser.events.clear()
        self._do("Page.navigate", url=url)
        self.browser.wait_event(self.session, "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Evaluate a script (a promise is awaited)."""
        result = self._do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def back(self) -> None:
        history = self._do("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] - 1]
        self._do("Page.navigateToHistoryEntry", entryId=entry["id"])

    def close(self) -> None:
        self.browser.send("Target.disposeBrowserContext", browserContextId=self.context)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = os.environ.get("FOOTFALL_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no Chromium is here (looked for {', '.join(NAMES)}; or set FOOTFALL_TEST_CHROMIUM)")
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    tab = Tab(browser)
    yield tab
    tab.close()


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield web
    web.shutdown()
    web.server_close()
    thread.join()
