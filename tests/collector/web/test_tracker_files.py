"""The tracker as it is served: the built bytes, packed or not, kept for as long as they may, under every name."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import http.client
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import urlsplit

import falcon.testing
import pyarrow
import pytest

from collector.ingest.paths import Paths, module_path
from collector.ingest.service import AppOptions
from collector.sites.identity import Identity
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.web import app as application
from collector.web.app import create_app
from collector.web.snippet import Wanted, snippet
from collector.web.tracker_files import CODINGS, TrackerFile, TrackerFiles, built, coding_of
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

DIST = files("tracker") / "dist"
NAMED = Paths("/js/site.js", "/js/notes")
YEAR, HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"


def made_up(name):
    body = f"// {name}".encode()
    integrity = f"sha384-{base64.b64encode(hashlib.sha384(body).digest()).decode()}"
    return TrackerFile({"br": b"br" + body, "gzip": gzip.compress(body), "": body}, integrity)


# Whatever modules there are: two that this test knows.
MADE_UP = TrackerFiles("0123456789ab", {"": made_up(""), "outbound": made_up("outbound"), "web-vitals": made_up("v")})


@pytest.fixture
def ask(tmp_path):
    """``ask(method, path, query, headers)``: the answer of a collector with names of its own."""
    home = DataDir(tmp_path / "data").make()
    publish(home.sites_file, [Site(1, "shop.example", "UTC")])

    def ask(method, path, query="", headers=None, **more):
        async def run():
            made = create_app(AppOptions(home, paths=NAMED))
            async with falcon.testing.ASGIConductor(made) as conductor:
                return await conductor.simulate_request(method, path, query_string=query, headers=headers or {}, **more)

        return asyncio.run(run())

    return ask


def unpacked(coding, data, length):
    if coding == "br":
        return pyarrow.decompress(data, decompressed_size=length, codec="brotli", asbytes=True)
    return gzip.decompress(data) if coding == "gzip" else data


def test_what_is_built_is_whole():
    tracker = built()
    whole = hashlib.sha256()
    names = sorted(path.name for path in DIST.iterdir() if path.name.endswith(".js"))
    for name in names:
        whole.update((DIST / name).read_bytes())
    assert tracker.version == whole.hexdigest()[:12]
    assert sorted(f"footfall.{m}.js" if m else "footfall.js" for m in tracker.files) == names
    for file in tracker.files.values():
        plain = file.bodies[""]
        assert file.integrity == f"sha384-{base64.b64encode(hashlib.sha384(plain).digest()).decode()}"
        for coding, packed in file.bodies.items():
            assert unpacked(coding, packed, len(plain)) == plain
            assert coding == "" or len(packed) < len(plain)


@pytest.mark.parametrize("module", sorted(built().files))
@pytest.mark.parametrize("script", NAMED.scripts)
@pytest.mark.parametrize("coding", CODINGS)
def test_every_file_under_every_name(ask, module, script, coding):
    file = built().files[module]
    answer = ask("GET", module_path(script, module), headers={"Accept-Encoding": coding})
    assert (answer.status_code, answer.content) == (200, file.bodies[coding])
    assert answer.headers.get("content-encoding", "") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    for name, value in {
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "timing-allow-origin": "*",
        "x-content-type-options": "nosniff",
        "vary": "Accept-Encoding",
        "cache-control": HOUR,
    }.items():
        assert answer.headers[name] == value


def test_modules_lie_beside_the_script(ask, monkeypatch):
    monkeypatch.setattr(application, "built", lambda: MADE_UP)
    for path in ("/footfall.outbound.js", "/js/site.outbound.js"):
        assert ask("GET", path).content == b"// outbound"
    assert ask("GET", "/js/site.web-vitals.js").content == b"// v"
    for path in ("/footfall.nothing.js", "/js/site.nothing.js", "/footfall..js", "/js/footfall.js", "/footfall.js/x"):
        assert ask("GET", path).status_code == 404
    document = ask("GET", "/openapi.json").json["paths"]
    assert document["/js/site.{module}.js"]["get"]["parameters"][0]["schema"]["enum"] == ["outbound", "web-vitals"]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (f"v={built().version}", YEAR),
        (f"a=1&v={built().version}", YEAR),
        ("", HOUR),
        ("v=", HOUR),
        ("v=000000000000", HOUR),
        (f"V={built().version}", HOUR),
        (f"w={built().version}", HOUR),
    ],
)
def test_only_this_version_is_kept_for_good(ask, query, kept):
    answer = ask("GET", "/footfall.js", query)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, kept)
    again = ask("GET", "/footfall.js", query, {"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, kept)


@pytest.mark.parametrize("coding", CODINGS)
def test_who_has_it_gets_nothing(ask, coding):
    accept = {"Accept-Encoding": coding}
    tag = ask("GET", "/footfall.js", headers=accept).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        for method in ("GET", "HEAD"):
            again = ask(method, "/footfall.js", headers=accept | {"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["vary"] == "Accept-Encoding"
    assert ask("GET", "/footfall.js", headers=accept | {"If-None-Match": '"old"'}).status_code == 200
    other = ask("GET", "/footfall.js", headers={"Accept-Encoding": "gzip" if coding != "gzip" else "br"})
    assert other.headers["etag"] != tag


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, ""),
        ("", ""),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("deflate, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("gzip;q=0.2, br; q=0.3", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000, gzip;q=0", ""),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0", ""),
        ("*", "br"),
        ("br;q=0, *", "zstd"),
        ("*;q=0", ""),
        ("GZIP", "gzip"),
        ("gzip ; Q=0.5", "gzip"),
        ("br;q=2, gzip", "gzip"),
        ("br;level=1, gzip", "gzip"),
        ("brx, xgzip", ""),
        (",,gzip,", "gzip"),
    ],
)
def test_what_a_client_wants_most(accepted, coding):
    assert coding_of(accepted) == coding


def test_events_under_a_name_of_ones_own(ask):
    body = b'{"name": "a", "url": "https://shop.example/", "site": "shop.example"}'
    headers = {"Content-Type": "text/plain", "Origin": "https://shop.example"}
    for path in NAMED.all_events:
        assert ask("POST", path, headers=headers, body=body).status_code == 202
        assert ask("OPTIONS", path).headers["access-control-allow-methods"] == "POST"


def test_a_real_server_sends_no_body_to_head(alone):
    collector = alone(workers=1)
    collector.start()
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=10)
    lengths = []
    for method in ("HEAD", "GET", "HEAD"):
        connection.request(method, "/footfall.js", headers={"Accept-Encoding": "br"})
        answer = connection.getresponse()
        assert answer.status == 200
        lengths.append((len(answer.read()), int(answer.headers["Content-Length"])))
    size = len(built().files[""].bodies["br"])
    assert lengths == [(0, size), (size, size), (0, size)]


class Tag(HTMLParser):
    """The attributes of the one script of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)
        [self.attributes] = self.found

    def handle_starttag(self, tag, attrs):
        assert tag == "script"
        self.found.append(dict(attrs))


