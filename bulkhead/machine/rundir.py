"""The directory in which one rehearsal lives, and the lock that says whose it is.

A temporary run directory disappears with its rehearsal. A kept one (``.rehearsal/kept`` in the checkout) stays, so
that somebody can look at a stage, or carry on with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from bulkhead.model.faults import Fault, Refused

PREFIX: Final = "bulkhead-rehearsal-"
SEED: Final = "seed.json"
"""The file of what exists in the clouds before anything is made."""
CALLS: Final = "calls.sqlite"
"""The journal of what was asked of the clouds over HTTP."""
FAULTS: Final = "faults.json"
"""The file of the faults that are planned."""
_LOCK: Final = "lock"
# Seconds in which a new directory's lock file may exist and not be locked yet.
_JUST_STARTED: Final = 30
_PATIENCE: Final = 15.0  # seconds for a watchdog to end what a dead rehearsal left
_ROOMS: Final = ("cloudflare", "work", "home", "state", "logs", "tmp")


@dataclass(frozen=True)
class RunDir:
    """One rehearsal's directory, locked by this process for as long as it is open.

    ``interrupted`` says that the process which had a kept directory before this one died without closing it: engine
    locks and half-done operations may be in there. ``lock`` is the open lock file; the watchdog inherits it, so the
    directory stays locked until the last process of a dead rehearsal has been ended.
    """

    path: Path
    temporary: bool
    interrupted: bool
    lock: int

    @property
    def mark(self) -> str:
        """What every process of this rehearsal carries in its environment."""
        return str(self.path)

    @property
    def store(self) -> Path:
        return self.path / "store.sqlite"

    @property
    def seed(self) -> Path:
        """What exists in the clouds before anything is made."""
        return self.path / SEED

    @property
    def calls(self) -> Path:
        """The journal of what was asked of the clouds over HTTP."""
        return self.path / CALLS

    @property
    def faults(self) -> Path:
        """The faults that are planned."""
        return self.path / FAULTS

    @property
    def clouds(self) -> Path:
        """Where the clouds process says on which ports it listens."""
        return self.path / "clouds.json"

    @property
    def home(self) -> Path:
        """The engine's own home; also HOME of every process of the rehearsal."""
        return self.path / "home"

    @property
    def state(self) -> Path:
        """The engine's file backend."""
        return self.path / "state"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def tmp(self) -> Path:
        """TMPDIR of the engine, so that nothing of it stays behind elsewhere."""
        return self.path / "tmp"

    def work(self, stack: str) -> Path:
        """Where the engine finds Pulumi.yaml and the settings of ``stack``."""
        return self.path / "work" / stack

    def cloudflare(self, stack: str) -> Path:
        """Where Miniflare keeps what ``stack`` stored."""
        return self.path / "cloudflare" / stack

    @cached_property
    def passphrase(self) -> str:
        """What encrypts this run's settings and state: random, kept with the directory because the state is."""
        path = self.home / "passphrase"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def close(self) -> None:
        """Remove a temporary directory, and give up the lock."""
        if self.temporary:
            remove(self.path)
        else:
            os.ftruncate(self.lock, 0)
        os.close(self.lock)


def temporary() -> RunDir:
    """Make a run directory below the system's temporary directory."""
    path = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    return _open(path, path / _LOCK, temporary=True)


def kept(checkout: Path) -> RunDir:
    """Open the kept run directory of a checkout, making it where there is none.

    Raises Refused when another rehearsal has it open.
    """
    path = kept_path(checkout)
    path.mkdir(parents=True, exist_ok=True)
    # Beside the directory, not in it: whoever ends a kept rehearsal removes the directory while holding the lock.
    return _open(path, path.with_suffix(".lock"), temporary=False)


def kept_path(checkout: Path) -> Path:
    """Return where the kept run directory of a checkout is, whether or not it exists."""
    return checkout.resolve() / ".rehearsal" / "kept"


def abandoned() -> Iterator[RunDir]:
    """Open, one by one, the temporary run directories of this user whose rehearsal is gone without having removed
    them: the machine lost power, or the watchdog was killed too. Close each to remove it."""
    for path in sorted(Path(tempfile.gettempdir()).resolve().glob(f"{PREFIX}*")):
        try:
            if not is_temporary(path) or time.time() - (path / _LOCK).stat().st_mtime < _JUST_STARTED:
                continue
            run = _open(path, path / _LOCK, temporary=True)
        except (Refused, FileNotFoundError):  # in use, or removed by its owner since it was listed
            continue
        yield run


def is_temporary(path: Path) -> bool:
    """Say whether ``path`` is a temporary run directory of this user: the only thing that may be removed unasked."""
    return (
        path.name.startswith(PREFIX)
        and path.parent == Path(tempfile.gettempdir()).resolve()
        and path.is_dir()
        and not path.is_symlink()
        and path.stat().st_uid == os.getuid()
        and (path / _LOCK).is_file()
    )


def remove(path: Path, attempts: int = 20) -> None:
    """Remove a run directory, also while a dying process still writes its last file into it."""
    for _ in range(attempts):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.1)
    shutil.rmtree(path)


def _open(path: Path, lock_file: Path, *, temporary: bool) -> RunDir:
    lock, left_by = _acquire(lock_file, path, 0.0 if temporary else _PATIENCE)
    for room in _ROOMS:
        (path / room).mkdir(exist_ok=True)
    return RunDir(path, temporary=temporary, interrupted=bool(left_by), lock=lock)


def _acquire(lock_file: Path, path: Path, patience: float) -> tuple[int, str]:
    """Return the locked file and what its former owner left in it. The kernel gives up a dead owner's lock, so a
    stale one cannot exist; what it says tells only that the owner died."""
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _locked(lock, patience):
        owner = _owner(_said(lock))
        os.close(lock)
        raise Refused(
            "Another rehearsal has this directory.",
            [
                Fault(
                    str(path), f"{owner} is using it; two at once would overwrite each other", "wait for it, or end it"
                )
            ],
        )
    left_by = _said(lock)
    os.ftruncate(lock, 0)
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    os.pwrite(lock, json.dumps({"pid": os.getpid(), "started": started}).encode(), 0)
    return lock, left_by


def _locked(lock: int, patience: float) -> bool:
    """Whether the lock could be had. Where its owner is dead, the watchdog is just ending what it left: that is waited
    for, ``patience`` seconds at most."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline or not _is_dead(_said(lock)):
                return False
            time.sleep(0.1)
        else:
            return True


def _is_dead(owner: str) -> bool:
    import psutil  # noqa: PLC0415 (only where a lock is held)

    try:
        return bool(psutil.Process(json.loads(owner)["pid"]).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except (ValueError, KeyError, TypeError):
        return False  # just starting


def _said(lock: int) -> str:
    return os.pread(lock, 4096, 0).decode(errors="replace")


def _owner(text: str) -> str:
    try:
        owner = json.loads(text)
        return f"process {owner['pid']} (since {owner['started']})"
    except (ValueError, KeyError, TypeError):
        return "a process that is just starting"
