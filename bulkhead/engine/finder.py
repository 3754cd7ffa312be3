"""Finds the Pulumi engine: on PATH, in the cache, in the official archive, or by building it with Go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bulkhead.engine.archive import NoArchive, unpack
from bulkhead.engine.build import build
from bulkhead.engine.versions import Version, pinned_engine, text_of, version_of

Progress = Callable[[str], None]

# The oldest engine that the rehearsal has been run with. Older ones differ where it would hurt: up to 3.205 events come
# through a file that is polled, up to 3.181 refresh and destroy know no inline programs.
OLDEST: Final[Version] = (3, 250, 0)


@dataclass(frozen=True, slots=True)
class Engine:
    """A Pulumi CLI that works: where it is, its version without a `v`, and how it came there."""

    path: Path
    version: str
    origin: Literal["path", "cache", "archive", "built"]


def find_engine(progress: Progress = lambda _: None) -> Engine:
    """Return an engine, fetching or building one when there is no other way (minutes, once per version).

    ``progress`` gets lines for people: why a source was not used, and how far the work is. Raises Refused when no way
    is left, Failed when the build fails.
    """
    return _on_path(progress) or _cached() or _obtained(progress)


def _on_path(progress: Progress) -> Engine | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    version = version_of(Path(found))
    if version is None:
        progress(f"passing over {found}: `pulumi version` does not answer with a version")
    elif version[0] != OLDEST[0] or version < OLDEST:
        below = f"is not from {text_of(OLDEST)} up and below {OLDEST[0] + 1}.0.0"
        progress(f"passing over {found}: {text_of(version)} {below}")
    else:
        return Engine(Path(found), text_of(version), "path")
    return None


def _cached() -> Engine | None:
    """Return an engine of the cache that runs here: machines with different processors may share a home."""
    version = pinned_engine()
    kept = (path for path in (_unpacked_path() / "pulumi", _built_path()) if path.is_file())
    return next((Engine(path, text_of(version), "cache") for path in kept if version_of(path) == version), None)


def _obtained(progress: Progress) -> Engine:
    version = pinned_engine()
    with _one_at_a_time(progress):
        if engine := _cached():  # somebody else got it meanwhile
            return engine
        for half in (path for way in (".unpacking-*", ".building-*") for path in _folder().glob(way)):
            shutil.rmtree(half)  # left by a process that was killed
        try:
            unpack(version, _unpacked_path(), progress)
            return Engine(_unpacked_path() / "pulumi", text_of(version), "archive")
        except NoArchive as reason:
            otherwise = str(reason)
        progress(f"passing over the official archive: {otherwise}")
        build(version, _built_path(), progress, otherwise)
        return Engine(_built_path(), text_of(version), "built")


@contextlib.contextmanager
def _one_at_a_time(progress: Progress) -> Iterator[None]:
    """Let one process at a time fetch or build; the kernel frees the lock of one that dies."""
    _folder().mkdir(parents=True, exist_ok=True)
    with (_folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            progress("waiting for another process that is getting the engine")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpacked_path() -> Path:
    """Return the folder of the unpacked archive. A rename creates it, so it is complete whenever it exists."""
    return _folder() / "official"


def _built_path() -> Path:
    return _folder() / "pulumi"


def _folder() -> Path:
    return cache_root() / "engine" / text_of(pinned_engine())


def cache_root() -> Path:
    """Return the folder for what may be kept between runs and lost at any time."""
    if own := os.environ.get("BULKHEAD_CACHE"):
        return Path(own).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "bulkhead"
