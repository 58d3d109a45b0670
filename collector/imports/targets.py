"""Requests for pages: what is a page, and on which host it is."""

from __future__ import annotations

import re

from sql.core.hosts import ascii_host

# What a person does not read as a page: parts of pages, downloads, and what only machines fetch.
STATIC_EXTENSIONS = frozenset(
    b"css js mjs cjs map wasm webmanifest "
    b"png jpg jpeg gif svg svgz ico cur webp avif bmp tif tiff heic "
    b"woff woff2 ttf otf eot "
    b"mp4 m4v m4a webm mov avi mkv mp3 ogg oga ogv wav flac m3u8 ts vtt "
    b"pdf doc docx xls xlsx ppt pptx odt ods csv tsv epub mobi "
    b"zip gz tgz bz2 xz zst 7z rar tar jar war exe msi dmg pkg deb rpm apk iso bin swf "
    b"xml rss atom rdf xsl json jsonl txt".split()
)
# Feeds without an extension, by the last word of the path.
FEED_NAMES = frozenset({b"feed", b"rss", b"atom"})
# Paths that browsers and machines ask for by themselves.
MACHINE_PREFIX = b"/.well-known/"

_METHOD = re.compile(rb"[A-Za-z][A-Za-z_-]*\Z")
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?\Z")
_NUMERIC_HOST = re.compile(r"\[.*\]|[\d.]+|.*:.*:.*")
_NO_NAMES = frozenset({"", "-", "_", "localhost", "default", "*"})


def request_of(request: bytes) -> tuple[bytes, bytes] | None:
    """Method and target of a request line; None where it is none (``-``, TLS on a plain port)."""
    method, _, rest = request.partition(b" ")
    target, _, protocol = rest.rpartition(b" ")
    if not protocol.startswith(b"HTTP/"):  # HTTP/0.9 names no version
        target = rest
    return (method, target) if target and _METHOD.match(method) else None


def is_static(target: bytes) -> bool:
    """Whether a request target is no page: a static file, a download, a feed, or for machines only."""
    path = target.partition(b"?")[0]
    name = path[path.rfind(b"/") + 1 :]
    dot = name.rfind(b".")
    if dot >= 0:
        return name[dot + 1 :].lower() in STATIC_EXTENSIONS or path.startswith(MACHINE_PREFIX)
    last = name or path[path.rfind(b"/", 0, -1) + 1 : -1]
    return last in FEED_NAMES or path.startswith(MACHINE_PREFIX)


def host_of(text: str) -> str | None:
    """A host's name, lower case, without port; empty for an address or a placeholder, None if broken."""
    host = ascii_host(text)
    if host in _NO_NAMES or _NUMERIC_HOST.fullmatch(host):
        return ""
    host = host.partition(":")[0]
    if host in _NO_NAMES or _NUMERIC_HOST.fullmatch(host):
        return ""
    return host.rstrip(".") if _HOST.match(host) else None
