"""Writes the page to the requested path, atomically."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from bulkhead.model.faults import Fault, Refused
from bulkhead.rehearsal.evidence import Report
from bulkhead.rehearsal.report.page import render


def check_writable(path: Path) -> None:
    """Make sure that ``write`` can put a report at ``path``; to be called before a rehearsal. Raises Refused."""
    target = path.resolve()
    if not target.parent.is_dir():
        raise _refused(
            path, f"there is no directory {str(target.parent)!r}", f"mkdir -p {shlex.quote(str(target.parent))}"
        )
    if target.exists() and not target.is_file():
        raise _refused(path, "is not an ordinary file, so it cannot be replaced by a page", "name a file: report.html")
    draft = _draft(target)
    try:
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise _refused(path, f"cannot be written: {error.strerror}", "name a file in a directory of yours") from error


def write(report: Report, path: Path) -> None:
    """Write the page to ``path`` atomically: readers see the old page or the new one."""
    target = path.resolve()
    draft = _draft(target)
    try:
        draft.write_text(render(report), encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _draft(target: Path) -> Path:
    """Return where the page is written before it takes its place; same directory, so that the move is one step."""
    return target.with_name(f".{target.name}.{os.getpid()}")


def _refused(path: Path, message: str, fix: str) -> Refused:
    return Refused("The report cannot be written, so nothing was started.", [Fault(str(path), message, fix)])
