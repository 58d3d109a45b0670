"""Signs of a machine that only the request shows: where it comes from, and headers that every browser sends."""

from __future__ import annotations

from collector.enrich.bots import BotReason
from sql.core.addresses import Networks

_HEADLESS = "headless"


def signals(
    address: str, user_agent: str, accept_language: str | None, client_hints: str | None, data_centres: Networks | None
) -> str:
    """Those of BotReason that hold, joined by commas. The address goes no further.

    ``client_hints`` is the header Sec-CH-UA, ``data_centres`` the networks that the operator named, if any.
    """
    found = []
    if client_hints and _HEADLESS in client_hints.lower():
        found.append(BotReason.HEADLESS)
    if data_centres is not None and data_centres.hold(address):
        found.append(BotReason.DATACENTER)
    if accept_language is None and user_agent.startswith("Mozilla/"):
        found.append(BotReason.NO_LANGUAGE)
    return ",".join(found)
