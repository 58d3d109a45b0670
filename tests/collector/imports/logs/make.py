"""Make the logs in this folder again: the same requests to every server that is installed, in every format.

    python tests/collector/imports/logs/make.py

Needs nginx, Apache, Caddy and HAProxy as Debian has them (apt install nginx-light apache2 caddy haproxy). They listen
on loopback alone, as processes of this program, in a temporary directory. What is not installed is left out, and its
logs stay as they are. ``answers.json`` has the status of every request as the client saw it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
REQUESTS = json.loads((HERE / "requests.json").read_text())
# What containers log is cut into pieces; of 16 KiB in life.
PIECE = 2000

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; user root;
events {{}}
http {{
    log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
    log_format common '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';
    log_format first '$host:$server_port $remote_addr - $remote_user [$time_local] "$request" $status '
                     '$body_bytes_sent "$http_referer" "$http_user_agent"';
    log_format second '$remote_addr $host $remote_user [$time_local] "$request" $status $body_bytes_sent '
                      '"$http_referer" "$http_user_agent"';
    log_format json escape=json '{{"time_iso8601":"$time_iso8601","remote_addr":"$remote_addr",'
        '"request_method":"$request_method","request_uri":"$request_uri","http_host":"$host","status":$status,'
        '"http_referer":"$http_referer","http_user_agent":"$http_user_agent",'
        '"http_x_forwarded_for":"$http_x_forwarded_for","request_time":$request_time}}';
    log_format plainjson '{{"msec":$msec,"remote_addr":"$remote_addr","request":"$request","status":"$status",'
        '"http_referer":"$http_referer","http_user_agent":"$http_user_agent"}}';
    log_format own '$time_iso8601\\t$status\\t$request_time\\t$remote_addr\\t$request_method $scheme://$host$request_uri'
                   '\\t$http_user_agent\\t$http_referer';
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port}; listen [::1]:{port};
        server_name shop.example;
        access_log {folder}/nginx-combined.log combined;
        access_log {folder}/nginx-main.log main;
        access_log {folder}/nginx-common.log common;
        access_log {folder}/nginx-host-first.log first;
        access_log {folder}/nginx-host-second.log second;
        access_log {folder}/nginx-json.log json;
        access_log {folder}/nginx-json-unescaped.log plainjson;
        access_log {folder}/nginx-own.log own;
        access_log syslog:server=127.0.0.1:{syslog},nohostname combined;
        location /missing {{ return 404; }}
        location /moved {{ return 301 /; }}
        location /old {{ return 304; }}
        location / {{ return 200 "ok\\n"; }}
    }}
}}
"""
APACHE = """
ServerRoot {folder}
ServerName shop.example
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
Listen [::1]:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
DocumentRoot {folder}/pages
<Directory {folder}/pages>
    Require all granted
    AcceptPathInfo On
</Directory>
RewriteEngine On
RewriteCond %{{REQUEST_URI}} !^/(missing|moved)
RewriteRule ^ /index.html [L]
Redirect 301 /moved https://shop.example/
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" vhost
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %O" common
LogFormat "%{{%Y-%m-%d %H:%M:%S}}t.%{{msec_frac}}t %a %m %U%q %>s \\"%{{User-Agent}}i\\" \\"%{{Referer}}i\\" %D" own
CustomLog {folder}/apache-vhost.log vhost
CustomLog {folder}/apache-combined.log combined
CustomLog {folder}/apache-common.log common
CustomLog {folder}/apache-own.log own
"""
CADDY = """
{{
    admin off
    auto_https off
}}
http://:{port} {{
    bind 127.0.0.1 ::1
    log {{
        output file {folder}/caddy-json.log
    }}
    respond /missing 404
    redir /moved / 301
    respond /old 304
    respond "ok"
}}
"""
HAPROXY = """
global
    log 127.0.0.1:{syslog} format rfc3164 local0
    log 127.0.0.1:{second} format rfc5424 local0
defaults
    mode http
    option httplog
    log global
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    default-server maxconn 10
frontend web
    bind 127.0.0.1:{port}
    bind ::1:{port}
    default_backend pages
backend pages
    server nginx 127.0.0.1:{backend}
"""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody has."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Syslog:
    """A syslog server: what it gets, one message a line, as it came."""

    def __init__(self) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.messages: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            self.messages.append(self.socket.recv(65_536).rstrip(b"\n\0"))

    def save(self, path: Path) -> None:
        """Write what came."""
        path.write_bytes(b"".join(message + b"\n" for message in self.messages))