def test_the_tag_leads_to_the_very_bytes_that_it_names(ask):
    tag = Tag(snippet(Wanted("shop.example", "https://shop.example", integrity=True), NAMED, built())).attributes
    source = urlsplit(tag["src"])
    answer = ask("GET", source.path, source.query)
    assert answer.headers["cache-control"] == YEAR
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert (tag["integrity"], tag["crossorigin"]) == (f"sha384-{digest}", "anonymous")
    assert answer.headers["access-control-allow-origin"] == "*"
    body = b'{"name": "a", "url": "https://shop.example/", "site": "shop.example"}'
    where = urlsplit(tag["data-endpoint"])
    assert where.netloc == "shop.example"
    assert ask("POST", where.path, headers={"Origin": "https://shop.example"}, body=body).status_code == 202


@pytest.mark.parametrize(
    ("wanted", "paths", "attributes"),
    [
        (Wanted("a.example", "http://h:80/"), Paths(), {"src": "http://h:80/footfall.js", "data-site": "a.example"}),
        (
            Wanted("a.example", "https://h/stats/", ("outbound", "web-vitals", "outbound"), Identity.FIRST_PARTY),
            Paths(),
            {
                "src": "https://h/stats/footfall.js?m=outbound,web-vitals",
                "data-site": "a.example",
                "data-endpoint": "https://h/stats/v1/in",
                "data-identity": "first-party",
            },
        ),
        (
            Wanted("a.example", "https://h", integrity=True),
            NAMED,
            {
                "src": "https://h/js/site.js?v=0123456789ab",
                "integrity": MADE_UP.files[""].integrity,
                "crossorigin": "anonymous",
                "data-site": "a.example",
                "data-endpoint": "https://h/js/notes",
            },
        ),
    ],
    ids=["plain", "under a folder, with modules", "named"],
)
def test_what_the_tag_says(wanted, paths, attributes):
    assert Tag(snippet(wanted, paths, MADE_UP)).attributes == {"defer": None} | attributes


def test_a_tag_holds_what_it_is_given():
    tag = snippet(Wanted("a.example", "https://h/a&b"), Paths(), MADE_UP)
    assert Tag(tag).attributes["src"] == "https://h/a&b/footfall.js"
    assert "a&amp;b" in tag


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted("a.example", "stats.example"), "not a URL"),
        (Wanted("a.example", "https://h/?a"), "not a URL"),
        (Wanted("a.example", 'https://h/"><script>'), "not a URL"),
        (Wanted("a.example", "javascript://h"), "not a URL"),
        (Wanted("a.example", "https://h", ("nothing",)), "unknown module 'nothing'"),
    ],
)
def test_what_can_be_no_tag(wanted, told):
    with pytest.raises(UsageError, match=told) as caught:
        snippet(wanted, Paths(), MADE_UP)
    assert caught.value.hint


@pytest.mark.parametrize("identity", Identity)
def test_every_identity(identity):
    tag = Tag(snippet(Wanted("a.example", "https://h", identity=identity), Paths(), MADE_UP)).attributes
    assert tag.get("data-identity", "cookieless") == identity
