"""``bulkhead settings``: check the stage files, show what a stage gets, print the files' schema."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, ProductName, StackName
from bulkhead.model import project
from bulkhead.model.settings.files import Finding, check_files, read_settings, stage_files
from bulkhead.model.settings.keys import required_secrets
from bulkhead.model.settings.models import as_file_content
from bulkhead.model.settings.paths import SECRETS, SETTINGS, stack_file
from bulkhead.model.settings.product_reference import OPTION, find_product, product_of
from bulkhead.model.settings.reader import read
from bulkhead.model.settings.schema import render

app = typer.Typer(
    help="Check, show and describe what differs between stages: the files Pulumi.<stage>.yaml.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: bulkhead settings check Pulumi.staging.yaml --json")
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Stage files; without any, those of all stages.")] = None,
    product: ProductName = None,
    json: AsJson = False,
) -> None:
    """Find everything wrong in the stage files, and between them, before an engine or a cloud is asked.

    Exit code 1 when there is a fault; warnings alone stop nothing.
    """
    console = Console(json=json)
    chosen = files or stage_files(project.ROOT)
    findings = check_files(chosen, None if product is None else find_product(product, OPTION))
    faults = sum(finding.level == "fault" for finding in findings)
    for finding in findings:
        _say(finding, console)
    told = f"{_count(faults, 'fault')} and {_count(len(findings) - faults, 'warning')} in {_count(len(chosen), 'file')}"
    console.say(told, BAD if faults else GOOD)
    console.result([_as_json(finding) for finding in findings])
    raise typer.Exit(1 if faults else 0)


@app.command(epilog="Example: bulkhead settings show production")
def show(
    stage: StackName,
    product: ProductName = None,
    json: AsJson = False,
) -> None:
    """Show what a stage gets, defaults included. Of a secret, only whether it is set."""
    console = Console(json=json)
    file = project.ROOT / stack_file(stage)
    held = read_settings(file)
    settings = as_file_content(held)
    written = read(file).config
    secrets = {name: _state(written, name) for name in required_secrets(product_of(held, product))}
    own = {key.removeprefix(f"{SETTINGS}:"): value for key, value in written.items()}
    for text, given in _lines(settings, own):
        console.say(text if given else f"{text}  # default", "" if given else FAINT)
    console.say("secrets:")
    for name, state in secrets.items():
        console.say(f"  {name}: {state}", GOOD if state == "set" else WARNING)
    console.result({"settings": settings, "secrets": secrets})


@app.command(epilog="Example: bulkhead settings schema > docs/settings.schema.json")
def schema() -> None:
    """Print the JSON Schema of a stage file, which editors use while somebody types."""
    typer.echo(render(), nl=False)


def _say(finding: Finding, console: Console) -> None:
    fault, style = finding.fault, BAD if finding.level == "fault" else WARNING
    place = f"{fault.file}:{finding.line}" if finding.line else fault.file
    told = " ".join(part for part in (f"{finding.level}:", fault.key, fault.message) if part)
    console.say(f"{place}: {told}" if place else told, style)
    if fault.fix:
        console.say(f"      fix: {fault.fix}")


def _as_json(finding: Finding) -> dict[str, Any]:
    fault = finding.fault
    return {
        "level": finding.level,
        "file": fault.file,
        "line": finding.line,
        "key": fault.key,
        "message": fault.message,
        "fix": fault.fix,
    }


def _state(written: Mapping[str, Any], name: str) -> str:
    return "set" if f"{SECRETS}:{name}" in written else "missing"


def _lines(values: Mapping[str, Any], given: Any, indent: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the lines of a section as YAML, each with whether the stage's file gives it."""
    for name, value in values.items():
        is_given = isinstance(given, Mapping) and name in given
        below = given[name] if is_given else None
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:", True
            yield from _lines(value, below, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_inline(value)}", is_given


def _inline(value: object) -> str:
    """Return a value as YAML has it in one line. Text stays as it is: it is shown to be read, not to be parsed."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return f"[{', '.join(_inline(item) for item in value)}]"
    if isinstance(value, float):
        return f"{value:g}"
    return jsonlib.dumps(value)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
