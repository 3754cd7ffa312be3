"""A checkout of a test's own, in the place of the one that commands work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.model import project


def work_in(patch: pytest.MonkeyPatch, checkout: Path) -> None:
    """Let every command work on ``checkout``. Tools and pages of ours stay where they are."""
    patch.setattr(project, "ROOT", checkout)
