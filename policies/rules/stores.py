"""Rules about stores: who can delete them, whose they are, and who can read them from outside.

``retainOnDelete`` is not shown to policies (analyzer.proto, `AnalyzerResourceOptions`), so only ``protect`` is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infra.naming import Stage
from policies import tokens as t
from policies.rule import AnyRule, Rule, Seen, Violation
from policies.values import MISSING, UNKNOWN, listed
from policies.world import World

_HOLDS_DATA: Final = (t.D1_DATABASE, t.WORKERS_KV_NAMESPACE, t.R2_BUCKET, t.QUEUE, t.S3_BUCKET, t.KMS_KEY)
# Under which property each type has the name that its account, or all of AWS, knows it by.
_NAMED: Final = {
    t.D1_DATABASE: "name",
    t.WORKERS_KV_NAMESPACE: "title",
    t.R2_BUCKET: "name",
    t.QUEUE: "queueName",
    t.WORKER: "name",
    t.S3_BUCKET: "bucket",
    t.SQS_QUEUE: "name",
    t.SNS_TOPIC: "name",
    t.KMS_ALIAS: "name",
    t.BUDGET: "name",
}
_ALIAS: Final = "alias/"
_ANY_ORIGIN: Final = frozenset({"*", "http://*", "https://*"})


def _unprotected(seen: Seen, world: World) -> Iterator[Violation]:
    if not world.settings.protected or seen.protect:
        return
    if seen.type == t.WORKER:
        name = seen["name"]
        worker = world.worker(name) if isinstance(name, str) else None
        if worker is None or not worker.owns:
            return
        holds = f"is not protected, and its Durable Objects ({', '.join(worker.owns)}) live in it"
        yield _deletable(holds, "Deleting the Worker, by mistake or in a replacement, deletes all their data")
    elif seen.type == t.KMS_KEY:
        yield _deletable("is not protected", "Without the key everything encrypted with it is lost, its backups too")
    else:
        yield _deletable("is not protected", "One mistaken destroy or replacement deletes it with everything in it")


def _deletable(wrong: str, causes: str) -> Violation:
    return Violation(wrong, causes, "ResourceOptions(protect=True, retain_on_delete=True), or the stage's parent")


def _named_outside(seen: Seen, world: World) -> Iterator[Violation]:
    name, exact = seen[_NAMED[seen.type]], True
    if name is MISSING:  # AWS's types take the beginning of a name instead
        name, exact = seen["bucketPrefix" if seen.type == t.S3_BUCKET else "namePrefix"], False
    if name is UNKNOWN:
        return
    alias = _ALIAS if seen.type == t.KMS_ALIAS else ""
    own = f"{alias}{world.prefix}"
    if not isinstance(name, str):
        wrong = "has no name of its own, so one is made up"
    elif not name.startswith(own):
        wrong = f"is called {name if exact else f'{name}...'}, which does not begin with {own}"
    else:
        return
    yield Violation(
        wrong,
        "Another stage may hold that name, or take it: both would then work on the same store",
        "take the name from the stage's Label, as infra/naming.py makes it",
    )


def _public(seen: Seen, world: World) -> Iterator[Violation]:
    enabled = seen["enabled"]
    if enabled is UNKNOWN or enabled is False:
        return
    if seen.type == t.R2_MANAGED_DOMAIN:
        wrong, fix = "opens the bucket's r2.dev address", "enabled=False"
    else:
        wrong, fix = "gives the bucket an address of its own", "remove it, and let a Worker with a binding answer"
    yield Violation(wrong, "Whoever has, or guesses, a key reads the object without anybody being asked", fix)


def _open_origin(seen: Seen, world: World) -> Iterator[Violation]:
    own = {f"https://{host}" for host in world.hostnames}
    said = [each for rule in listed(seen.props, "rules") for each in listed(rule, "allowed", "origins")]
    for origin in dict.fromkeys(each for each in said if isinstance(each, str)):
        if origin in _ANY_ORIGIN:
            wrong = f"lets pages of any origin in ({origin})"
        elif world.stage is not Stage.DEVELOPMENT and origin.lower().rstrip("/").removesuffix(":443") not in own:
            wrong = f"lets pages of {origin} in, which is none of the stage's own origins"
        else:
            continue
        yield Violation(
            wrong,
            "Pages that are not the stage's, or were changed on their way, use what a visitor's browser may do here",
            f"name the stage's own origins: {', '.join(sorted(own)) or 'it has none, so remove the rule'}",
        )


def _replication(seen: Seen, world: World) -> Iterator[Violation]:
    mode, wanted = seen["readReplication.mode"], world.settings.database.read_replication
    if mode is UNKNOWN or mode == wanted:
        return
    if mode is MISSING:
        yield Violation(
            "does not say its read replication",
            "The provider then sends null at the next update, which the API answers with 400",
            f"read_replication={{'mode': {wanted!r}}}",
        )
    else:
        yield Violation(
            f"has read replication {mode!r}, and the stage's setting says {wanted!r}",
            "What the settings say of reads, of their age and of their cost is then not what runs",
            "take the mode from settings.database.read_replication",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "store-unprotected",
        ("BAK-5", "ENV-3"),
        "No store of production can be deleted by mistake",
        (*_HOLDS_DATA, t.WORKER),
        _unprotected,
    ),
    Rule(
        "store-name-outside-stage",
        ("ENV-3", "ENV-4"),
        "A store's name says whose it is",
        tuple(_NAMED),
        _named_outside,
    ),
    Rule(
        "r2-public",
        ("SEC-6", "SEC-8"),
        "Buckets are read through Workers only",
        (t.R2_MANAGED_DOMAIN, t.R2_CUSTOM_DOMAIN),
        _public,
    ),
    Rule(
        "r2-cors-any-origin",
        ("SEC-6",),
        "Only the stage's own pages reach into its buckets",
        (t.R2_BUCKET_CORS,),
        _open_origin,
    ),
    Rule(
        "d1-replication-implicit",
        ("CAP-2",),
        "Read replication is what the stage's settings say",
        (t.D1_DATABASE,),
        _replication,
    ),
)
