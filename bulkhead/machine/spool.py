"""Text that may be long, kept in a file without a name and read line by line."""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path


class Spool:
    """Lines that were written once and may be read several times; the disk holds them, not the memory. Raises
    UnicodeEncodeError for what UTF-8 cannot hold."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the object
        weakref.finalize(self, self._file.close)
        self.blank, self._read = True, False
        for line in lines:
            self.write(line)

    def write(self, line: str) -> None:
        if self._read:
            self._file.seek(0, io.SEEK_END)
            self._read = False
        self.blank = self.blank and not line.strip()
        self._file.write(line.encode())

    def __iter__(self) -> Iterator[str]:
        self._read = True
        self._file.seek(0)
        for line in self._file:
            yield line.decode()

    def copy(self, file: Path) -> None:
        """Write all lines to ``file``. Raises OSError."""
        self._read = True
        self._file.seek(0)
        with file.open("wb") as copied:
            shutil.copyfileobj(self._file, copied)
