"""`bulkhead delivery`: what the workflows ask that carry a change into a stage. A person may ask the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from bulkhead.cli.console import FAINT, GOOD, Console
from bulkhead.cli.options import AsJson, StackName, check_stack
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.release import Event, ReleaseModel, stage_of_event, trigger_table
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

app = typer.Typer(
    help="What the workflows ask that carry a change into a stage.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_OUTPUT: Final = "GITHUB_OUTPUT"


@app.command(epilog="Example: bulkhead delivery stage --event push --ref refs/heads/develop")
def stage(
    *,
    event: Annotated[str | None, typer.Option(metavar="NAME", help="What started the run, as GitHub calls it.")] = None,
    ref: Annotated[str | None, typer.Option(metavar="REF", help="The full ref that the run is on.")] = None,
    asked: Annotated[
        str | None,
        typer.Option("--stage", metavar="STAGE", help="What a person asked for.", callback=check_stack),
    ] = None,
    json: AsJson = False,
) -> None:
    """Say which stage an event deploys, by the release model of the settings. In a run of GitHub Actions the event is
    the run's own, and the answer becomes the step's outputs `stage` and `tree`.

    Exit code 1 when a person asks for a stage that is not deployed from the ref, and for a release tag that is no
    version.
    """
    from bulkhead.delivery.build import checked_out  # noqa: PLC0415 (not for --help)

    console = Console(json=json)
    name, full = event or os.environ.get("GITHUB_EVENT_NAME"), ref or os.environ.get("GITHUB_REF")
    if not (name and full):
        missing = {"--event push": name, "--ref refs/heads/develop": full}
        message = "is not said, and this is no run of GitHub Actions"
        faults = [Fault(fix.partition(" ")[0], message, fix) for fix, said in missing.items() if not said]
        raise Refused("Nobody knows what started this.", faults)
    model, main = _agreed()
    wanted = Stage(asked) if asked in set(Stage) else None  # a pull request's own stack is deployed by its branch
    found = stage_of_event(Event(name, full, wanted), model, main)
    _hand_on(stage=found or "", tree=checked_out(project.ROOT).tree)
    console.say(f"{name} of {full} deploys {found}." if found else f"{name} of {full} deploys no stage.")
    console.result({"event": name, "ref": full, "model": model, "stage": found})


@app.command(epilog="Example: bulkhead delivery triggers")
def triggers(*, json: AsJson = False) -> None:
    """Show what deploys each stage, in both release models."""
    console = Console(json=json)
    model, main = _agreed()
    rows = list(trigger_table(main))
    console.table(("model", "stage", "deployed by"), rows)
    console.say(f"The settings say {model}.", FAINT)
    told = [{"model": each, "stage": stage_, "deployedBy": said} for each, stage_, said in rows]
    console.result({"model": model, "triggers": told})


@app.command(epilog="Example: bulkhead delivery seal staging --into build")
def seal(
    stage: StackName,
    *,
    into: Annotated[Path, typer.Option(metavar="DIR", help="A folder that does not exist yet.")],
    json: AsJson = False,
) -> None:
    """Copy what was built into a folder, with its provenance, and print the digest that stands for the whole. In a run
    of GitHub Actions that is the step's output `digest`, too."""
    from bulkhead.delivery.build import Builder  # noqa: PLC0415 (not for --help)
    from bulkhead.delivery.build import seal as sealed  # noqa: PLC0415

    console = Console(json=json)
    product = product_of(_settings(stage))
    digest = sealed(project.ROOT, product, into, Builder.of_run(os.environ))
    _hand_on(digest=digest)
    console.say(f"Sealed in {into}: {digest}", GOOD)
    console.result({"stage": stage, "folder": str(into), "digest": digest})


@app.command(epilog="Example: bulkhead delivery unseal staging --from build --digest <what seal printed>")
def unseal(
    stage: StackName,
    *,
    source: Annotated[Path, typer.Option("--from", metavar="DIR", help="The folder that `seal` wrote.")],
    digest: Annotated[str, typer.Option(metavar="SHA256", help="What `seal` printed.")],
    json: AsJson = False,
) -> None:
    """Put a sealed build into this checkout, in the place of its own. Refuses, and changes nothing, when it is another
    one, not whole, or not of the commit that is checked out."""
    from bulkhead.delivery.build import unseal as unsealed  # noqa: PLC0415 (not for --help)

    console = Console(json=json)
    product = product_of(_settings(stage))
    there = unsealed(source, digest, project.ROOT, product)
    console.say(f"The build of commit {there.commit} is in its place.", GOOD)
    console.result({"stage": stage, "commit": there.commit, "tree": there.tree, "digest": digest})


def _agreed() -> tuple[ReleaseModel, str]:
    """Return the release model and the default branch. Raises Refused where stages say different ones: a branch could
    then deploy two of them, or none."""
    there = [each for each in Stage if (project.ROOT / stack_file(each)).is_file()] or list(Stage)
    said = [(each.release_model, each.github.default_branch) for each in map(_settings, there)]
    if len(set(said)) > 1:
        faults = [
            Fault("", f"deploys by {model} with {main} as default branch", "say the same everywhere", stack_file(each))
            for each, (model, main) in zip(there, said, strict=True)
        ]
        raise Refused("The stages do not agree on what deploys them.", faults)
    return said[0]


def _settings(stack: str) -> StageSettings:
    return read_settings(project.ROOT / stack_file(stack))


def _hand_on(**outputs: str) -> None:
    """Write the outputs of a step of GitHub Actions."""
    if file := os.environ.get(_OUTPUT):
        with Path(file).open("a", encoding="utf-8") as there:
            there.writelines(f"{name}={value}\n" for name, value in outputs.items())
