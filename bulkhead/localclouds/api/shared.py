"""A file by which another process tells the clouds something, at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; only its owner may read it, because it may hold tokens."""
    new = path.with_suffix(f".{threading.get_ident()}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


class SharedFile(Generic[T]):
    """What a file says. ``parse`` reads its bytes. The caller lets one thread at a time ask."""

    def __init__(self, path: Path, parse: Callable[[bytes], T]) -> None:
        self._path = path
        self._parse = parse
        self._read_at = (0, 0)

    def changed(self) -> T | None:
        """Return what the file says, None if it says the same as before or is not there. What cannot be parsed raises,
        and counts as not read."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        written = (found.st_mtime_ns, found.st_ino)  # two writes may share a tick of the file system's clock
        if written == self._read_at:
            return None
        said = self._parse(self._path.read_bytes())
        self._read_at = written
        return said
