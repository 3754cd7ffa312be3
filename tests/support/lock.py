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


def pins() -> list[Requirement]:
    """Return every pin. A package has two where one of them is for other versions of Python."""
    return [Requirement(pin) for pin in _PIN.findall(LOCK.read_text(encoding="utf-8"))]


def pinned() -> dict[NormalizedName, Requirement]:
    """Return what the lock pins, with extras and markers, by the package's name: of two pins, the one that counts on
    this Python and system."""
    here = sorted(pins(), key=lambda pin: pin.marker is None or pin.marker.evaluate())
    return {canonicalize_name(pin.name): pin for pin in here}
