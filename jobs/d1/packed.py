"""A dump as it lies in a vault: compressed on its way out, opened and checked on its way in, both as a stream.

It is gzip, because any machine opens that by hand on the day of a loss.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from jobs.d1.manifest import Manifest, Packed
from jobs.d1.schema import LONGEST

_LEVEL: Final = 1  # twice as fast as the usual 6, for a tenth more bytes
_GZIP: Final = 31  # zlib's word for the format; it writes no time, so the same dump has the same bytes
_CHUNK: Final = 1 << 20
_DAMAGE: Final = (EOFError, gzip.BadGzipFile, zlib.error)


class Readable(Protocol):
    """A file that is open, or the body of an answer."""

    def read(self, size: int, /) -> bytes: ...


class Packing:
    """Compresses what is written, and hands it on. The end is handed on by `close`, which says what it came to."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write, self._hash, self._bytes = write, hashlib.sha256(), 0
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    def write(self, content: bytes) -> None:
        self._hand_on(self._compressor.compress(content))

    def close(self) -> Packed:
        self._hand_on(self._compressor.flush())
        return Packed(self._hash.hexdigest(), self._bytes)

    def _hand_on(self, content: bytes) -> None:
        if content:
            self._write(content)
            self._hash.update(content)
            self._bytes += len(content)


class Passing:
    """The lines of a dump as they pass, once, compressed or not as its manifest says. `faults` reads what is left."""

    def __init__(self, dump: Readable, manifest: Manifest) -> None:
        self._manifest = manifest
        self._raw = _Counted(dump)
        self._hash, self._bytes, self._broken = hashlib.sha256(), 0, ""
        self._lines = self._read(io.BufferedReader(self._raw, _CHUNK))

    def __iter__(self) -> Iterator[bytes]:
        return self._lines

    def _read(self, raw: io.BufferedReader) -> Iterator[bytes]:
        opened = gzip.GzipFile(fileobj=raw, mode="rb") if self._manifest.gzip else raw
        try:
            # Nothing in a dump is longer, so a damaged one does not fill the memory in search of the end of a line.
            while line := opened.readline(LONGEST):
                self._hash.update(line)
                self._bytes += len(line)
                yield line
        except _DAMAGE as error:
            self._broken = str(error)
        while raw.read(_CHUNK):
            pass

    def faults(self) -> list[str]:
        """Return in which the dump is not the one that the manifest is of."""
        for _ in self._lines:
            pass
        said = self._manifest
        found = _unlike("dump as it is compressed", said.gzip, self._raw.packed) if said.gzip else []
        found = found or _unlike("dump", Packed(said.sha256, said.bytes), Packed(self._hash.hexdigest(), self._bytes))
        return [*found, f"it cannot be unpacked: {self._broken}"] if self._broken else found


def _unlike(what: str, said: Packed, found: Packed) -> list[str]:
    if said.bytes != found.bytes:
        return [
            f"the {what} has {found.bytes} bytes, and its manifest says {said.bytes}: it is cut off, or another one"
        ]
    if said.sha256 != found.sha256:
        return [f"the {what} is as long as its manifest says and has another SHA-256: it is damaged, or another one"]
    return []


class _Counted(io.RawIOBase):
    """Counts the bytes that are read, and takes their hash."""

    def __init__(self, source: Readable) -> None:
        self._source, self._hash, self._bytes = source, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        content = self._source.read(len(view))
        view[: len(content)] = content
        self._hash.update(content)
        self._bytes += len(content)
        return len(content)

    @property
    def packed(self) -> Packed:
        return Packed(self._hash.hexdigest(), self._bytes)
