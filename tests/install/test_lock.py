"""requirements.lock pins everything that an install needs, so that no installer chooses a version by itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.lock import LOCK, ROOT, pinned, pins

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


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
    """The lock once held `coverage` for `coverage[toml]`: pip 23.2 took the newest one, and found no hash for it."""
    chosen, seen = pinned(), set[str]()
    waiting = list(wanted(project(), set()))
    while waiting:
        requirement = waiting.pop()
        pin = chosen.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in the lock"
        assert requirement.specifier.contains(str(pin.specifier).removeprefix("=="), prereleases=True), requirement
        assert requirement.extras <= pin.extras, f"{requirement} needs an extra that the lock does not name: {pin}"
        if pin.name not in seen:
            seen.add(pin.name)
            waiting += wanted(metadata.requires(pin.name) or [], pin.extras)
    assert len(seen) > 100  # the walk went through the whole tree


def test_every_pin_has_hashes() -> None:
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK.read_text(encoding="utf-8"))[1:]
    assert len(blocks) == len(pins())
    assert [block.split()[0] for block in blocks if not _HASH.search(block)] == []


def test_the_lock_names_no_registry() -> None:
    """Who installs from a mirror, or locks through one, changes no line of it."""
    assert "://" not in LOCK.read_text(encoding="utf-8")


def test_what_is_installed_is_what_is_pinned() -> None:
    chosen = pinned()
    installed = {str(canonicalize_name(found.name)): found.version for found in metadata.distributions()}
    both = sorted(chosen.keys() & installed.keys())
    others = [
        f"{name} {installed[name]}" for name in both if not chosen[name].specifier.contains(installed[name], True)
    ]
    assert others == []
