"""Downloads the Pulumi engine from its official archive, and compares that with the hash in this checkout.

Unlike an engine that was built, it comes with its language hosts, so it also runs a program that is not inline.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Final
from urllib.parse import urlsplit

from bulkhead.engine.versions import SOURCE, Version, text_of, version_of
from bulkhead.model.faults import Fault, Refused

OFFICIAL: Final = "https://get.pulumi.com/releases/sdk"
MIRROR: Final = "BULKHEAD_ENGINE_ARCHIVES"  # may name another place that has the same archives
SUMS: Final = SOURCE / "SHA256SUMS"
_SYSTEMS: Final = {"Linux": "linux", "Darwin": "darwin"}
_PROCESSORS: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SILENCE: Final = 10.0  # seconds: without internet, a name may be looked up for minutes, and a host may never answer
_LONGEST: Final = 600.0  # seconds; then Go is faster
_MOST: Final = 1 << 30  # bytes; the archives have less than a fifth of that
_REPORT_EVERY: Final = 5.0  # seconds between two lines of progress
_PART: Final = 1 << 16
_MB: Final = 1_000_000


class NoArchive(Exception):
    """The archive gives no engine; the message is a clause that says why. Another way may still lead to one."""


def unpack(version: Version, into: Path, progress: Callable[[str], None]) -> None:
    """Unpack the archive of ``version`` for this machine as the folder ``into``, whose parent exists, or leave that as
    it is. Raises NoArchive; Refused when the mirror's address is invalid.

    The proxies of the environment are used.
    """
    name = f"pulumi-v{text_of(version)}-{_platform()}.tar.gz"
    wanted = _hashes().get(name)
    if wanted is None:
        raise NoArchive(f"there is no hash for {name}")
    url = f"{_place()}/{name}"
    with (
        tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpacking-") as folder,
        tempfile.TemporaryFile(dir=folder) as file,
    ):
        if _downloaded(url, file, progress) != wanted:
            raise NoArchive(f"what {_host(url)} sent for {name} does not have the hash in tools/engine/{SUMS.name}")
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                _extract(archive, folder)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise NoArchive(f"{name} cannot be unpacked: {error}") from None
        whole = Path(folder, "pulumi")
        if version_of(whole / "pulumi") != version:
            raise NoArchive(f"the engine in {name} does not run here")
        shutil.rmtree(into, ignore_errors=True)
        whole.rename(into)


def _extract(archive: tarfile.TarFile, folder: str) -> None:
    """Unpack nothing outside ``folder``. Python before 3.11.4, which Debian 12 has, knows no filter: there, an archive
    has to hold plain files only."""
    if hasattr(tarfile, "data_filter"):
        archive.extraction_filter = tarfile.data_filter
    else:
        for member in archive:
            path = PurePosixPath(member.name)
            if not (member.isfile() or member.isdir()) or path.is_absolute() or ".." in path.parts:
                raise tarfile.TarError(f"{member.name} would be outside the destination")
    archive.extractall(folder)  # noqa: S202 (see above)


def _platform() -> str:
    system, processor = platform.system(), platform.machine()
    if system not in _SYSTEMS or processor.lower() not in _PROCESSORS:
        raise NoArchive(f"there is none for {system} on {processor}")
    return f"{_SYSTEMS[system]}-{_PROCESSORS[processor.lower()]}"


def _hashes() -> dict[str, str]:
    """Return the SHA-256 of each archive by its name; the file is one that `sha256sum --check` reads."""
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _place() -> str:
    place = os.environ.get(MIRROR) or OFFICIAL
    parts = urlsplit(place)
    if not parts.hostname or (parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1")):
        message = (
            "is no https address (http is for 127.0.0.1 only), so the engine's archive cannot be fetched from there"
        )
        fault = Fault(MIRROR, message, f"unset {MIRROR}, or name a mirror of {OFFICIAL}")
        raise Refused("The engine cannot be fetched.", [fault])
    return place.rstrip("/")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""  # and nothing else: a mirror's address may hold a password


def _downloaded(url: str, file: IO[bytes], progress: Callable[[str], None]) -> str:
    """Download ``url`` into ``file`` and return its SHA-256. Raises NoArchive, within seconds if nothing arrives."""
    host, download = _host(url), _Download(url, file)
    progress(f"downloading the Pulumi engine from {host}: a minute or two, this once")
    download.start()
    started = last_received = last_report = time.monotonic()
    received = 0
    try:
        while download.is_alive():
            download.join(0.1)
            now = time.monotonic()
            if download.received != received:
                received, last_received = download.received, now
            if now - last_received > _SILENCE:
                raise NoArchive(f"{host} was silent for {_SILENCE:.0f} s after {received / _MB:.0f} MB")
            if now - started > _LONGEST or received > _MOST:
                raise NoArchive(
                    f"{host} had not come to an end after {received / _MB:.0f} MB and {now - started:.0f} s"
                )
            if now - last_report >= _REPORT_EVERY:
                last_report = now
                progress(f"downloading the Pulumi engine: {download}, {now - started:.0f} s")
    finally:
        download.abandoned.set()
    if download.failure is not None:
        raise NoArchive(_reason(host, download.failure))
    if download.expected is not None and download.received < download.expected:
        raise NoArchive(f"{host} broke off after {download}")
    return download.digest.hexdigest()


class _Download(threading.Thread):
    """Downloads in a thread that can be abandoned, because nothing in this process can end the look-up of a host's
    name."""

    def __init__(self, url: str, file: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._file = file
        self.digest = hashlib.sha256()
        self.received = 0
        self.expected: int | None = None
        self.failure: Exception | None = None
        self.abandoned = threading.Event()

    def run(self) -> None:
        try:
            # Not urlopen, which asks the environment for proxies once and remembers them.
            with urllib.request.build_opener().open(self._url, timeout=_SILENCE) as answer:
                self.expected = answer.length
                while not self.abandoned.is_set() and (part := answer.read1(_PART)):
                    self._file.write(part)
                    self.digest.update(part)
                    self.received += len(part)
        except Exception as failure:
            self.failure = failure
            if isinstance(failure, urllib.error.HTTPError):
                failure.close()

    def __str__(self) -> str:
        whole = "" if self.expected is None else f" of {self.expected / _MB:.0f}"
        return f"{self.received / _MB:.0f}{whole} MB"


def _reason(host: str, failure: Exception) -> str:
    if isinstance(failure, urllib.error.HTTPError):
        return f"{host} answers {failure.code} {failure.reason}"
    if isinstance(failure, urllib.error.URLError):
        return f"{host} cannot be reached: {failure.reason}"
    return f"{host}: {failure}"
