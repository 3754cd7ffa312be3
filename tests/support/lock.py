"""Reads requirements.lock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = ROOT / "requirements.lock"
_PIN: Final = re.compile(r"^[A-Za-z0-9].*?(?= \\$)", re.MULTILINE)


def pinned() -> dict[NormalizedName, Requirement]:
    """Return what the lock pins, with extras and markers, by the package's name."""
    pins = map(Requirement, _PIN.findall(LOCK.read_text(encoding="utf-8")))
    return {canonicalize_name(pin.name): pin for pin in pins}
