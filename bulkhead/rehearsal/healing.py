"""Brings a state and its clouds together again, after a call that failed half-way or a rehearsal that was killed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bulkhead.localclouds.aws.client import client
from bulkhead.model.identities import TOKEN_MAKER
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.operations.adopt import discover, take
from bulkhead.operations.adopt.aws import AwsFinder, RegionalFinder
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.operations.adopt.discovery import PLACES
from bulkhead.operations.adopt.everywhere import Finders
from bulkhead.operations.adopt.finding import told_once
from bulkhead.resources.catalogue import CATALOGUE

if TYPE_CHECKING:
    from bulkhead.engine.inline_stack import InlineStack
    from bulkhead.localclouds.providers.store import Record
    from bulkhead.rehearsal.scene import Scene, StandingStage


def heal(scene: Scene, stage: StandingStage, stack: InlineStack) -> None:
    """Make a stack usable again that a killed rehearsal left behind.

    The engine wrote down most of what it had begun. When the clouds died before the engine did, it took the lost answer
    for a refusal and wrote nothing: that is looked for by name, as `bulkhead adopt` does it.
    """
    stack.heal(lambda urn: _id_of(scene, stage, urn))
    if not all(told_once(record.type) for record in unknown(scene, stage)):
        with tempfile.TemporaryDirectory(dir=scene.run.tmp) as folder:
            adopt(scene, stage, stack, Path(folder))


def end_lost_tokens(scene: Scene, stage: StandingStage) -> None:
    """End the tokens whose secret was told to nobody, once an `up` has made others: until then something may refer to
    them."""
    for record in unknown(scene, stage):
        if told_once(record.type):
            _revoke(scene, stage, record)


def unknown(scene: Scene, stage: StandingStage) -> list[Record]:
    """Return what the clouds have of a stage, and neither of its states knows."""
    there = {(one["type"], one.get("id")) for one in stage.resources()}
    return [
        record
        for record in scene.records(stage)
        if record.type in CATALOGUE and not CATALOGUE[record.type].left_behind and (record.type, record.id) not in there
    ]


def adopt(scene: Scene, stage: StandingStage, stack: InlineStack, folder: Path) -> list[str]:
    """Do what `bulkhead adopt` does, and run the commands that it names for what is in the way. Return the names of
    what was taken in. Raises Refused."""
    account, region = stage.settings.aws.account_id, stage.settings.region.primary
    token = TOKEN_MAKER if stack is stage.identities else CLOUDFLARE_TOKEN
    with scene.cloudflare_api(stage, token) as api:

        def finder_in(place: str) -> AwsFinder:
            return AwsFinder(lambda service: client(scene.moto, account, place, service), account, place)

        finder = Finders({"aws": RegionalFinder(region, finder_in), "cloudflare": CloudflareFinder(api)})
        seen = discover(stack, finder, folder, stack.resources())
        if seen.matches:
            take(stack, seen.document, folder, protect=False)
        for obstacle in seen.in_the_way:
            if found := finder.find(obstacle.wanted):
                account_id, queue, consumer = found.import_id.split("/")
                api.delete(f"/accounts/{account_id}/queues/{queue}/consumers/{consumer}")
    return [match.wanted.name for match in seen.matches]


def _id_of(scene: Scene, stage: StandingStage, urn: str) -> str | None:
    """Return the id of what was made for a URN while nobody wrote it down, None where nothing was, or is of no use."""
    record = next((record for record in scene.store.all() if record.urn == urn), None)
    if record is None or not told_once(record.type):
        return record.id if record else None
    _revoke(scene, stage, record)
    return None


def _revoke(scene: Scene, stage: StandingStage, token: Record) -> None:
    """End a token whose secret was told once, to nobody."""
    with scene.cloudflare_api(stage, TOKEN_MAKER) as api:
        api.delete(f"/accounts/{token.account}/{PLACES[token.type]}/{token.id}")
