"""Layouts from the format strings of servers: nginx's ``log_format`` and Apache's ``LogFormat``.

Also whole directives, as they are in a configuration file. What a variable tells is in ``format_names``; others are
passed over. A value ends where the text after it in the format first occurs; in quotes it ends at the quote that has no
backslash before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from collector.imports.layouts.format_names import (
    APACHE,
    APACHE_HEADERS,
    BY_NAME,
    CLOSE,
    IN_QUOTES,
    NGINX,
    SPACED,
    STATUS,
    Part,
    Shape,
)
from collector.imports.layouts.line import PROTOCOL, Line, LineLayout, Reader, unescaped
from collector.imports.layouts.line_error import shown
from collector.imports.layouts.times import Times
from sql.core.errors import UsageError

MAX_FORMAT = 4_096
MAX_VARIABLES = 64
_NGINX = re.compile(r"\$(?:\{([a-z0-9_]{1,64})\}|([a-z0-9_]{1,64}))")
_APACHE = re.compile(r"%[<>!,\d]{0,32}(?:\{([^}]{1,128})\})?([a-zA-Z%])")
_BARE_TIME = re.compile(r"%[<>!,\d]{0,32}t")
_NGINX_DIRECTIVE = re.compile(r"\s*log_format\s+\S+\s+(?:escape=\S+\s+)?")
_APACHE_DIRECTIVE = re.compile(r"\s*LogFormat\s+", re.IGNORECASE)
_PIECE = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\")", re.DOTALL)
_HINT = "for example: --log-format '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent'"
_NEEDED = {Part.CLIENT: "$remote_addr or %h", Part.TIME: "$time_local or %t", Part.STATUS: "$status or %>s"}


@dataclass(frozen=True, slots=True)
class _Variable:
    """A variable as it is written, what it tells (None: nothing of interest), and the text after it."""

    text: str
    part: Part | None
    after: str


@dataclass(frozen=True, slots=True)
class _Step:
    """How one value is found: by its shape, or (None) as what is before ``after``; ``part`` -1 is passed over."""

    shape: Shape | None
    after: bytes
    part: int


def is_format(text: str) -> bool:
    """Whether an operator's text is a format string, not the name of a layout."""
    return "$" in text or "%" in text


def layout(text: str) -> LineLayout:
    """The layout of a format string. Raises UsageError where lines cannot be read by it."""
    if len(text) > MAX_FORMAT:
        raise UsageError(f"the log format is longer than {MAX_FORMAT} characters")
    before, variables = _parsed(_bare(text))
    _check({variable.part for variable in variables})
    steps = _steps(before, variables)
    return LineLayout("format", "a format string", "", lambda times: _reader(before.encode(), steps, times), _why)


def _bare(text: str) -> str:
    """The string alone, of what may be a directive."""
    nginx = _NGINX_DIRECTIVE.match(text)
    if directive := nginx or _APACHE_DIRECTIVE.match(text):
        rest, pieces = text[directive.end() :], []
        while found := _PIECE.match(rest):
            pieces.append(found[1] if found[1] is not None else found[2])
            rest = rest[found.end() :]
            if not nginx:  # Apache has one string, and a name after it
                break
        text = "".join(pieces)
    text = text.replace('\\"', '"').replace("\\'", "'").replace("\\t", "\t")
    return text if _NGINX.search(text) else _BARE_TIME.sub(r"[\g<0>]", text)  # %t writes brackets


def _parsed(text: str) -> tuple[str, list[_Variable]]:
    """The text before the first variable, and the variables."""
    found = list(_NGINX.finditer(text)) or list(_APACHE.finditer(text))
    if not found:
        raise UsageError(f"the log format has no variables: {text}", _HINT)
    if len(found) > MAX_VARIABLES:
        raise UsageError(f"the log format has more than {MAX_VARIABLES} variables")
    ends = [each.start() for each in found[1:]] + [len(text)]
    variables = [_Variable(each[0], _part(each), text[each.end() : end]) for each, end in zip(found, ends, strict=True)]
    return text[: found[0].start()], variables


