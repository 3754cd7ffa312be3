"""A mistyped stage gets one answer from every command, before anything is read or asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bulkhead.cli.main import main

TYPED = "prodction"
COMMANDS = (
    ["access", TYPED],
    ["adopt", TYPED],
    ["bootstrap", TYPED],
    ["destroy", TYPED],
    ["identities", "explain", TYPED],
    ["secrets", "check", TYPED],
    ["secrets", "rotate", TYPED],
    ["secrets", "set", TYPED, "sessionKey"],
    ["settings", "show", TYPED],
    ["wrangler", TYPED],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_mistyped_stage_is_answered_with_the_one_that_was_meant(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert f"{TYPED}: is no stage; did you mean production?" in err


@pytest.mark.parametrize("typed", ["live", "pr-0"])
def test_what_resembles_no_stage_is_told_what_there_is(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "show", typed]) == 1
    err = capsys.readouterr().err
    assert f"{typed}: is no stage; a stage is development, staging, production or the stack of a pull request" in err
