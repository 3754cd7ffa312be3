"""`bulkhead versions STAGE`: which version of each Worker answers, since when, by whom, of which release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import FAINT, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.clients.workers import Deployment, Share, Version
    from bulkhead.delivery.history import History

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead versions production --json | jq '.workers[].deployments[0]'")
def versions(
    context: typer.Context,
    stage: StackName,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many deployments of each Worker are shown.")] = 5,
    token_env: TokenEnv = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Show which versions of each Worker answer now, with their shares, and the deployments before.

    Asks Cloudflare, never the state, which only knows what the last up wanted. Exit code 1 when it was refused.
    """
    from bulkhead.clients.rest import Rest  # noqa: PLC0415 - httpx, which `--help` need not wait for
    from bulkhead.clients.workers import Traffic  # noqa: PLC0415
    from bulkhead.delivery.history import read  # noqa: PLC0415

    console = Console(json=json)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product = product_of(settings)
    with Rest(context.ensure_object(Apis).cloudflare, token_of(console, stage, profile, token_env)) as api:
        histories = read(Traffic(api, settings.cloudflare.account_id), product, settings)
    columns = ["worker", "since (UTC)", "requests", "version", "release", "by", "message"]
    console.table(columns, [row for each in histories for row in _rows(each, limit)])
    for each in histories:
        if each.live is None:
            console.say(f"{each.script}: nothing is deployed", WARNING)
        elif (newest := next(iter(each.versions.values()), None)) and not each.live.percent_of(newest.id):
            console.say(f"{each.script}: {called(newest)} is the newest upload, and answers nobody", FAINT)
    console.result({"stage": stage, "workers": [_document(each, limit) for each in histories]})


def called(version: Version) -> str:
    """Return how people read of a version: its number, enough of its id to name it, its release."""
    return f"version {version.number} ({version.id[:8]}{f', release {version.release}' if version.release else ''})"


def _rows(history: History, limit: int) -> Iterator[tuple[str, ...]]:
    for index, each in enumerate(history.deployments[:limit]):
        for share in each.shares:
            first = share is each.shares[0]
            version = history.versions.get(share.version)
            yield (
                history.script if first and not index else "",
                f"{each.created:%Y-%m-%d %H:%M:%S}" if first else "",
                f"{share.percent:g} %",
                f"{version.number} ({share.version[:8]})" if version else share.version,
                version.release if version else "",
                each.author if first else "",
                each.message if first else "",
            )


def _document(history: History, limit: int) -> dict[str, Any]:
    newest = next(iter(history.versions.values()), None)
    return {
        "worker": history.worker.name,
        "script": history.script,
        "newest": newest.id if newest else None,
        "deployments": [_deployment(history, each) for each in history.deployments[:limit]],
    }


def _deployment(history: History, each: Deployment) -> dict[str, Any]:
    return {
        "id": each.id,
        "since": each.created.isoformat(),
        "by": each.author,
        "message": each.message,
        "versions": [_share(history, share) for share in each.shares],
    }


def _share(history: History, share: Share) -> dict[str, Any]:
    version = history.versions.get(share.version)
    return {
        "version": share.version,
        "percent": share.percent,
        "number": version.number if version else None,
        "release": (version.release or None) if version else None,
    }
