"""`bulkhead adopt` in a checkout of its own, with an engine and clouds that a test gives it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

import bulkhead.cli.adopt
import bulkhead.engine.stack
from bulkhead.cli.main import main
from bulkhead.operations.adopt import everywhere
from tests.support.adoption import FakeEngine, FakeFinder
from tests.support.checkout import work_in
from tests.support.settings_fixture import write_stage_files


class AdoptCommand:
    """The checkout ``root`` has the files of two stages and of a pull request. ``asked`` holds what the command wanted
    an engine and clouds for; until it is given them it may ask for neither."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.asked: list[tuple[Any, ...]] = []
        self._patch = patch
        self._capsys = capsys
        work_in(patch, root)
        patch.setenv("BULKHEAD_CACHE", str(root / "cache"))
        write_stage_files(root)
        self._answering(_nobody, _nobody, _nobody)

    def give(self, engine: FakeEngine, finder: FakeFinder) -> FakeEngine:
        def stack(*wanted: Any) -> FakeEngine:
            self.asked.append(wanted)
            return engine

        def looking_into(clouds: str) -> Callable[..., AbstractContextManager[FakeFinder]]:
            def finder_of(
                _settings: Any, _stack: Any, _apis: Any, profile: str | None
            ) -> AbstractContextManager[FakeFinder]:
                self.asked.append((clouds, profile))
                return nullcontext(finder)

            return finder_of

        self._answering(stack, looking_into("clouds"), looking_into("clouds of the identities"))
        return engine

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return the exit code and both outputs."""
        code = main(["adopt", *arguments])
        out, err = self._capsys.readouterr()
        return code, out, err

    def _answering(self, stack: Any, finder_of: Any, finder_of_identities: Any) -> None:
        self._patch.setattr(bulkhead.engine.stack, "StackCli", stack)
        self._patch.setattr(everywhere, "finder_of", finder_of)
        self._patch.setattr(everywhere, "finder_of_identities", finder_of_identities)


def _nobody(*wanted: Any) -> Any:
    pytest.fail(f"asked for {wanted}")
