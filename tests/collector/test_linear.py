"""What text from outside costs: time that grows with its length, never with its square.

Patterns are found by reading the source, so that a new one cannot slip in unseen.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
import re2

import collector
from collector import logs
from collector.enrich import bots, channels, sources, user_agents
from collector.enrich.referrer_spam import SpamHosts
from collector.event import decode, redact, urls, values
from collector.event.limits import Limits
from collector.event.model import Event, Revenue, SpooledEvent
from collector.imports import clients, file_reader, page_views, targets
from collector.imports.access_log import AccessLog
from collector.imports.layouts import clf, haproxy, line, table, times, wrapping
from collector.imports.layouts.line_error import LineError
from collector.ingest import access, pipeline
from collector.ingest.visitors import Salts, Visitors
from collector.loader import enrichment
from collector.sites.registry import Site, SiteRegistry
from collector.sites.snapshot import publish
from collector.spool import line_reader, lines
from collector.web import tracker_files

pytestmark = pytest.mark.hostile

SMALL, LARGE = 32 * 1024, 64 * 1024
# Twice the text may take twice the time: 4 would be a square. What is so quick (seconds) is none: the smallest square
# of 64 KB, at a tenth of a nanosecond a step, takes 0.2 s. The bound below holds whatever the growth is.
MAX_GROWTH, QUICK = 3.5, 0.03
MAX_SECONDS = 0.5
# A square shows here at the latest, and does not hold the tests up for an hour. What takes less than the least square
# would is none: at LARGE it would be quick.
FIRST, FIRST_SECONDS = 8 * 1024, 0.05
NO_SQUARE = QUICK * (FIRST / LARGE) ** 2

UNITS = (
    "a", "40", "1", "1 ", ".", "a.", "%40", "a%40", "@", "a@", "a@b.c ", "[", "[a]", "]", " ", "-", ":", "0:", "0.",
    "/", "http://", "http://a", "?", "&", "a=b&", "utm_source=a@&", "'", "\"'`", "\"", "\\", "\\\"", "\\x", "é", "%2B",
    "wk_-", "1234567 1 2 3 4 5x", "1%20", "11 22.", "$.a", "shop", "cp", "Mozilla/5.0 (", "; ", "\x1f", "\x00", ",",
    "a,", "gzip;q=0,",
)  # fmt: skip
ENDS = ("", "40@", "g\n")
STARTS = ("", "1234567@ ")
TEXTS = [(start, unit, end) for start in STARTS for unit in UNITS for end in ENDS]

# Patterns that no text from outside meets: what operators and this program write.
OURS = {
    "format_string": "options of commands, of at most 4,096 characters",
    "paths": "settings",
    "admin": "arguments of commands",
    "snippet": "arguments of commands",
    "tracker_versions": "names of our own files",
    "quarantine": "names of our own files",
}
# Patterns that are only ever held against the beginning of a text, or all of it.
ANCHORED = {
    "clf": {"*"},
    "clients": {"*"},
    "format_names": {"*"},
    "haproxy": {rb"(\S+):\d+ \[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] ", haproxy._LINE.pattern},
    "load_balancers": {"*"},
    "s3": {"*"},
    "table": {"*"},
    "targets": {"*"},
    "times": {"*"},
    "w3c": {"*"},
    "wrapping": {"*"},
    "channels": {"*"},
    "middleware": {"*"},
    "pipeline": {r"[A-Za-z][A-Za-z0-9+.-]{0,31}://\S+\Z"},
    "tracker_files": {"*"},
    "urls": {r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+(?::\d+)?(?=[/?#]|$)", "[a-z][a-z0-9+.-]*:"},
    "values": {"*"},
}


def text_of(shape: tuple[str, str, str], size: int) -> str:
    start, unit, end = shape
    return start + unit * ((size - len(start) - len(end)) // len(unit)) + end


def seconds(work: Callable[[str], object], text: str, runs: int = 3) -> float:
    """Processor time of the quickest of some runs: the clock also counts what others do."""
    best = float("inf")
    for _ in range(runs):
        began = time.process_time()
        work(text)
        best = min(best, time.process_time() - began)
    return best


def growth(work: Callable[[str], object], shapes: list[tuple[str, str, str]]) -> list[str]:
    """The shapes of text on which ``work`` takes too long, or grows faster than the text."""
    slow = []
    most = FIRST_SECONDS + 2 * seconds(work, "a")  # what any text costs, however short, is no growth
    for shape in shapes:
        first = seconds(work, text_of(shape, FIRST), runs=1)
        if first > most and (first := seconds(work, text_of(shape, FIRST))) > most:
            slow.append(f"{shape}: {first:.3f} s for {FIRST} characters")
            continue
        if first < NO_SQUARE or seconds(work, text_of(shape, LARGE), runs=1) < QUICK:
            continue
        large = seconds(work, text_of(shape, LARGE))
        small = seconds(work, text_of(shape, SMALL))
        for _ in range(3):  # somebody else had the processor
            if large < QUICK or (large <= MAX_GROWTH * small and large < MAX_SECONDS):
                break
            large, small = min(large, seconds(work, text_of(shape, LARGE))), seconds(work, text_of(shape, SMALL))
        else:
            slow.append(f"{shape}: {small:.4f} s, twice as long {large:.4f} s")
    return slow


FUNCTIONS_OF_RE = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}


def patterns() -> dict[str, tuple[ModuleType, re.Pattern[str] | re.Pattern[bytes]]]:
    """Every pattern in the collector's source, by module and text. What is not made of constants cannot be judged."""
    found = {}
    for info in pkgutil.walk_packages(collector.__path__, "collector."):
        module = importlib.import_module(info.name)
        short = info.name.rpartition(".")[2]
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re" | "re2"), attr=attr), args=[first, *rest]) if (
                    attr in FUNCTIONS_OF_RE
                ):
                    flags = rest if attr == "compile" else []
                    library = re2 if "re2" in ast.unparse(node.func) else re
                    try:
                        pattern, *given = (
                            eval(compile(ast.Expression(arg), short, "eval"), vars(module))  # noqa: S307
                            for arg in (first, *flags)
                        )
                    except NameError:
                        assert library is re2, f"{short}: a pattern that is put together meets text from outside"
                        continue  # whatever it is put together of, RE2 takes time by the length of the text
                    found[f"{short}: {pattern!r}"] = module, library.compile(pattern, *given)
    return found


