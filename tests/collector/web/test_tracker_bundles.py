"""The script with modules in one file: the same bytes for the same modules, packed, bounded, whatever is asked for."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
from html.parser import HTMLParser
from urllib.parse import urlsplit

import falcon.testing
import pytest
import zstandard

from collector.ingest.paths import Paths
from collector.ingest.service import AppOptions
from collector.web import app as application
from collector.web.app import create_app
from collector.web.snippet import Wanted, snippet
from collector.web.tracker_bundles import MAX_BYTES, Bundles, bundle, chosen
from collector.web.tracker_files import TrackerFile, TrackerFiles, built, integrity_of
from sql.core.data_dir import DataDir

YEAR, HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"
UNPACKED = {"": bytes, "gzip": gzip.decompress, "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data)}


def files_of(version, names, size=0):
    bodies = {name: f"// {version} {name} {'x' * size}".encode() for name in ("", *names)}
    return TrackerFiles(version, {name: TrackerFile({"": data}, integrity_of(data)) for name, data in bodies.items()})


OLD = files_of("000000000000", ["forms", "gone"])


@pytest.fixture
def ask(tmp_path):
    """``ask(query, headers)``: what a collector that knows an older version, too, answers for the script."""

    def ask(query="", headers=None, path="/footfall.js"):
        async def run():
            made = create_app(AppOptions(DataDir(tmp_path / "data").make()), older={OLD.version: OLD})
            async with falcon.testing.ASGIConductor(made) as conductor:
                return await conductor.simulate_get(path, query_string=query, headers=headers or {})

        return asyncio.run(run())

    return ask


@pytest.mark.parametrize("coding", UNPACKED)
def test_core_and_modules_come_together(ask, coding):
    answer = ask("m=outbound,forms", {"Accept-Encoding": coding})
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding", "") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    script = UNPACKED[coding](answer.content)
    assert script == bundle(built(), ["forms", "outbound"])
    places = [script.index(built().files[name].bodies[""].rstrip()) for name in ("forms", "outbound", "")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "query", ["m=forms,outbound", "m=outbound,forms,forms", "m=outbound%20forms", "m=,forms,,outbound"]
)
def test_the_same_modules_are_the_same_bytes(ask, query):
    answers = [ask("m=outbound,forms"), ask(query)]
    assert len({answer.content for answer in answers}) == len({answer.headers["etag"] for answer in answers}) == 1
    assert ask(query, {"If-None-Match": answers[0].headers["etag"]}).status_code == 304


def test_no_modules_are_the_core(ask):
    core = built().files[""].bodies[""]
    assert [ask(query).content for query in ("", "m=", "m=,", "x=forms")] == [core] * 4
    assert ask("m=outbound", path="/footfall.forms.js").content == built().files["forms"].bodies[""]


def test_a_version_has_its_own(ask):
    old = ask(f"m=forms,gone&v={OLD.version}")
    assert old.headers["cache-control"] == YEAR
    assert b"// 000000000000 forms" in old.content
    assert b"// 000000000000 gone" in old.content
    assert ask(f"m=forms&v={built().version}").headers["cache-control"] == YEAR
    assert ask("m=forms").headers["cache-control"] == HOUR
    assert ask("m=forms&v=nothing").content == ask("m=forms").content


@pytest.mark.parametrize("name", ["gone", "no such", "<script>", "?", "'+alert(1)+'", "x" * 4_000, "é"])
def test_what_is_no_module_is_a_warning_on_the_page(ask, name):
    answer = ask(f"m=forms,{falcon.uri.encode_value(name)}")
    assert answer.status_code == 200
    assert answer.content == bundle(built(), ["?", "forms"])
    assert b"?m= names an unknown module" in answer.content
    assert (
        name == "?"
        or name.encode() not in answer.content.replace(built().files["forms"].bodies[""].rstrip(), b"")[:400]
    )


def test_many_names_and_many_choices_are_bounded():
    files = files_of("1" * 12, [f"m{number}" for number in range(60)], size=3_000)
    bundles = Bundles()
    assert chosen(files, ",".join(f"n{number}" for number in range(100_000)) + ",m1") == ["?"]
    for number in range(3_000):
        wanted = ",".join(f"m{bit}" for bit in range(12) if number >> bit & 1)
        assert bundles.of(files, wanted).integrity
        assert bundles._made.held <= MAX_BYTES


class Tag(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.attributes = dict(attrs)


@pytest.mark.parametrize("modules", [(), ("outbound", "forms"), tuple(built().modules)])
def test_the_tag_leads_to_the_very_bytes_that_it_names(ask, modules):
    tag = Tag(snippet(Wanted("shop.example", "https://h", modules, integrity=True), Paths(), built())).attributes
    answer = ask(urlsplit(tag["src"]).query, {"Accept-Encoding": "identity"})
    assert answer.headers["cache-control"] == YEAR
    assert tag["integrity"] == f"sha384-{base64.b64encode(hashlib.sha384(answer.content).digest()).decode()}"
    assert "data-modules" not in tag


def test_one_file_is_smaller_than_its_parts():
    files = built()
    packed = len(Bundles().of(files, ",".join(files.modules)).bodies["gzip"])
    assert packed < 0.9 * sum(len(file.bodies["gzip"]) for file in files.files.values())


def test_versions_are_those_of_the_collector(ask, monkeypatch):
    monkeypatch.setattr(application, "built", lambda: OLD)
    assert ask("m=gone").content == bundle(OLD, ["gone"])
