"""The tracker's script with modules in one file: ``GET /footfall.js?m=forms,outbound``, one request for all of it."""

from __future__ import annotations

import gzip

from collector.cache import MIB, Cache
from collector.web.tracker_files import TrackerFile, TrackerFiles, integrity_of, zstd

# More names than any page has modules are not looked at one by one.
MAX_NAMES = 64
# About a hundred bundles; each choice of modules is another one.
MAX_BYTES = 8 * MIB
_GZIP_LEVEL = 6

# Modules wait in the queue when the core comes to life: the first page view is theirs too. Where the script stands on
# a page twice, they are there already.
_BEFORE = (
    b'if(typeof footfall!="function"||footfall.loaded!==true){'
    b'typeof footfall=="function"||(window.footfall=function(){(footfall.q=footfall.q||[]).push(arguments)});\n'
)
_AFTER = b"}\n"


class Bundles:
    """The bundles of some versions, made when they are first asked for and kept while they are."""

    def __init__(self) -> None:
        self._made: Cache[tuple[str, ...], tuple[bytes, bytes, bytes, str]] = Cache(self._make, MAX_BYTES)
        self._files: dict[str, TrackerFiles] = {}

    def of(self, files: TrackerFiles, wanted: str) -> TrackerFile:
        """The core of this version with the modules that ``wanted`` names, in any order.

        A name that is no module's is a warning on the page's console; everything else works.
        """
        if not (names := chosen(files, wanted)):
            return files.files[""]
        self._files.setdefault(files.version, files)
        plain, gzipped, packed, integrity = self._made[files.version, *names]
        return TrackerFile({"zstd": packed, "gzip": gzipped, "": plain}, integrity)

    def _make(self, key: tuple[str, ...]) -> tuple[bytes, bytes, bytes, str]:
        version, *names = key
        plain = bundle(self._files[version], names)
        return plain, gzip.compress(plain, _GZIP_LEVEL, mtime=0), zstd(plain), integrity_of(plain)


def chosen(files: TrackerFiles, wanted: str) -> list[str]:
    """The modules among the names in ``wanted``, sorted; '?' first where a name is unknown."""
    names = set(wanted.replace(",", " ").split(None, MAX_NAMES))
    known = names.intersection(files.modules)
    return [*(["?"] if names - known else []), *sorted(known)]


def bundle(files: TrackerFiles, names: list[str]) -> bytes:
    """One script of the core and these modules (of ``chosen``, at least one). Where one fails, the others work."""
    parts = []
    for name in names:
        if name == "?":
            parts.append(b'console.warn("Footfall: ?m= names an unknown module");\n')
        else:
            body = files.files[name].bodies[""].rstrip()
            parts.append(b"try{%b\n}catch(e){console.warn('Footfall: no module %b',e)}\n" % (body, name.encode()))
    return b"".join((_BEFORE, *parts, _AFTER, files.files[""].bodies[""]))
