"""Who has something that only one process may have, and whether that process is gone."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import psutil

_LONG_BEFORE: Final = 5.0  # seconds; psutil reckons from the time of boot, which moves a little when a clock is set
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES: Final = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, in a form that others can read. ``place`` is one boot of one machine and, in a container, its own
    process numbers: only there a number says which process is meant, whatever the machine is called. ``started`` is in
    seconds since 1970."""

    user: str
    host: str
    place: str
    pid: int
    started: float

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Return the owner that `document` told of. Raises KeyError, TypeError or ValueError."""
        read = {each.name: document[each.name] for each in fields(cls)}
        return cls(str(read["user"]), str(read["host"]), str(read["place"]), int(read["pid"]), float(read["started"]))

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def is_gone(self) -> bool:
        """Whether this process has certainly ended; of one elsewhere, nobody here can tell."""
        if self.place != _place():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # of another user, for example
            pass
        try:
            there = psutil.Process(self.pid)
            return there.status() == psutil.STATUS_ZOMBIE or there.create_time() > self.started + _LONG_BEFORE
        except psutil.Error:  # it hides, or has ended just now
            return False

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, process {self.pid}"


@cache
def this_process() -> Owner:
    """Return what others are to know of this process; in a workflow, who started it and which run it is."""
    in_workflow = os.environ.get("GITHUB_ACTIONS") == "true"
    user = os.environ.get("GITHUB_ACTOR") if in_workflow else None
    run = os.environ.get("GITHUB_RUN_ID") if in_workflow else None
    return Owner(
        user=user or _user(),
        host=f"workflow run {run}" if run else platform.node(),
        place=_place(),
        pid=os.getpid(),
        started=psutil.Process().create_time(),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number that has no name
        return str(os.getuid())


@cache
def _place() -> str:
    """Two machines may have one name, and two containers one boot: what tells them apart is hashed, because it is
    nobody's business."""
    try:
        where = f"{_BOOT.read_text().strip()} {os.readlink(_PROCESSES)}"  # noqa: PTH115 - the link leads to no path
    except OSError:
        where = f"{platform.node()} {uuid.getnode()} {psutil.boot_time():.0f}"
    return hashlib.sha256(where.encode()).hexdigest()[:16]
