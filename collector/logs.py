"""Logs: one line a record, as text or as JSON, without personal data, and never more than a disk can bear."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from contextvars import ContextVar
from traceback import format_tb
from types import TracebackType
from typing import Any, TextIO

import re2

from collector.choices import LogFormat
from sql.core import addresses

# What a log line is about (request, segment, batch), wherever it is written.
ABOUT: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)
_FIELDS = ("request", "segment", "batch")

# The same line may come so often within a window (seconds); the rest is counted and told afterwards.
BURST = 10
WINDOW = 60.0
_KEYS = 500

# In linear time (RE2): a long word is not scanned from each of its places.
_E_MAIL = re2.compile(r"[^\s\pZ\"'`<>(),;:@=]+@[^\s\pZ\"'`<>(),;:@]+\.[\pL\pN_]+")
_PAGE = re.compile(r"(\bhttps?://[^\s\"'`<>/?#]+)[/?#][^\s\"'`<>]+")
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]*){2,})(?![\w])")
_KEY = re.compile(r"\bwk_[\w-]+")
_QUOTED = re.compile(r"(['\"`]).*?\1", re.DOTALL)


def masked(text: str) -> str:
    """``text`` without addresses (but loopback), e-mail addresses, pages and write keys."""
    text = _PAGE.sub(r"\1/…", text)
    if "@" in text:
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is text to Python alone
        text = _E_MAIL.sub("<e-mail>", text)
    text = _ADDRESS.sub(_masked_address, text)
    return _KEY.sub("<key>", text)


def without_values(error: object) -> str:
    """An error's first line, masked, and without what it quotes: that may be part of an event."""
    return masked(_QUOTED.sub("…", str(error).split("\n", 1)[0]))


class Lines(logging.StreamHandler[TextIO]):
    """Writes records; a line that comes again and again is written ``BURST`` times a window and counted beyond."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._seen: dict[tuple[str, int, str], list[float]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write, or count."""
        now = time.monotonic()
        self._tell_repeated(now)
        key = (record.name, record.lineno, str(record.msg)[:40])
        if key not in self._seen and len(self._seen) >= _KEYS:
            key = (record.name, 0, "")
        since = self._seen.setdefault(key, [now, 0.0])
        since[1] += 1
        if since[1] <= BURST:
            super().emit(record)

    def close(self) -> None:
        """Tell what was left out."""
        self.acquire()
        try:
            self._tell_repeated(float("inf"))
        finally:
            self.release()
        super().close()

    def _tell_repeated(self, now: float) -> None:
        for key in [key for key, (began, _) in self._seen.items() if now - began > WINDOW]:
            _, times = self._seen.pop(key)
            if times > BURST:
                name, line, start = key
                text = f"{int(times - BURST)} more lines like this one were suppressed: {start}"
                super().emit(logging.LogRecord(name, logging.WARNING, "", line, text, None, None))


class Text(logging.Formatter):
    """For people: time, level, logger, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback under it."""
        about = " ".join(f"{name}={value}" for name, value in _about(record).items())
        text = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}"
        text += f" [{about}]" if about else ""
        error = _error(record)
        return masked(text) + (f"\n{error}" if error else "")


class Json(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Keys: time, level, logger, message, pid; request, segment, batch and error where there are any."""
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
            "pid": record.process,
        }
        fields |= {name: masked(value) for name, value in _about(record).items()}
        if error := _error(record):
            fields["error"] = error
        return json.dumps(fields, ensure_ascii=False)


def set_up(wanted: LogFormat, level: int) -> bool:
    """Send every log line of this process to stderr as ``wanted`` says (auto: text on a terminal, else JSON).

    Errors that nobody catches are logged too. Returns whether lines are JSON.
    """
    as_json = wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and not sys.stderr.isatty())
    handler = Lines(sys.stderr)
    handler.setFormatter(Json() if as_json else Text())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    if as_json:
        sys.excepthook = _unhandled
        threading.excepthook = lambda args: _unhandled(args.exc_type, args.exc_value, args.exc_traceback)
    return as_json


def _unhandled(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and issubclass(kind, Exception):
        logging.getLogger("footfall").critical("unhandled error", exc_info=(kind, error, trace))


def _time(record: logging.LogRecord) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{moment}.{int(record.msecs):03d}Z"


def _about(record: logging.LogRecord) -> dict[str, str]:
    known = dict(ABOUT.get() or {})
    known |= {name: str(getattr(record, name)) for name in _FIELDS if hasattr(record, name)}
    return known


def _error(record: logging.LogRecord) -> str:
    """The traceback, with the lines of code but without the values that an error's message quotes."""
    error = record.exc_info[1] if record.exc_info else None
    parts: list[str] = []
    while error is not None and len(parts) < 10:
        told = f"{type(error).__qualname__}: {without_values(error)}"
        parts.insert(0, "".join(format_tb(error.__traceback__)) + told)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(parts)


def _masked_address(found: re.Match[str]) -> str:
    text = found[0]
    address = addresses.address(text.rstrip(":."))
    return text if address is None or address.is_loopback or address.is_unspecified else "<address>"