PATTERNS = patterns()


def is_anchored(module: str, pattern: object) -> bool:
    return bool({"*", pattern} & ANCHORED.get(module, set()))


def ask(pattern: re.Pattern[str] | re.Pattern[bytes], anchored: bool, text: str) -> None:
    subject: object = text if isinstance(pattern.pattern, str) else text.encode()
    pattern.match(subject) if anchored else pattern.sub(lambda found: found[0], subject)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_takes_time_in_proportion(name):
    module, pattern = PATTERNS[name]
    short = module.__name__.rpartition(".")[2]
    if short in OURS:
        return
    assert not growth(functools.partial(ask, pattern, is_anchored(short, pattern.pattern)), TEXTS)


def test_the_lists_name_what_is_there():
    modules = {module.__name__.rpartition(".")[2] for module, _ in PATTERNS.values()}
    assert set(OURS) | set(ANCHORED) <= modules
    for module, texts in ANCHORED.items():
        known = {str(pattern.pattern) for at, pattern in PATTERNS.values() if at.__name__.endswith(f".{module}")}
        assert set(map(str, texts)) - {"*"} <= known


LIMITS = Limits(body_bytes=2**20, event_bytes=2**20, text=2**20)
SITE = Site(1, "a.example", "UTC")
SENDER = pipeline.Sender("203.0.113.7", "agent", "", gpc=False, received_at=1_790_000_000_000)


