"""Does ClickHouse answer? Asked without a client, by whoever must not wait."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from sql.client import EngineEndpoint, embedded_home


def ping(url: str, timeout: float = 2.0) -> str:
    """Empty where the ClickHouse of ``url`` answers within ``timeout`` seconds; else why not, in a few words."""
    home = embedded_home(url)
    connection: http.client.HTTPConnection
    if home is not None:
        from sql.core.unix_socket import PlainConnection

        if EngineEndpoint.read(home) is None:
            return "the engine is not running"
        connection = PlainConnection(home.engine_socket, timeout)
    else:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme in {"https", "clickhouses"}:
            connection = http.client.HTTPSConnection(host, parts.port or 8443, timeout=timeout)
        else:
            connection = http.client.HTTPConnection(host, parts.port or 8123, timeout=timeout)
    try:
        connection.request("GET", "/ping")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return "no response"
    finally:
        connection.close()
    return "" if status == 200 else f"responded with {status}"
