"""The board of several stages: plain lines wherever lines cannot move, colours only where they are wanted."""

from __future__ import annotations

import io
import re
import threading

import pytest

from bulkhead.cli.board import Board
from bulkhead.cli.console import BAD, GOOD, Console
from bulkhead.engine.events import (
    Diagnostic,
    Event,
    OperationEnded,
    OperationStarted,
    PolicySpoke,
    ResourceDone,
    ResourceFailed,
    ResourceStarted,
)

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ANY_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
FROM_THE_TERMINAL = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FROM_THE_TERMINAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def resource(action: str, name: str = "main") -> tuple[Event, Event]:
    step = ("staging", action, "t:index:T", name, f"urn:{name}")
    return ResourceStarted(*step), ResourceDone(*step)


def shown(out: io.StringIO, *events: Event) -> str:
    with Board(Console(stdout=out), ["staging"]) as board:
        board.on_event(OperationStarted("staging", "up"))
        for event in events:
            board.on_event(event)
        board.note("a note", BAD)
        board.on_event(OperationEnded("staging", "up", True, 1.0))
        board.step("staging", "applying migrations")
        board.done("staging", "up, 3 resources")
    return out.getvalue()


PLAIN = [
    "staging: bringing up",
    "a note",
    "staging: bringing up: done, 1 resource (0.0 s)",
    "staging: applying migrations",
    "staging: up, 3 resources (0.0 s)",
]


def test_a_pipe_gets_plain_lines_and_no_escape_sequence() -> None:
    text = shown(io.StringIO(), *resource("create"))
    assert text.splitlines() == PLAIN
    assert "\x1b" not in text
    assert "\r" not in text


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_lines_gets_the_same(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    assert ANY_ESCAPE.sub("", shown(Terminal(), *resource("create"))).splitlines() == PLAIN


def test_no_color_takes_the_colours_and_leaves_the_moving_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = shown(Terminal(), *resource("create"))
    assert "\x1b[1;31m" in coloured  # the note
    assert "\x1b[32m" in coloured  # what went well
    monkeypatch.setenv("NO_COLOR", "1")
    plain = shown(Terminal(), *resource("create"))
    codes = {code for found in COLOUR.findall(plain) for code in found[2:-1].split(";")}
    assert codes <= {"", "0", "1", "2"}, "bold and faint are no colours"
    assert ANY_ESCAPE.sub("", plain).splitlines()[-1].split()[:3] == ["✓", "staging", "up,"]


def test_no_color_in_a_pipe_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown(io.StringIO(), *resource("create")).splitlines() == PLAIN


@pytest.mark.parametrize(
    ("actions", "count"),
    [
        (["same", "read", "refresh"], ""),
        (["create", "same"], ", 1 resource"),
        (["update", "delete", "replace"], ", 3 resources"),
    ],
)
def test_only_what_changed_is_counted(actions: list[str], count: str) -> None:
    events = [event for action in actions for event in resource(action)]
    assert f"staging: bringing up: done{count} (0.0 s)\n" in shown(io.StringIO(), *events)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Diagnostic("staging", "warning", "the zone is [shared]"), "staging: the zone is [shared]"),
        (
            PolicySpoke("staging", "mandatory", "no-public-bucket", "is public"),
            "staging: mandatory policy no-public-bucket: is public",
        ),
        (
            ResourceFailed("staging", "create", "t:index:T", "main", "urn"),
            "staging: could not create main (t:index:T)",
        ),
    ],
)
def test_what_a_person_has_to_know_stays(event: Event, line: str) -> None:
    assert line in shown(io.StringIO(), event).splitlines()
    assert line in ANY_ESCAPE.sub("", shown(Terminal(), event)).splitlines()


@pytest.mark.parametrize("severity", ["info", "info#err", "debug", "error"])
def test_what_the_end_says_anyway_is_not_said_twice(severity: str) -> None:
    assert "chatter" not in shown(io.StringIO(), Diagnostic("staging", severity, "chatter"))


def test_a_long_line_stays_one_line_in_a_pipe() -> None:
    out = io.StringIO()
    with Board(Console(stdout=out), ["staging"]) as board:
        board.note("x" * 500, GOOD)
        board.step("staging", "y" * 500)
    assert [len(line) for line in out.getvalue().splitlines()][:2] == [500, 509]


def test_in_json_mode_the_board_speaks_to_people_only() -> None:
    out, err = io.StringIO(), io.StringIO()
    with Board(Console(json=True, stdout=out, stderr=err), ["staging"]) as board:
        board.step("staging", "bringing up")
        board.done("staging", "up")
    assert out.getvalue() == ""
    assert err.getvalue() == "staging: bringing up\nstaging: up (0.0 s)\n"


def test_an_operation_without_a_word_of_its_own_is_called_by_its_name() -> None:
    out = io.StringIO()
    with Board(Console(stdout=out), ["staging"]) as board:
        board.on_event(OperationStarted("staging", "import"))
        board.on_event(OperationEnded("staging", "import", False, 1.0))
    assert out.getvalue() == "staging: import\nstaging: import: failed (0.0 s)\n"


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()])
def test_stages_side_by_side_do_not_tear_each_others_lines(out: io.StringIO) -> None:
    stages = [f"pr-{number}" for number in range(1, 5)]

    def busy(board: Board, stage: str) -> None:
        for count in range(25):
            board.step(stage, f"step {count}")
            board.done(stage, f"step {count} done")

    with Board(Console(stdout=out), stages) as board:
        threads = [threading.Thread(target=busy, args=(board, stage)) for stage in stages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = ANY_ESCAPE.sub("", out.getvalue()).splitlines()
    if isinstance(out, Terminal):
        assert [line.split()[1:5] for line in lines[-4:]] == [[stage, "step", "24", "done"] for stage in stages]
    else:
        assert len(lines) == 4 * 25 * 2
        assert all(re.fullmatch(r"pr-\d: step \d+( done \(\d\.\d s\))?", line) for line in lines)
