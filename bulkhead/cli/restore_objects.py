"""`bulkhead restore objects STAGE BUCKET`: bring objects of an R2 bucket back out of the vault."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.recovery.objects import Mirror, Restored

_ACT: Final = "restore"
_TOLD_EVERY: Final = 100  # objects
_NAMED: Final = 20  # of what failed


def objects(
    context: typer.Context,
    stage: StackName,
    bucket: Annotated[str, typer.Argument(help="The bucket, as the product calls it.")],
    *,
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Only objects whose key begins so.")] = "",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="As of the last mirror before this time, in the stage's zone. Default: the last one."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also replace objects that are other ones by now.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be written.")] = False,
    accept_deleted: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Restore nothing: let the next mirror take up to N deletions for meant."),
    ] = None,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Write back what a bucket has lost, from the vault's daily mirror. Nothing is ever deleted.

    Says first what would be written, and asks. After an interruption, run it again. Exit code 1 when it was refused, or
    when an object could not be written.
    """
    from bulkhead.clients import clouds  # noqa: PLC0415 - boto3 and httpx, which `--help` need not wait for
    from bulkhead.clients.rest import Rest  # noqa: PLC0415
    from bulkhead.recovery.objects import Mirror, accept, sides_of  # noqa: PLC0415
    from bulkhead.recovery.restore.moments import past  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act=_ACT)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product = product_of(settings)
    _require_mirrored(settings, product, bucket)
    wanted = past(at, settings.timezone, datetime.now(UTC)) if at is not None else None
    if accept_deleted is not None:
        what = [f"{bucket}: up to {accept_deleted} objects that are gone at R2"]
        console.confirm(stage, what, yes, act="change", fate="marked as deleted in the vault by the next mirror")
        with clouds.said_plainly("AWS", "noting what was meant"):
            s3 = clouds.aws(settings, profile)("s3")
            accept(sides_of(settings, product.name, bucket, s3=s3, r2=None), accept_deleted)
        console.say(f"The next mirror takes up to {accept_deleted} deletions in {bucket} for meant.", GOOD)
        console.result({"stage": stage, "bucket": bucket, "ok": True, "accepted": accept_deleted})
        return
    token = token_of(console, stage, profile, token_env)
    with clouds.said_plainly("AWS or R2", "comparing the bucket with its mirror"):
        with Rest(context.ensure_object(Apis).cloudflare, token) as api:
            r2 = clouds.r2(settings.cloudflare.account_id, token, api)
        with closing(r2):
            sides = sides_of(settings, product.name, bucket, s3=clouds.aws(settings, profile)("s3"), r2=r2)
            done = _restore(
                console, stage, Mirror(sides, settings.timezone, prefix, overwrite), wanted, yes, ask=not plan
            )
    raise typer.Exit(1 if done is not None and done.failed else 0)


def _restore(
    console: Console, stage: str, mirror: Mirror, at: datetime | None, yes: str | None, *, ask: bool
) -> Restored | None:
    """Say what would be written, ask, and write it; return what was done, None where nothing was to be."""
    bucket, plan = mirror.sides.name, mirror.plan(at)
    lines, count = plan.told(mirror.zone, overwrite=mirror.overwrite), plan.writes(overwrite=mirror.overwrite)
    document = {"stage": stage, "bucket": bucket, "plan": {**asdict(plan), "taken": plan.taken.isoformat()}}
    if not ask or not count:
        for line in lines:
            console.say(line)
        console.result({**document, "ok": True, "done": None})
        return None
    console.confirm(stage, lines, yes, act=_ACT, fate="written")

    def tell(so_far: Restored) -> None:
        written = so_far.written + so_far.replaced + len(so_far.failed)
        if written % _TOLD_EVERY == 0:
            console.say(f"  {written} of {count}", FAINT)

    done = mirror.restore(plan, tell)
    for key, why in [*done.failed.items()][:_NAMED]:
        console.say(f"  {key}: {why}", BAD)
    told = f"{done.written} objects are back in {bucket}, {done.replaced} replaced, {len(done.failed)} failed."
    console.say(told, WARNING if done.failed else GOOD)
    console.result({**document, "ok": not done.failed, "done": asdict(done)})
    return done


def _require_mirrored(settings: StageSettings, product: Product, bucket: str) -> None:
    names = [each.name for each in product.buckets]
    if bucket not in names:
        known = ", ".join(names) or "none"
        message = f"is no bucket of {product.name}; those are: {known}"
        raise Refused("There is no such bucket.", [Fault(bucket, message, "name one of them")])
    if settings.backup.full == "none":
        fault = Fault("bulkhead:backup.full", "is none, so the stage has no vault and nothing of it is mirrored")
        raise Refused("Nothing can come back.", [fault])
