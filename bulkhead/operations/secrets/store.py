"""Stores a secret in every stack that needs it; its value goes through a pipe, never through an argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from bulkhead.engine.stack import StackCli
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Label
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.paths import ROTATED
from bulkhead.model.visible import visible
from bulkhead.operations.secrets.files import IDENTITIES, Keeper, write_config
from bulkhead.resources import types as t
from bulkhead.resources.aws.keys import STANDARD_PARAMETER


def needing(keepers: Sequence[Keeper], name: str) -> list[Keeper]:
    """Return the keepers that need a secret. Raises Refused, with the names there are, when nobody does."""
    found = [keeper for keeper in keepers if name in keeper.required]
    if not found:
        known = ", ".join(sorted({each for keeper in keepers for each in keeper.required}))
        message = f"is no secret of this product; there are {known}"
        raise Refused("Nothing was stored.", [Fault(name, message, "declare it in the product: StageSecret(...)")])
    return found


def require_whole(name: str, value: str, product: Product) -> None:
    """Raise Refused for a value that a service which gets it would not take; it is never shown."""
    if not value.strip():
        raise Refused("Nothing was stored.", [Fault(name, "is empty, so the service would refuse the stage")])
    if value != value.strip():
        message = "starts or ends with white space, often a copied line end, and the service would refuse it"
        raise Refused("Nothing was stored.", [Fault(name, message, "copy it without")])
    if visible(value.replace("\r\n", "\n")) != value.replace("\r\n", "\n"):
        message = "holds a character that nobody sees, such as the mark that an editor puts first, and would be refused"
        raise Refused("Nothing was stored.", [Fault(name, message, "copy it without")])
    size = len(value.encode())
    if faults := [
        Fault(
            name,
            f"has {size} bytes, and {whose} takes {most} at most",
            "keep what is large in a store, and its key here",
        )
        for whose, most in _takers(name, product)
        if size > most
    ]:
        raise Refused("Nothing was stored.", faults)


def _takers(name: str, product: Product) -> Iterator[tuple[str, int]]:
    """Yield who gets a secret, and the most bytes that each takes."""
    for worker in product.users_of(name):
        yield f"Worker {worker}", t.WORKER_VERSION.limits["bindings[].text"]
    for secret in product.secrets:
        if secret.name == name and secret.pipeline:
            yield "GitHub", t.GITHUB_ACTIONS_ENVIRONMENT_SECRET.limits["value"]
        if secret.name == name and secret.jobs:
            yield "SSM, for the jobs,", STANDARD_PARAMETER


def store(root: Path, keeper: Keeper, stack: StackCli, name: str, value: str, today: date) -> None:
    """Encrypt a secret into a keeper's file, and write down when. Raises Refused when the CLI does."""
    stack.store_secret(name, value)
    write_config(root / keeper.name, {f"{ROTATED}:{name}": today.isoformat()})


def backend_of(keeper: Keeper, label: Label, settings: StageSettings, environ: Mapping[str, str]) -> str | None:
    """Return the backend of a keeper's state, None to use that of the CLI's login.

    The two stacks of a stage have two buckets, so a selected one determines the other.
    """
    scope = aws_scope_of(label, settings)
    buckets = {"": scope.state, IDENTITIES: scope.identities_state}
    urls = {folder: f"s3://{bucket}?region={scope.region}" for folder, bucket in buckets.items()}
    selected = environ.get("PULUMI_BACKEND_URL", "").partition("?")[0]
    return urls[keeper.folder] if selected in {url.partition("?")[0] for url in urls.values()} else None
