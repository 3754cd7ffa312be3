"""`bulkhead bindings`: what the Workers' code does with their bindings, and the types that say what it may."""

from __future__ import annotations

from typing import Annotated

import typer

from bulkhead.analysis.code import types as code_types
from bulkhead.analysis.code.files import stale, write
from bulkhead.analysis.code.reader import Facts, read
from bulkhead.analysis.code.verdicts import faults, places
from bulkhead.cli.console import GOOD, Console
from bulkhead.cli.options import AsJson, ProductName
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import STAGE_VARIABLES, Product
from bulkhead.model.settings.files import stage_files
from bulkhead.model.settings.product_reference import OPTION, named_in, one_product

app = typer.Typer(
    help="What each Worker's code does with its bindings, held against what the product grants.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: bulkhead bindings check --json | jq '.workers.web.uses'")
def check(product: ProductName = None, *, json: AsJson = False) -> None:
    """Find each binding that the code uses and is not granted, has and does not use, or uses beyond its grant.

    Reads the sources with the TypeScript compiler and follows the env by its types, whatever it is called. Where it is
    handed to code that no type follows, that is a fault until the product declares it (Worker.escapes). Exit code 1
    when there is a fault.
    """
    console = Console(json=json)
    described = _meant(product)
    facts = read(described, project.ROOT)
    found = faults(described, facts)
    if found:
        raise Refused("The code does not do with its bindings what the product grants.", found)
    for worker in described.workers:
        used = [name for name in _used(facts[worker.name]) if name not in STAGE_VARIABLES]
        console.say(f"{worker.name} uses what it is granted: {', '.join(used) or 'nothing'}", GOOD)
    console.result({"workers": {name: {"uses": places(one)} for name, one in facts.items()}})


@app.command(epilog="Example: bulkhead bindings types --check")
def types(
    product: ProductName = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when a file is not as it should.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Write the types of each Worker's env beside its source: env.d.ts and cloudflare.d.ts.

    With them, the compiler refuses a binding that this Worker is not granted. They follow from the product alone, so
    they are written anew whenever it changes. What this command did not write is never overwritten: then it says where
    they could be (Worker.types).
    """
    console = Console(json=json)
    described = _meant(product)
    wanted = code_types.all_types(described)
    code_types.require_no_others(described, project.ROOT)
    changed = stale(wanted, project.ROOT)
    if check and changed:
        again = "bulkhead bindings types" + (f" {OPTION} {product}" if product else "")
        message = "is not what the product grants (any more): the compiler would judge the code by something else"
        raise Refused(
            "The env types are not up to date.",
            [Fault("", message, again, path) for path in changed],
        )
    write({path: wanted[path] for path in changed}, project.ROOT)
    for path in changed:
        console.say(f"{path}: written")
    console.say(f"{len(wanted)} files are up to date.", GOOD)
    console.result({"files": sorted(wanted), "written": changed})


def _meant(chosen: str | None) -> Product:
    return one_product(named_in(stage_files(project.ROOT)), chosen)


def _used(facts: Facts) -> list[str]:
    return list(places(facts))