@pytest.fixture(scope="module")
def visitors(tmp_path_factory):
    return Visitors(Salts(tmp_path_factory.mktemp("salts")))


def judged(step: Callable[[pipeline.EventDraft], None], visitors: Visitors, text: str) -> None:
    """One step on an event whose every field is this text."""
    event = Event(
        name=text, url=text, referrer=text, title=text, screen=text, language=text, client_id=text, session_id=text,
        user_id=text, revenue=Revenue(text, text), consent={text: text}, props={"a": text, text[:60]: text},
    )  # fmt: skip
    rules = pipeline.IngestContext(LIMITS, visitors)
    draft = pipeline.EventDraft(event, SITE, SENDER._replace(user_agent=text), 0, rules)
    redact.address.forget()  # type: ignore[attr-defined]
    with suppress(pipeline.InvalidEvent):
        step(draft)


# A step of the collector is a few microseconds on any field: shapes that differ in what they open are enough.
FEW = [("", unit, end) for unit in UNITS for end in ("", "40@")]


@pytest.mark.parametrize("step", pipeline.STEPS, ids=lambda step: step.__name__)
def test_every_step_of_an_event(step, visitors):
    assert not growth(functools.partial(judged, step, visitors), FEW)


class Asked:
    """A request with one header, whichever is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.scope = {"client": ("127.0.0.1", 1)}

    def get_header(self, name: str) -> str:
        return self.text

    def get_param(self, name: str) -> str:
        return ""


FUNCTIONS: dict[str, Callable[[str], object]] = {
    "text": redact.text,
    "user": lambda text: redact.user(text, b"k"),
    "address": lambda text: forgotten(redact.address, "https://a.example/" + text),
    "address with a query": lambda text: forgotten(redact.address, "https://a.example/?" + text),
    "page": urls.split,
    "page with a query": lambda text: urls.split("https://a.example/?" + text),
    "referrer": lambda text: urls.referrer(text, "a.example"),
    "masked": logs.masked,
    "without values": logs.without_values,
    "parse": lambda text: parsed(text.encode()),
    "parse an event": lambda text: parsed(b'{"name":"' + text.encode() + b'"}'),
    "parse nested": lambda text: parsed(b'{"events":[' + text.encode()),
    "field of a line": lambda text: line.unescaped(text.encode()),
    "client of a line": lambda text: clients.client_of(text.encode()),
    "host of a line": targets.host_of,
    "request of a line": lambda text: targets.request_of(text.encode()),
    "static": lambda text: targets.is_static(text.encode()),
    "around a line": lambda text: wrapping.Wrapping(LARGE).inner(text.encode()),
    "around a line of JSON": lambda text: wrapping.Wrapping(LARGE).inner(b'{"log":' + text.encode()),
    "time of a line": lambda text: timed(text.encode()),
    "why a line is bad": lambda text: clf.why(text.encode()),
    "why a line is not of S3": lambda text: table.Detector(table.chosen("s3"), times.Times()).why(text.encode()),
    "codings": tracker_files.coding_of,
    "proxies": lambda text: access.source_address(Asked(text), ("127.0.0.0/8",)),  # type: ignore[arg-type]
    "many proxies": lambda text: access.source_address(Asked("127.0.0.1," * (len(text) // 10)), ("127.0.0.0/8",)),  # type: ignore[arg-type]
    "source": lambda text: sources.source_of(text, text, text),
    "source by referrer": lambda text: forgotten(sources._of_host, text),
    "channel": lambda text: forgotten(channels.channel_of, text, text, text, "", ""),
    "bot": lambda text: forgotten(bots.reasons, text),
    "user agent": lambda text: forgotten(user_agents.parse, text),
    "spam": SpamHosts().lists,
    "consent": lambda text: suppressed(values.consent, {text: text}),
    "line": lambda text: lines.encode(1, 1, [SpooledEvent(name=text, url=text, props={text: text})], text),
}


def forgotten(function: Callable[..., object], *args: str) -> object:
    """What a function that remembers takes the first time."""
    return function.__wrapped__(*args)  # type: ignore[attr-defined]


def suppressed(function: Callable[..., object], *args: object) -> None:
    with suppress(pipeline.InvalidEvent):
        function(*args)


def timed(text: bytes) -> None:
    for read in (times.Times().read, times.Times().clf, times.Times().iso):
        with suppress(LineError):
            read(text)


def parsed(body: bytes) -> None:
    with suppress(decode.Malformed):
        decode.parse(body, LIMITS.event_bytes)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_that_reads_text_from_outside(name):
    assert not growth(FUNCTIONS[name], FEW)


OWN = {
    "nginx": '$remote_addr [$time_local] "$request" $status $http_user_agent $host$request_uri x "$http_referer"',
    "apache": '%{X-Forwarded-For}i %h %t %m %U%q %>s %{User-Agent}i "%{Referer}i" %{%Y-%m-%d}t',
}
SHAPES = [
    '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /{0} HTTP/1.1" 200 5 "-" "-"',
    '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "https://b.example/{0}" "{0}"',
    '{0} 203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-"',
    '203.0.113.7 - {0} [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "-"',
    "{0}",
    '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "{0}',
]


def lines_of(layout: str) -> list[str]:
    """A line of a format with text from outside in each of its words, one after the other."""
    words = table.LAYOUTS[layout].example.split("\n")[-1].split(" ")
    return [" ".join([*words[:at], "{0}", *words[at + 1 :]]) for at in range(0, len(words), 3)]


@pytest.mark.parametrize("layout", ["auto", *table.LAYOUTS, *OWN])
def test_every_line_of_an_access_log(layout, visitors, monkeypatch):
    monkeypatch.setattr(file_reader, "MAX_LINE", 10 * LARGE)
    views = page_views.PageViews(SITE, visitors, keep_static=True, any_host=True)
    count = iter(range(10**9))
    shapes = [*SHAPES, *(lines_of(layout) if layout in table.LAYOUTS else [])]

    def read(shape: str, text: str) -> None:
        data = shape.replace("{0}", f"{next(count)}{text}").encode()
        for _ in AccessLog(views, b"", OWN.get(layout, layout)).events(data.split(b"\n")):
            pass
        redact.address.forget()

    for shape in shapes:
        assert not growth(functools.partial(read, shape), FEW), shape


@pytest.mark.parametrize("field", ["url", "referrer", "user_agent", "title", "name", "screen"])
def test_what_the_loader_makes_of_an_event(field, tmp_path):
    publish(tmp_path / "sites.json", [SITE])
    registry, spam = SiteRegistry(tmp_path / "sites.json"), SpamHosts()
    count = iter(range(10**9))

    def enrich(text: str) -> None:
        number = next(count)
        event = SpooledEvent(event_id=number.to_bytes(16, "big"), visitor=1, timestamp=SENDER.received_at, name="a")
        setattr(event, field, f"https://a.example/{number}?utm_source={number}&{text}")
        enrichment.enrich(line_reader.decode([lines.encode(1, 1, [event])]), registry, spam)

    assert not growth(enrich, FEW)


def test_an_address_of_four_kilobytes_costs_less_than_a_millisecond():
    """It took 270 ms, and a request of 1.1 KB may hold 126 of them."""
    url = "https://a.example/" + "a" * 4_000 + "40"
    assert seconds(lambda text: forgotten(redact.address, text), url) < 0.001
    assert seconds(urls.split, url) < 0.001


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("müller@bücher.example", "[email]"),
        ("почта@пример.рф и ещё", "[email] и ещё"),
        ("用户@例子.广告", "[email]"),
        ("x JANE%2EDOE%40B%2Eexample", "x [email]"),
        ("½@b.example", "[email]"),
        ("\ud800 jane@b.example", "? [email]"),
    ],
)
def test_e_mail_addresses_of_any_script_are_masked(text, kept):
    assert redact.text(text) == kept
    assert urls.split("/" + text).path == "/" + kept
