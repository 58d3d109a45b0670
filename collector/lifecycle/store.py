"""A place for files that outlive the data directory: a directory, or a bucket of an object store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sql.core.errors import StorageError
from sql.core.files import fsync_dir

CHUNK = 1 << 20


class Store:
    """A directory, or a place in an object store (s3://, gs://), that files are put into whole."""

    def __init__(self, url: str) -> None:
        from pyarrow import fs

        self.url = url
        try:
            where = url if "://" in url else str(Path(url).expanduser().resolve())
            self._fs, self._root = fs.FileSystem.from_uri(where)
        except (OSError, ValueError) as exc:
            raise StorageError(f"cannot open {url}: {str(exc).splitlines()[0]}") from exc
        self._local = isinstance(self._fs, fs.LocalFileSystem)

    def put(self, name: str, chunks: Any) -> tuple[int, str]:
        """Write a file, durable and whole or not at all; returns its size and SHA-256."""
        path, digest, size = f"{self._root}/{name}", hashlib.sha256(), 0
        part = f"{path}.part"
        try:
            self._fs.create_dir(path.rpartition("/")[0], recursive=True)
            with self._fs.open_output_stream(part) as out:
                for chunk in chunks:
                    out.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
            if self._local:
                Path(part).chmod(0o600)  # it holds what people did
                with Path(part).open("rb") as file:
                    os.fsync(file.fileno())
            self._fs.move(part, path)
            if self._local:
                fsync_dir(Path(path).parent)
        except OSError as exc:
            raise StorageError(f"cannot write {self.url}/{name}: {str(exc).splitlines()[0]}") from exc
        return size, digest.hexdigest()

    def get(self, name: str) -> bytes:
        """The bytes of a file."""
        with self.open(name) as file:
            return bytes(file.read())

    def open(self, name: str) -> Any:
        """A file, to be read and sought in. Raises OSError."""
        return self._fs.open_input_file(f"{self._root}/{name}")

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it; nothing happens where it is not there. Raises StorageError."""
        try:
            if not self._local or Path(f"{self._root}/{folder}").exists():
                self._fs.delete_dir(f"{self._root}/{folder}")
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise StorageError(f"cannot remove {self.url}/{folder}: {str(exc).splitlines()[0]}") from exc

    def delete(self, name: str) -> None:
        """Delete a file; nothing happens where it is not there. Raises StorageError."""
        try:
            self._fs.delete_file(f"{self._root}/{name}")
        except FileNotFoundError:
            pass
        except OSError as exc:
            raise StorageError(f"cannot delete {self.url}/{name}: {str(exc).splitlines()[0]}") from exc

    def folders(self) -> list[str]:
        """Names of the folders at the top."""
        from pyarrow import fs

        infos = self._fs.get_file_info(fs.FileSelector(self._root, allow_not_found=True))
        return sorted(info.base_name for info in infos if info.type == fs.FileType.Directory)

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        from pyarrow import fs

        return bool(self._fs.get_file_info(f"{self._root}/{name}").type == fs.FileType.File)

    def names(self, folder: str = "") -> Iterator[str]:
        """Names of all files below a folder."""
        from pyarrow import fs

        chosen = fs.FileSelector(f"{self._root}/{folder}".rstrip("/"), recursive=True, allow_not_found=True)
        for info in self._fs.get_file_info(chosen):
            if info.type == fs.FileType.File:
                yield info.path[len(self._root) + 1 :]
