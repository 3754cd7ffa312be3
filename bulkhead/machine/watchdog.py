"""Cleans up after a rehearsal that died: ``python -m bulkhead.machine.watchdog MARK RUN_DIR --parent PID``.

It reads a pipe whose other end only the rehearsal holds. The word ``done`` means that the rehearsal cleaned up itself.
The end of the pipe without it means that the rehearsal is gone, however that came about: then every process with the
mark is ended and a temporary run directory is removed. A kept one stays as it is.

It runs in a session of its own, so that neither Ctrl-C nor a closed terminal reaches it. It imports what it needs to
act only when it acts: it has to watch before anything is worth watching.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from typing import Final

_LOOK_EVERY: Final = 1.0  # seconds; a second way to notice, should a copy of the pipe's other end have leaked


def main(arguments: list[str]) -> int:
    mark, run_dir, _, parent = arguments
    if _left_alone(int(parent)):
        _clean_up(mark, Path(run_dir))
    return 0


def _left_alone(parent: int) -> bool:
    """Wait for the end of the rehearsal; return whether it left its cleaning up to others."""
    said = b""
    stdin = sys.stdin.fileno()
    while b"done\n" not in said:
        if select.select([stdin], [], [], _LOOK_EVERY)[0]:
            part = os.read(stdin, 64)
            if not part:
                return True
            said += part
        elif os.getppid() != parent:
            return True
    return False


def _clean_up(mark: str, run_dir: Path) -> None:
    from bulkhead.machine import processes, rundir  # noqa: PLC0415 (psutil: see above)

    try:
        processes.end_marked(mark)
    finally:
        if rundir.is_temporary(run_dir):
            rundir.remove(run_dir)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
