"""A place for files that outlive the data directory: a directory, or a bucket of an object store.

An object is there whole or not at all, so one is written under its own name; a file is written next to its place and
then renamed. Nothing that is only half of what should be there is ever trusted: manifests are written last.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from collector.lifecycle.store_errors import told
from sql.core.errors import UsageError
from sql.core.files import fsync_dir

CHUNK = 1 << 20


class Store:
    """A directory, or a place in an object store (s3://, gs://), that files are put into whole.

    Every method raises StorageError where the place as such does not serve: it is away, refuses the credentials, has no
    such bucket, is full.
    """

    def __init__(self, url: str) -> None:
        from pyarrow import fs

        self.url = _shown(url)
        where = _located(url)
        with told("open", self.url):
            self._fs, self._root = fs.FileSystem.from_uri(where)
        self._local = isinstance(self._fs, fs.LocalFileSystem)

    def put(self, name: str, chunks: Any) -> tuple[int, str]:
        """Write a file, durable and whole or not at all; returns its size and SHA-256."""
        path, digest, size = f"{self._root}/{name}", hashlib.sha256(), 0
        target = f"{path}.part" if self._local else path
        with told("write", f"{self.url}/{name}"):
            if self._local:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            try:
                with self._fs.open_output_stream(target) as out:
                    for chunk in chunks:
                        out.write(chunk)
                        digest.update(chunk)
                        size += len(chunk)
            except BaseException:  # what came before it was closed: half an object
                with suppress(OSError):
                    self._fs.delete_file(target)
                raise
            if self._local:
                _publish(Path(target), Path(path))
        return size, digest.hexdigest()

    def share(self, name: str, of: str) -> bool:
        """Put a file that is here already under another name too, without its bytes being sent; whether that was done.

        In a directory both are one file until one of them is deleted; an object is copied within its store.
        """
        old, new = (f"{self._root}/{each}" for each in (of, name))
        if not self._local:
            try:
                self._fs.copy_file(old, new)
            except OSError:  # it is gone, or too large for the store to copy
                return False
            return True
        try:
            Path(new).parent.mkdir(parents=True, exist_ok=True)
            os.link(old, new)
            fsync_dir(Path(new).parent)
        except OSError:  # gone, of another file system, or one without links
            return False
        return True

    def get(self, name: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, a chunk after the other. Raises OSError for a file that cannot be read."""
        with self.open(name) as file:
            while True:
                with self._read(name):
                    data = file.read(CHUNK)
                if not data:
                    return
                yield bytes(data)

    def open(self, name: str) -> Any:
        """A file, to be read and sought in. Raises OSError for a file that cannot be read."""
        with self._read(name):
            return self._fs.open_input_file(f"{self._root}/{name}")

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it; nothing happens where it is not there."""
        with told("remove", f"{self.url}/{folder}"), suppress(FileNotFoundError):
            if not self._local or Path(f"{self._root}/{folder}").exists():
                self._fs.delete_dir(f"{self._root}/{folder}")

    def delete(self, name: str) -> None:
        """Delete a file; nothing happens where it is not there."""
        with told("delete", f"{self.url}/{name}"), suppress(FileNotFoundError):
            self._fs.delete_file(f"{self._root}/{name}")

    def folders(self) -> list[str]:
        """Names of the folders at the top."""
        from pyarrow import fs

        return sorted(info.base_name for info in self._infos("", False) if info.type == fs.FileType.Directory)

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        from pyarrow import fs

        with told("read", f"{self.url}/{name}"):
            return bool(self._fs.get_file_info(f"{self._root}/{name}").type == fs.FileType.File)

    def names(self, folder: str = "") -> Iterator[str]:
        """Names of all files below a folder."""
        from pyarrow import fs

        for info in self._infos(folder, True):
            if info.type == fs.FileType.File:
                yield info.path[len(self._root) + 1 :]

    def _infos(self, folder: str, recursive: bool) -> list[Any]:
        """What is below a folder; nothing where it is not there. A bucket must be."""
        from pyarrow import fs

        chosen = fs.FileSelector(f"{self._root}/{folder}".rstrip("/"), recursive=recursive, allow_not_found=True)
        with told("read", self.url):
            found = list(self._fs.get_file_info(chosen))
            if not found and not self._local:  # a listing does not tell an empty bucket from none
                bucket = self._root.partition("/")[0]
                if self._fs.get_file_info(bucket).type == fs.FileType.NotFound:
                    raise OSError("AWS Error NO_SUCH_BUCKET")
        return found

    @contextmanager
    def _read(self, name: str) -> Iterator[None]:
        """Trouble of the store is told; that of one file is the caller's."""
        with told("read", f"{self.url}/{name}", only_store=True):
            yield


def _publish(part: Path, path: Path) -> None:
    part.chmod(0o600)  # it holds what people did
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(path)
    fsync_dir(path.parent)


def _located(url: str) -> str:
    """What PyArrow is asked for. Raises UsageError for a URL that holds a password."""
    if "://" not in url:
        return str(Path(url).expanduser().resolve())
    parts = urlsplit(url)
    if "@" in parts.netloc:  # it would be written into logs, receipts and the data directory
        raise UsageError(
            f"credentials do not belong in the URL of {parts.scheme}://{parts.hostname}{parts.path}",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
        )
    if parts.scheme != "s3":
        return url
    # One request for a small file instead of three.
    return url + ("&" if parts.query else "?") + "allow_delayed_open=true"


def _shown(url: str) -> str:
    """A URL without its options, such as the endpoint."""
    return url.partition("?")[0].rstrip("/") if "://" in url else url