def _part(found: re.Match[str]) -> Part | None:
    if found[0].startswith("$"):
        return NGINX.get(found[1] or found[2])
    inner, letter = found[1] or "", found[2]
    if letter == "i":
        return APACHE_HEADERS.get(inner.lower())
    if inner == "c" or inner.endswith("_frac") or inner == "%z":  # parts of a time; the connection before mod_remoteip
        return None
    return APACHE.get(letter)


def _check(parts: set[Part | None]) -> None:
    missing = [name for part, name in _NEEDED.items() if part not in parts]
    if Part.FORWARDED in parts:  # where a proxy's address would be of no use
        missing = [name for name in missing if name != _NEEDED[Part.CLIENT]]
    if Part.REQUEST not in parts and not {Part.METHOD, Part.TARGET} <= parts:
        missing.append("$request or %r")
    if missing:
        raise UsageError(f"the log format misses {', '.join(missing)}", _HINT)


def _steps(before: str, variables: list[_Variable]) -> list[_Step]:
    seen: set[Part | None] = {None}
    steps = []
    for number, variable in enumerate(variables):
        shape = _shape(variable, before, number == len(variables) - 1)
        # Of several variables for one thing the first counts.
        steps.append(_Step(shape, variable.after.encode(), -1 if variable.part in seen else int(variable.part or 0)))
        seen.add(variable.part)
        before = variable.after
    return steps


def _shape(variable: _Variable, before: str, last: bool) -> Shape | None:
    """What a value looks like; None where the text after it, or the end of the line, is what ends it."""
    if variable.part is Part.STATUS:  # so that no line is read with its values shifted
        return STATUS
    if before.endswith('"') and (variable.after.startswith('"') or last):
        return IN_QUOTES
    if variable.after == " " and variable.part in SPACED:
        return SPACED[variable.part]
    if variable.after or last:
        return None
    found = BY_NAME.get(variable.text) or CLOSE.get(variable.part)
    if found is None:
        raise UsageError(f"nothing is between {variable.text} and the next variable of the log format", _HINT)
    return found


def _cut(line: bytes, before: bytes, steps: list[_Step]) -> list[bytes] | None:
    """The values of a line by part; None where it does not fit."""
    if not line.startswith(before):
        return None
    values = [b""] * len(Part)
    at = len(before)
    for step in steps:
        after = step.after
        if step.shape is None:
            end = line.find(after, at) if after else len(line)
        else:
            found = step.shape(line, at)
            end = found.end() if found and line.startswith(after, found.end()) else -1
        if end < 0:
            return None
        if step.part >= 0:
            values[step.part] = line[at:end]
        at = end + len(after)
    return values


def _reader(before: bytes, steps: list[_Step], times: Times) -> Reader:
    parts = {step.part for step in steps}
    whole, has_client = Part.REQUEST in parts, Part.CLIENT in parts

    def read(line: bytes) -> Line | None:
        values = _cut(line, before, steps)
        if values is None:
            return None
        time, client, request, method, target, query, status, host, referrer, agent, forwarded = values
        if not whole:
            query = query.removeprefix(b"?")
            query = b"?" + query if query not in (b"", b"-") and b"?" not in target else b""
            request = b"%b %b%b%b" % (method, target, query, PROTOCOL)
        if not has_client:
            client = forwarded
        if b"\\" in line:
            request, referrer, agent = unescaped(request), unescaped(referrer), unescaped(agent)
        return times.read(time), client, request, status, host, referrer, agent, forwarded

    return read


def _why(line: bytes) -> str:
    return f"the line does not fit the log format: {shown(line)}"


def described() -> Iterator[tuple[str, str]]:
    """Server, and the variables of its formats that are read."""
    yield "nginx", ", ".join(f"${name}" for name in NGINX)
    headers = ", ".join(f"%{{{name.title()}}}i" for name in APACHE_HEADERS)
    yield "Apache", f"{', '.join(f'%{name}' for name in APACHE)}, %{{format}}t, {headers}"
