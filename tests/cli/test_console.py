"""How people and programs are spoken to: terminals, pipes, JSON, questions, and several stages side by side."""

from __future__ import annotations

import io
import json
import re

import pytest

from bulkhead.cli.board import Board
from bulkhead.cli.console import Console, wants_json
from bulkhead.engine.events import (
    Diagnostic,
    Event,
    OperationEnded,
    OperationStarted,
    ResourceDone,
    ResourceFailed,
    ResourceStarted,
)
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_json_is_recognised_only_where_it_is_an_option() -> None:
    assert wants_json(["settings", "--json"])
    assert not wants_json(["settings"])
    assert not wants_json(["run", "--", "--json"])


def test_in_json_mode_words_and_document_do_not_mix() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(json=True, stdout=out, stderr=err)
    console.say("working")
    console.table(["a"], [["b"]])
    console.result({"stage": "日本"})
    assert json.loads(out.getvalue()) == {"stage": "日本"}
    assert "working" in err.getvalue()


def test_what_others_named_moves_no_cursor_and_breaks_no_document() -> None:
    out = io.StringIO()
    console = Console(stdout=out, stderr=out)
    console.say("x\x1b[2K\x9b1A\u202eyx\ud800\r")
    console.table(["name"], [["\x1b[1A"]])
    console.faults(Refused("No\x1b[2K.", [Fault("\x1b", "\x1b", "\x1b")]))
    text = out.getvalue()
    assert not set("\x1b\x9b\u202e\ud800\r") & set(text)
    assert r"x\x1b[2K\x9b1A\u202eyx\ud800\r" in text
    document = io.StringIO()
    Console(json=True, stdout=document).result({"stage": "\ud800"})
    assert json.loads(document.getvalue().encode()) == {"stage": "\ud800"}


COMMANDS = ["::add-mask::x", "  ::set-output name=told::no", "a\n::stop-commands::x", "x ##[add-mask]x", "##[error]x"]


@pytest.mark.parametrize("command", COMMANDS)
def test_text_of_others_is_no_command_to_a_runner(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out = io.StringIO()
    console = Console(stdout=out, stderr=out)
    console.say(command)
    console.warn(command)
    console.table(["name"], [[command]])
    console.faults(Refused(command, [Fault(command, command, command, command)]))
    console.failure(Failed(command, [command]))
    document = io.StringIO()
    Console(json=True, stdout=document).result({command: command})
    lines = (out.getvalue() + document.getvalue()).splitlines()
    assert [line for line in lines if line.lstrip().startswith("::") or "##[" in line] == []
    assert "add-mask" in out.getvalue() or "add-mask" not in command
    assert json.loads(document.getvalue()) == {command: command}


def test_elsewhere_text_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    out = io.StringIO()
    Console(stdout=out).say("::1 is this machine")
    assert out.getvalue() == "::1 is this machine\n"


def test_a_pipe_gets_plain_whole_lines() -> None:
    out = io.StringIO()
    console = Console(stdout=out, stderr=out)
    long = "x" * 300
    console.say(f"[secret] {long}", "red")
    console.table(["name", "what"], [[long, "[tag]"]])
    first, _, last = out.getvalue().splitlines()
    assert first == f"[secret] {long}"
    assert last.split() == [long, "[tag]"]
    assert "\x1b" not in out.getvalue()


def test_no_color_is_obeyed_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured, plain = Terminal(), Terminal()
    Console(stdout=coloured).say("hello", "red")
    monkeypatch.setenv("NO_COLOR", "1")
    Console(stdout=plain).say("hello", "red")
    assert "\x1b[31m" in coloured.getvalue()
    assert plain.getvalue() == "hello\n"


LOSSES = ["the database main", "the bucket transcripts"]


def asked(answer: str, yes_for: str | None = None, *, terminal: bool = True) -> str:
    out = Terminal() if terminal else io.StringIO()
    stdin = Terminal(answer) if terminal else io.StringIO(answer)
    Console(stdin=stdin, stdout=out).confirm("staging", LOSSES, yes_for)
    return out.getvalue()


def test_a_person_is_shown_the_losses_and_types_the_stage() -> None:
    text = asked("staging\n")
    assert all(loss in text for loss in LOSSES)


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "production\n", "\n", ""])
def test_anything_but_the_stages_name_stops_it(answer: str) -> None:
    with pytest.raises(Refused, match="Nothing was done"):
        asked(answer)


def test_a_script_must_name_the_stage() -> None:
    assert asked("", "staging", terminal=False) == ""
    with pytest.raises(Refused, match="'production'"):
        asked("", "production", terminal=False)
    with pytest.raises(Refused, match="--yes staging") as caught:
        asked("staging\n", None, terminal=False)
    assert "the database main" in caught.value.faults[0].message


EVENTS: tuple[Event, ...] = (
    OperationStarted("staging", "up"),
    ResourceStarted("staging", "create", "t:index:T", "main", "urn:main"),
    ResourceDone("staging", "create", "t:index:T", "main", "urn:main"),
    ResourceStarted("staging", "same", "t:index:T", "other", "urn:other"),
    ResourceDone("staging", "same", "t:index:T", "other", "urn:other"),
    Diagnostic("staging", "warning", "the zone is shared [twice]"),
    ResourceFailed("staging", "delete", "t:index:T", "old", "urn:old"),
    OperationEnded("staging", "up", False, 1.0),
)


def test_a_board_in_a_pipe_is_a_line_per_change_of_state() -> None:
    out = io.StringIO()
    with Board(Console(stdout=out), ["staging", "production"]) as board:
        for event in EVENTS:
            board.on_event(event)
        board.step("production", "proving")
        board.done("production", "proven")
    lines = out.getvalue().splitlines()
    assert lines[:4] == [
        "staging: bringing up",
        "staging: the zone is shared [twice]",
        "staging: could not delete old (t:index:T)",
        "staging: bringing up: failed, 1 resource (0.0 s)",
    ]
    assert lines[4:] == ["production: proving", "production: proven (0.0 s)"]


def test_a_board_says_what_was_interrupted() -> None:
    out = io.StringIO()
    board = Board(Console(stdout=out), ["staging"])
    board.step("staging", "bringing up")
    with pytest.raises(KeyboardInterrupt), board:
        raise KeyboardInterrupt
    assert out.getvalue().splitlines()[-1].startswith("staging: bringing up: interrupted")


def test_a_board_at_a_terminal_ends_with_one_line_per_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    with Board(Console(stdout=out), ["staging", "production"]) as board:
        for event in EVENTS:
            board.on_event(event)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    staging, production = shown.splitlines()[-2:]
    assert staging.split()[:2] == ["✗", "staging"]
    assert "bringing up: failed, 1 resource" in staging
    assert production.split() == ["·", "production", "waiting"]
