"""The command line: what is listed, and what becomes of mistakes, failures, interruptions and faults."""

from __future__ import annotations

import errno
import importlib
import io
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bulkhead.cli import main as cli
from bulkhead.cli.console import Console
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[2]
FAULT = Fault("bulkhead:owner", "is nobody; alarms would reach nobody", "pulumi config set bulkhead:owner me", "P.yaml")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Make `bulkhead trial` do whatever a test wants."""
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path))
    monkeypatch.delenv("BULKHEAD_DEBUG", raising=False)

    def provide(error: BaseException | None = None, says: str = "done") -> None:
        app = typer.Typer()

        @app.command()
        def trial(as_json: bool = typer.Option(False, "--json")) -> None:
            if error is not None:
                raise error
            Console(json=as_json).say(says)

        module = types.ModuleType("bulkhead.cli.trial")
        module.app = app  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "bulkhead.cli.trial", module)
        monkeypatch.setitem(cli.COMMANDS, "trial", "A trial.")

    return provide


def test_every_listed_command_exists() -> None:
    for name in cli.COMMANDS:
        module = importlib.import_module(f"bulkhead.cli.{name.replace('-', '_')}")
        assert isinstance(module.app, typer.Typer), name


def test_every_command_there_is_is_listed() -> None:
    parts = {path.stem for path in (ROOT / "bulkhead/cli").glob("*.py")}
    commands = {
        part for part in parts if "app = typer.Typer(" in (ROOT / "bulkhead/cli" / f"{part}.py").read_text()
    } - {"main"}
    assert commands == {name.replace("-", "_") for name in cli.COMMANDS}


def test_help_lists_the_commands_and_imports_none_of_them() -> None:
    code = "import sys; from bulkhead.cli.main import main; assert main(['--help']) == 0; print(sorted(sys.modules))"
    output = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    text, _, modules = output.rpartition("[")
    assert all(name in text for name in cli.COMMANDS)
    assert "'bulkhead.cli.main'" in modules
    heavy = ("pulumi", "boto3", "moto", "cryptography", "pydantic", *(f"bulkhead.cli.{name}" for name in cli.COMMANDS))
    assert [module for module in heavy if f"'{module}'" in modules] == []


def test_a_command_runs_and_a_mistyped_one_is_suggested(command: Callable[..., None], capsys: Capture) -> None:
    command()
    assert cli.main(["trial"]) == 0
    assert capsys.readouterr().out == "done\n"
    assert cli.main(["trail"]) == 2
    assert "trial" in capsys.readouterr().err


def test_a_refusal_says_every_fault_and_no_traceback(command: Callable[..., None], capsys: Capture) -> None:
    command(Refused("These settings cannot be deployed.", [FAULT, Fault("b", "is [red]too long[/red]")]))
    assert cli.main(["trial"]) == 1
    text = capsys.readouterr().err
    assert "P.yaml: bulkhead:owner: is nobody; alarms would reach nobody" in text
    assert "fix: pulumi config set bulkhead:owner me" in text
    assert "[red]too long[/red]" in text
    assert "Traceback" not in text


def test_a_refusal_is_one_json_document_for_a_program(command: Callable[..., None], capsys: Capture) -> None:
    command(Refused("Not like this.", [FAULT]))
    assert cli.main(["trial", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["error"] == "Not like this."
    assert document["faults"][0]["fix"] == FAULT.fix


def test_a_failure_is_told_with_its_log(command: Callable[..., None], capsys: Capture) -> None:
    command(Failed("staging: up failed.", ["bucket is not empty"], Path("/logs/up.log")))
    assert cli.main(["trial"]) == 1
    assert "staging: up failed.\n  bucket is not empty\n  log: /logs/up.log\n" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["trial"], ["trial", "--json"]])
def test_an_interruption_is_no_fault(command: Callable[..., None], capsys: Capture, arguments: list[str]) -> None:
    command(KeyboardInterrupt())
    assert cli.main(arguments) == 130
    captured = capsys.readouterr()
    assert captured.err == "Interrupted.\n"
    assert captured.out == ""


def test_a_fault_of_the_program_is_short_and_its_traceback_is_in_a_private_file(
    command: Callable[..., None], capsys: Capture, tmp_path: Path
) -> None:
    command(ZeroDivisionError("the secret is hunter2"))
    assert cli.main(["trial"]) == 70
    text = capsys.readouterr().err
    assert "ZeroDivisionError" in text
    assert "hunter2" not in text
    assert "Traceback" not in text
    (log,) = (tmp_path / "crashes").iterdir()
    assert str(log) in text
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_fault_of_the_program_is_told_where_nothing_can_be_written_down(
    command: Callable[..., None], capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "file"))
    command(ZeroDivisionError("the secret is hunter2"))
    assert cli.main(["trial"]) == 70
    text = capsys.readouterr().err
    assert "ZeroDivisionError" in text
    assert str(tmp_path / "file") in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_machine_that_lets_nothing_be_written_is_no_fault_of_the_program(
    command: Callable[..., None], capsys: Capture, tmp_path: Path, number: int, said: str
) -> None:
    command(OSError(number, "whatever", "docs/access.md"))
    assert cli.main(["trial"]) == 1
    text = capsys.readouterr().err
    assert f"docs/access.md: cannot be used: {said}" in text
    assert "fix: " in text
    assert not (tmp_path / "crashes").exists()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "whatever"), Refused("No space left on device")])
def test_a_result_that_cannot_be_written_is_told_without_a_traceback(
    command: Callable[..., None], capsys: Capture, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    command(error)
    assert cli.main(["trial", "--json"]) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_signs_that_a_terminal_does_not_know_are_escaped(
    command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    command(says="✓ proven")
    assert cli.main(["trial"]) == 0
    assert written.getvalue() == b"\\u2713 proven\n"


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_traceback_appears_when_asked_for(
    command: Callable[..., None], capsys: Capture, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    command(ZeroDivisionError())
    if by == "environment":
        monkeypatch.setenv("BULKHEAD_DEBUG", "1")
    assert cli.main(["--debug", "trial"] if by == "option" else ["trial"]) == 70
    assert "Traceback" in capsys.readouterr().err
