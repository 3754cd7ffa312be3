"""Git, asked about a checkout on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(checkout: Path, *arguments: str) -> str | None:
    """Return what git answers, None where there is no git or it has no answer."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=checkout, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return answer.stdout if answer.returncode == 0 else None
