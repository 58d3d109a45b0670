"""Servers that send with a write key, through `footfall serve` and into a report."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

PAGE = {"Origin": "https://shop.example"}
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SERVERS = ["curl/8.5.0", "python-requests/2.32.3", "Go-http-client/2.0", "Java/17.0.2", "node", ""]
# Name of the event, user agent, other headers, whether the key is sent, the person's user agent.
SENT = [
    *((f"server {at}", agent, {}, True, "") for at, agent in enumerate(SERVERS)),
    ("named person", "curl/8.5.0", {}, True, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("page with a key", "curl/8.5.0", PAGE, True, ""),
    ("no key", "curl/8.5.0", PAGE, False, ""),
    ("passed on", GOOGLE, {}, True, ""),
    ("named crawler", "curl/8.5.0", {}, True, GOOGLE),
]
PEOPLE = {name for name, *_ in SENT[: len(SERVERS) + 1]}


def test_what_servers_send_is_in_reports(footfall, until):
    for name, agent, headers, keyed, person in SENT:
        body = {"site": "shop.example", "name": name, "user_agent": person}
        key = {"X-Footfall-Key": footfall.key} if keyed else {}
        connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
        connection.request("POST", "/v1/events", json.dumps(body), {"User-Agent": agent} | headers | key)
        assert connection.getresponse().status == 202
        connection.close()
    until(lambda: len(reported(footfall, "--include-bots")) == len(SENT), what="all events are loaded")
    assert reported(footfall) == PEOPLE


def reported(footfall, *options):
    """The names of events in `footfall report events`."""
    config = str(footfall.folder / "footfall.toml")
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "--config",
        config,
        "report",
        "events",
        "--limit",
        "0",
        "--format",
        "json",
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {row["event"] for row in json.loads(done.stdout)}
