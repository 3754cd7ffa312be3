"""Files that are written from something else: which of them are out of date, and writing them whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def stale(files: Mapping[str, str], root: Path) -> list[str]:
    """Return the paths, relative to ``root``, whose text on disk is not the one in ``files``, sorted."""
    return sorted(path for path, text in files.items() if _text(root / path) != text)


def write(files: Mapping[str, str], root: Path) -> None:
    """Write each text to its path below ``root``. Whoever reads meanwhile sees the old file or the new one."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
