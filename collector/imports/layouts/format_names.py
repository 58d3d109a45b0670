"""What the variables of nginx (``log_format``) and Apache (``LogFormat``) are, and what their values look like."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias


class Part(IntEnum):
    """What of a request a variable tells."""

    TIME = 0
    CLIENT = 1
    REQUEST = 2
    METHOD = 3
    TARGET = 4
    QUERY = 5
    STATUS = 6
    HOST = 7
    REFERRER = 8
    AGENT = 9
    FORWARDED = 10


NGINX = {
    "remote_addr": Part.CLIENT,
    "time_local": Part.TIME,
    "time_iso8601": Part.TIME,
    "msec": Part.TIME,
    "request": Part.REQUEST,
    "request_method": Part.METHOD,
    "request_uri": Part.TARGET,
    "uri": Part.TARGET,
    "document_uri": Part.TARGET,
    "args": Part.QUERY,
    "query_string": Part.QUERY,
    "status": Part.STATUS,
    "host": Part.HOST,
    "http_host": Part.HOST,
    "server_name": Part.HOST,
    "ssl_server_name": Part.HOST,
    "http_referer": Part.REFERRER,
    "http_user_agent": Part.AGENT,
    "http_x_forwarded_for": Part.FORWARDED,
    "proxy_add_x_forwarded_for": Part.FORWARDED,
    "http_x_real_ip": Part.FORWARDED,
    "http_cf_connecting_ip": Part.FORWARDED,
    "http_true_client_ip": Part.FORWARDED,
}
APACHE = {
    "h": Part.CLIENT,
    "a": Part.CLIENT,
    "t": Part.TIME,
    "r": Part.REQUEST,
    "m": Part.METHOD,
    "U": Part.TARGET,
    "q": Part.QUERY,
    "s": Part.STATUS,
    "v": Part.HOST,
    "V": Part.HOST,
}
APACHE_HEADERS = {
    "host": Part.HOST,
    "referer": Part.REFERRER,
    "user-agent": Part.AGENT,
    "x-forwarded-for": Part.FORWARDED,
    "x-real-ip": Part.FORWARDED,
    "cf-connecting-ip": Part.FORWARDED,
    "true-client-ip": Part.FORWARDED,
}

# Matches a value that begins at a place in a line.
Shape: TypeAlias = Callable[[bytes, int], "re.Match[bytes] | None"]
STATUS: Shape = re.compile(rb"\d{3}|-").match
IN_QUOTES: Shape = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL).match
# Values that hold the space which is after them in most formats.
SPACED: dict[Part, Shape] = {
    Part.TIME: re.compile(
        rb"\d\d/[A-Za-z]{3}/\d{4}:[\d:]{8} [+-]\d{4}|[\d/-]{10}[T ][\d:.,]{8,18}[Z+\d:-]*+|[\d.]++"
    ).match,
    Part.REQUEST: re.compile(rb"[A-Za-z_-]++ [^ ]*+ HTTP/[\d.]++|-").match,
    Part.FORWARDED: re.compile(rb"[^\s,]*+(?:, ?[^\s,]++)*+").match,
}
# Values with nothing between them and the next one.
CLOSE: dict[Part | None, Shape] = {
    Part.METHOD: re.compile(rb"[A-Za-z_-]++").match,
    Part.TARGET: re.compile(rb'(?:[^\s?"\\]|\\.)*+(?:\?(?:[^\s"\\]|\\.)*+)?').match,
    Part.QUERY: re.compile(rb'(?:\?(?:[^\s"\\]|\\.)*+)?').match,
    Part.HOST: re.compile(rb'[^\s/?"]*+').match,
}
_PATH: Shape = re.compile(rb'(?:[^\s?"\\]|\\.)*+').match
BY_NAME: dict[str, Shape] = {
    "$uri": _PATH,
    "$document_uri": _PATH,
    "%U": _PATH,
    "$is_args": re.compile(rb"\??").match,
    "$scheme": re.compile(rb"[a-z]*+").match,
    "%{msec_frac}t": re.compile(rb"\d{3}").match,
    "%{usec_frac}t": re.compile(rb"\d{6}").match,
    "%{%z}t": re.compile(rb"[+-]\d{4}").match,
}