@contextlib.contextmanager
def server(*command: str, port: int) -> Iterator[None]:
    """A server that answers on a port, for the time of the context."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while child.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        else:
            sys.exit(f"{command[0]} did not start")
        time.sleep(0.3)
        yield
    finally:
        time.sleep(1.2)  # what is logged late
        child.terminate()
        child.wait(20)


def request_bytes(request: dict[str, str]) -> bytes:
    """A request as it goes over the wire; texts of requests.json are bytes as latin-1."""
    if "raw" in request:
        return request["raw"].encode("latin-1")
    lines = [f"{request.get('method', 'GET')} {request['target']} HTTP/1.1", "Host: shop.example", "Connection: close"]
    for name, key in (("User-Agent", "agent"), ("Referer", "referrer"), ("X-Forwarded-For", "forwarded")):
        if key in request:
            lines.append(f"{name}: {request[key]}")
    if request.get("method") == "POST":
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def ask(port: int) -> list[int]:
    """Send all requests; the status of each answer, 0 for none."""
    statuses = []
    for request in REQUESTS:
        host = "::1" if request.get("ipv6") else "127.0.0.1"
        with socket.create_connection((host, port), 5) as connection:
            connection.sendall(request_bytes(request))
            answer = b""
            with contextlib.suppress(OSError):
                while chunk := connection.recv(65_536):
                    answer += chunk
        statuses.append(int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0)
    return statuses


def wrapped(path: Path) -> None:
    """nginx's combined lines as Docker and Kubernetes keep them, long ones in pieces."""
    docker, cri = [], []
    stamp = "2026-11-30T13:00:00.123456789Z"
    for line in path.read_bytes().split(b"\n")[:-1]:
        pieces = [line[at : at + PIECE] for at in range(0, len(line), PIECE)] or [b""]
        for piece in pieces:
            end = "\n" if piece is pieces[-1] else ""
            record = {"log": piece.decode("utf-8", "replace") + end, "stream": "stdout", "time": stamp}
            docker.append(json.dumps(record, separators=(",", ":")).encode())
            cri.append(f"{stamp} stdout {'F' if end else 'P'} ".encode() + piece)
    (HERE / "docker.log").write_bytes(b"".join(line + b"\n" for line in docker))
    (HERE / "kubernetes.log").write_bytes(b"".join(line + b"\n" for line in cri))


def main() -> None:
    """Make all logs."""
    answers: dict[str, list[int]] = json.loads((HERE / "answers.json").read_text())
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "pages").mkdir()
        (folder / "pages" / "index.html").write_text("ok\n")
        port = free_port()
        syslog, first, second = Syslog(), Syslog(), Syslog()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, syslog=syslog.port))
        with server("nginx", "-p", made, "-c", "nginx.conf", port=port):
            answers["nginx"] = ask(port)
            time.sleep(0.5)
            syslog.save(HERE / "nginx-syslog.log")
            before = len((folder / "nginx-combined.log").read_bytes())
            if shutil.which("haproxy"):
                through = free_port()
                text = HAPROXY.format(folder=folder, port=through, backend=port, syslog=first.port, second=second.port)
                (folder / "haproxy.cfg").write_text(text)
                with server("haproxy", "-f", str(folder / "haproxy.cfg"), port=through):
                    first.messages.clear()  # of the servers that started
                    second.messages.clear()
                    answers["haproxy"] = ask(through)
                first.save(HERE / "haproxy-rfc3164.log")
                second.save(HERE / "haproxy-rfc5424.log")
        for path in folder.glob("nginx-*.log"):
            count = (folder / "nginx-combined.log").read_bytes()[:before].count(b"\n")
            lines = path.read_bytes().split(b"\n")[:count]
            (HERE / path.name).write_bytes(b"".join(line + b"\n" for line in lines))
        wrapped(HERE / "nginx-combined.log")
        for name, config, command in (
            ("apache", APACHE, ("apache2", "-D", "FOREGROUND", "-f", f"{folder}/apache.conf")),
            ("caddy", CADDY, ("caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/caddy.conf")),
        ):
            if not shutil.which(command[0]):
                continue
            port = free_port()
            (folder / f"{name}.conf").write_text(config.format(folder=folder, port=port))
            os.environ |= {"XDG_DATA_HOME": made, "XDG_CONFIG_HOME": made}
            with server(*command, port=port):
                answers[name] = ask(port)
            for path in folder.glob(f"{name}-*.log"):
                (HERE / path.name).write_bytes(path.read_bytes())
    (HERE / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
