"""What `bulkhead destroy` meets: a checkout, a stage that stands, and somebody at the terminal."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bulkhead.cli.console import Console
from bulkhead.cli.main import main
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.standing import CONTENTS, Destroy

if TYPE_CHECKING:
    from tests.support.s3 import InProcessS3

# Pulumi's SDKs take seconds to import, which the other tests of this room need not wait for.


@pytest.fixture(scope="module")
def rendered_state() -> list[dict[str, Any]]:
    """What an `up` of staging leaves. It is rendered before any test has a checkout of its own: the Workers' bundles
    are in the real one."""
    from tests.support.stages import rendered_stage  # noqa: PLC0415
    from tests.support.state import state_of  # noqa: PLC0415

    return state_of(rendered_stage("first", "staging"), "staging")


@pytest.fixture
def state(rendered_state: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return deepcopy(rendered_state)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the files of staging, of production and of a pull request."""
    from tests.support.settings_fixture import write_stage_files  # noqa: PLC0415

    work_in(monkeypatch, tmp_path)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    write_stage_files(tmp_path)
    return tmp_path


@pytest.fixture
def destroy(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Destroy:
    """Run the command; return its exit code and both outputs."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["destroy", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def standing(
    pulumi: FakePulumi, state: list[dict[str, Any]], local_s3: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> InProcessS3:
    """Staging stands, with two transcripts and a backup in it."""
    s3 = local_s3.emptied()
    monkeypatch.setattr("bulkhead.clients.clouds.r2", lambda account, token, cloudflare: s3)
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: s3)
    pulumi.holds(state)
    for bucket, keys in CONTENTS.items():
        local_s3.bucket(bucket, *keys)
    return local_s3


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Let somebody sit at the terminal who types the given word; return the questions."""

    def answering(word: str) -> list[str]:
        questions: list[str] = []

        def ask(self: Console, question: str) -> str:
            questions.append(question)
            return word

        monkeypatch.setattr(Console, "interactive", property(lambda self: True))
        monkeypatch.setattr(Console, "ask", ask)
        return questions

    return answering
