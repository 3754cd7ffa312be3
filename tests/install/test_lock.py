"""requirements.lock pins everything that an install needs, so that no installer chooses a version by itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^([A-Za-z0-9._-]+(?:\[[^\]]+\])?==[^ ;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pinned() -> dict[str, Requirement]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [Requirement(match[1]) for match in _PIN.finditer(text)]
    return {canonicalize_name(pin.name): pin for pin in pins}


def wanted(requirements: list[str], extras: set[str]) -> Iterator[Requirement]:
    """Yield what counts on this Python and system when a project is installed with the extras."""
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


def project() -> list[str]:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [*told["project"]["dependencies"], *told["project"]["optional-dependencies"]["dev"]]


def test_lock_is_closed_over_extras() -> None:
    """What an extra brings in is pinned, too: pip 23.2 took the newest coverage for an unpinned `coverage[toml]`."""
    pins, seen = pinned(), set[str]()
    waiting = list(wanted(project(), set()))
    while waiting:
        requirement = waiting.pop()
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in the lock"
        assert requirement.specifier.contains(str(pin.specifier).removeprefix("=="), prereleases=True), requirement
        if str(requirement) not in seen:
            seen.add(str(requirement))
            waiting += wanted(metadata.requires(pin.name) or [], requirement.extras)
    assert len(seen) > 100  # the walk went through the whole tree


def test_every_pin_has_hashes() -> None:
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    bare = [block.split()[0] for block in blocks if _PIN.match(block) and not _HASH.search(block)]
    assert bare == []


def test_what_is_installed_is_what_is_pinned() -> None:
    pins = pinned()
    installed = {str(canonicalize_name(found.name)): found.version for found in metadata.distributions()}
    both = sorted(pins.keys() & installed.keys())
    others = [f"{name} {installed[name]}" for name in both if not pins[name].specifier.contains(installed[name], True)]
    assert others == []
