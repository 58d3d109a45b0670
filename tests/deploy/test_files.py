"""Files of deploy/ are taken by the programs that they are for, and proxies pass on what the collector needs."""

from __future__ import annotations

import contextlib
import http.server
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
DEPLOY = Path(__file__).parents[2] / "deploy"


def needs(program: str) -> str:
    found = shutil.which(program)
    if not found:
        pytest.skip(f"{program} is not installed (make system)")
    return found


class Seen(http.server.BaseHTTPRequestHandler):
    """A collector's place: notes what reaches it."""

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 (the library's name)

    def log_message(self, *args):
        pass


@pytest.fixture
def behind():
    """A server on a port of its own, and the requests that it got."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Seen)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def ask(port: int, path: str, body: bytes | None = None, **headers: str) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), 10)
    with context.wrap_socket(plain, server_hostname="visits.example.com") as to:
        lines = [
            f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
            "Host: visits.example.com",
            "Connection: close",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body is not None else []
        to.sendall("\r\n".join([*lines, "", ""]).encode())
        with contextlib.suppress(OSError):  # refused before it was read
            to.sendall(body or b"")
        return int(to.recv(65536).split(b" ")[1])


def wait_for(port: int, process: subprocess.Popen) -> None:
    """Until it answers: it may have to make its certificate first."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None
        try:
            ask(port, "/metrics")
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request, tmp_path, behind):
    """A port on which the proxy answers with the file of deploy/, in front of ``behind``."""
    program, port = needs(request.param), free_port()
    to = behind.server_address[1]
    if request.param == "nginx":
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=visits.example.com"]
        subprocess.run([*make, "-keyout", tmp_path / "key", "-out", tmp_path / "pem"], check=True, capture_output=True)
        text = (DEPLOY / "nginx.conf").read_text()
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{to}").replace("listen 443", f"listen 127.0.0.1:{port}")
        text = re.sub(r"(ssl_certificate) \S+;", rf"\1 {tmp_path}/pem;", text)
        text = re.sub(r"(ssl_certificate_key) \S+;", rf"\1 {tmp_path}/key;", text)
        version = re.findall(rb"nginx/(\d+)\.(\d+)", subprocess.run([program, "-v"], capture_output=True).stderr)[0]
        if tuple(map(int, version)) < (1, 25):  # they say it elsewhere
            text = text.replace("    http2 on;\n", "").replace(" ssl;", " ssl http2;")
        places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temp = "".join(f"{name}_temp_path {tmp_path};\n" for name in places)
        whole = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{temp}{text}}}\n"
        (tmp_path / "conf").write_text(whole)
        command = [program, "-c", str(tmp_path / "conf"), "-g", "daemon off;"]
    else:
        text = (DEPLOY / "Caddyfile").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{to}")
        options = "admin off\nauto_https disable_redirects\nskip_install_trust\nlocal_certs"
        options = f"{{\n{options}\nhttps_port {port}\n}}\n"
        (tmp_path / "conf").write_text(options + text)
        command = [program, "run", "--adapter", "caddyfile", "--config", str(tmp_path / "conf")]
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/bin"}
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    wait_for(port, running)
    yield port
    running.terminate()
    running.wait(20)


def test_a_proxy_says_which_address_it_is_and_nothing_else(proxy, behind):
    assert ask(proxy, "/v1/events", b"{}", X_Forwarded_For="203.0.113.7", Content_Type="application/json") == 202
    [(path, headers, body)] = behind.seen
    assert (path, body) == ("/v1/events", b"{}")
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["Host"] == "visits.example.com"


def test_a_proxy_bounds_bodies_and_hides_what_is_for_inside(proxy, behind):
    assert ask(proxy, "/v1/events", b"x" * (3 << 20)) in (413, 502)  # Caddy breaks off what it has begun to pass on
    assert ask(proxy, "/metrics") == 403
    assert ask(proxy, "/health/ready") == 403
    assert ask(proxy, "/health/live") == 202
    assert [path for path, *_ in behind.seen if path != "/v1/events"] == ["/health/live"]


@pytest.mark.parametrize(
    "unit", sorted(path.name for path in DEPLOY.glob("footfall*.*") if path.suffix in (".service", ".timer"))
)
def test_systemd_takes_the_units(unit, tmp_path):
    program = needs("systemd-analyze")
    for path in DEPLOY.glob("footfall*.*"):
        text = path.read_text().replace("/opt/footfall/bin/footfall", "/bin/true")
        (tmp_path / path.name).write_text(text.replace("User=footfall\nGroup=footfall\n", ""))
    done = subprocess.run([program, "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "footfall" in line]
    assert (done.returncode, said) == (0, [])


def test_what_a_service_runs_is_a_command():
    from cli.commands import LISTED

    for path in DEPLOY.glob("*.service"):
        [line] = re.findall(r"^ExecStart=/opt/footfall/bin/footfall (\S+)", path.read_text(), re.MULTILINE)
        assert line in LISTED
