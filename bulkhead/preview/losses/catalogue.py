"""Every rule about losses, and the words by which waivers name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bulkhead.preview.losses import (
    expiry,
    guards,
    homes,
    inline,
    keys,
    left_behind,
    locks,
    options,
    renames,
    stores,
    switches,
    uncovered,
    workers,
)
from bulkhead.preview.losses.loss import Loss, Rule
from bulkhead.preview.plan import UpdatePlan

RULES: Final[tuple[Rule, ...]] = (
    renames.renamed,
    homes.turned,
    homes.handed,
    stores.gone,
    stores.jurisdiction,
    stores.emptied,
    stores.unreviewed,
    switches.switched,
    workers.gone,
    workers.classes,
    left_behind.left,
    inline.lifecycle,
    expiry.log_group,
    expiry.queue,
    expiry.dead_letters,
    locks.object_lock,
    locks.bucket_lock,
    locks.versioning,
    inline.settings,
    keys.key,
    keys.alias,
    keys.dropped,
    guards.removed,
    guards.weakened,
    guards.undone,
    uncovered.login,
    uncovered.other,
    uncovered.shown,
    options.unguarded,
)
KINDS: Final[Mapping[str, str]] = {
    "class-deleted": "a Durable Object class is deleted with its objects",
    "class-dropped": "an upload says nothing of a Durable Object class any more, or nothing that is known yet",
    "class-left-behind": "the code of a Durable Object class goes to another Worker, and its objects do not",
    "class-renamed": "a Durable Object class is renamed",
    "class-transferred": "a Durable Object class goes to another Worker",
    "dead-letters-dropped": "failed messages are dropped",
    "deleted": "a store is deleted",
    "expiry-shortened": "objects expire sooner",
    "force-destroy": "a bucket may be deleted with what is in it",
    "gone": "a store is gone from its cloud already, and would be made again, empty",
    "guard-removed": "what guards a bucket, an address or a zone, or keeps a record, is removed",
    "guard-weakened": "what guards a bucket or a key says less",
    "jurisdiction-changed": "a bucket is looked for in another jurisdiction",
    "key-alias-moved": "a key's name leads to another key",
    "key-disabled": "a key is switched off",
    "key-dropped": "what was encrypted with a key is not any more",
    "key-rotation-reduced": "a key is changed less often",
    "key-window-shortened": "there is less time to take back a key's deletion",
    "lock-shortened": "objects are locked for a shorter time, or not at all",
    "lock-weakened": "more people may delete what is locked",
    "made-public": "a repository that was private is shown to everybody",
    "rehomed": "a provider looks for what exists in another account, region or owner",
    "renamed": "a resource got another logical name without an alias",
    "replaced": "a store is replaced by an empty one",
    "retention-shortened": "a queue keeps messages, or a group its log lines, for a shorter time",
    "store-switched": "a Worker goes on with another store in the place of one that it had",
    "undone": "a replacement deletes what it has just made",
    "unprotected": "protect is taken away",
    "unretained": "retainOnDelete is taken away",
    "unreviewed": "a resource goes, and nobody has said whether its type holds data",
    "versioning-suspended": "a bucket keeps no versions any more",
    "worker-deleted": "a Worker goes, and its Durable Objects with it",
    "worker-renamed": "a Worker gets another name, and leaves its Durable Objects behind",
}


def losses(plan: UpdatePlan) -> Iterator[Loss]:
    """Yield everything that an `up` would lose. The deletion that belongs to a rename is not counted again."""
    for change in plan.changes:
        if not change.custom:
            continue
        found = [loss for rule in RULES for loss in rule(change, plan)]
        renamed = [loss for loss in found if loss.kind == "renamed"]
        yield from renamed or found
