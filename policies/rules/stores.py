"""Rules about stores: who can delete them, which stage owns them, and who can read them from outside.

``retainOnDelete`` is not shown to policies (analyzer.proto, `AnalyzerResourceOptions`), so only ``protect`` is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bulkhead.model.naming import Kind, Stage
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE, NAMED_BY
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_HOLDS: Final[Mapping[str, str]] = {row: row.holds_data for row in CATALOGUE.values() if row.holds_data}
_NAMED: Final = (
    t.BUDGET,
    t.CLOUDWATCH_COMPOSITE_ALARM,
    t.CLOUDWATCH_LOG_GROUP,
    t.CLOUDWATCH_METRIC_ALARM,
    t.D1_DATABASE,
    t.KMS_ALIAS,
    t.LAMBDA_FUNCTION,
    t.QUEUE,
    t.R2_BUCKET,
    t.S3_BUCKET,
    t.SCHEDULER_SCHEDULE,
    t.SCHEDULER_SCHEDULE_GROUP,
    t.SNS_TOPIC,
    t.SQS_QUEUE,
    t.SSM_PARAMETER,
    t.WORKER,
    t.WORKERS_KV_NAMESPACE,
)
_DAY_SECONDS: Final = 86_400
_ALIAS: Final = "alias/"
_ANY_ORIGIN: Final = frozenset({"*", "http://*", "https://*"})


def _unprotected(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if not context.settings.protected or resource.protect:
        return
    if resource.type == t.WORKER:
        name = resource["name"]
        worker = context.worker(name) if isinstance(name, str) else None
        if worker is None or not worker.owns:
            return
        holds = f"is not protected, and its Durable Objects ({', '.join(worker.owns)}) live in it"
        yield _deletable(holds, "Deleting the Worker, by mistake or in a replacement, deletes all their data")
    else:
        yield _deletable("is not protected", f"One mistaken destroy or replacement loses {_HOLDS[resource.type]}")


def _deletable(wrong: str, causes: str) -> Violation:
    return Violation(wrong, causes, "ResourceOptions(protect=True, retain_on_delete=True), or the stage's parent")


def _named_outside(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    named_by = NAMED_BY[resource.type]
    name, exact = resource[named_by], True
    if name in (MISSING, ""):  # AWS's types take the beginning of a name instead
        name, exact = resource[f"{named_by}Prefix"], False
    if name is UNKNOWN:
        return
    alias = _ALIAS if resource.type == t.KMS_ALIAS else ""
    own = f"{alias}{context.prefix}"
    if not isinstance(name, str):
        wrong = "has no name of its own, so one is made up"
    elif not name.startswith(own):
        wrong = f"is called {name if exact else f'{name}...'}, which does not begin with {own}"
    else:
        return
    yield Violation(
        wrong,
        "Another stage may hold that name, or take it: both would then work on the same one",
        "take the name from the stage's Label, as bulkhead/model/naming.py makes it",
    )


def _public(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    enabled = resource["enabled"]
    if enabled is UNKNOWN or enabled is False:
        return
    if resource.type == t.R2_MANAGED_DOMAIN:
        wrong, fix = "opens the bucket's r2.dev address", "enabled=False"
    else:
        wrong, fix = "gives the bucket an address of its own", "remove it, and let a Worker with a binding answer"
    yield Violation(wrong, "Whoever has, or guesses, a key reads the object without anybody being asked", fix)


def _open_origin(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own = {f"https://{host}" for host in context.hostnames}
    origins = [each for rule in listed(resource.props, "rules") for each in listed(rule, "allowed", "origins")]
    for origin in dict.fromkeys(each for each in origins if isinstance(each, str)):
        if origin in _ANY_ORIGIN:
            wrong = f"lets pages of any origin in ({origin})"
        elif context.stage is not Stage.DEVELOPMENT and origin.lower().rstrip("/").removesuffix(":443") not in own:
            wrong = f"lets pages of {origin} in, which is none of the stage's own origins"
        else:
            continue
        yield Violation(
            wrong,
            "Pages that are not the stage's, or were changed on their way, use what a visitor's browser may do here",
            f"name the stage's own origins: {', '.join(sorted(own)) or 'it has none, so remove the rule'}",
        )


def _replication(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    mode, wanted = resource["readReplication.mode"], context.settings.database.read_replication
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


def _unlocked(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """In production only: other stages must be removable with everything in them."""
    if context.stage is not Stage.PRODUCTION:
        return
    evidence = {context.label.name(Kind.R2, each.name): each for each in context.product.buckets if each.evidence_days}
    for bucket in stack.of(t.R2_BUCKET):
        name = bucket["name"]
        if not isinstance(name, str) or name not in evidence:
            continue
        days = evidence[name].evidence_days or 0
        locks = [each for each in stack.of(t.R2_BUCKET_LOCK) if _is_about(each, bucket)]
        if not any(_locks(each, days) for each in locks):
            yield Violation(
                "lets somebody remove or replace what is evidence"
                + (f": no rule of its lock holds every object for {days} days" if locks else ": it has no lock"),
                "Whoever may write to it can make a record disappear, and nobody can prove what it said",
                f"R2BucketLock with an enabled rule of no prefix and max_age_seconds={days * _DAY_SECONDS} at least",
                bucket,
            )


def _is_about(lock: ObservedResource, bucket: ObservedResource) -> bool:
    from_it = any(source.urn == bucket.urn for source in lock.sources("bucketName"))
    return from_it or lock["bucketName"] in (bucket["name"], UNKNOWN)


def _locks(lock: ObservedResource, days: int) -> bool:
    """Whether a rule locks every object for so long; a value that is not known yet is judged later, when it is
    known."""
    if lock["rules"] is UNKNOWN:
        return True
    for rule in listed(lock.props, "rules"):
        enabled, prefix, kind = at(rule, "enabled"), at(rule, "prefix"), at(rule, "condition", "type")
        if enabled not in (True, UNKNOWN) or prefix not in (MISSING, "", UNKNOWN):
            continue
        seconds = at(rule, "condition", "maxAgeSeconds")
        long_enough = seconds is UNKNOWN or (isinstance(seconds, int | float) and seconds >= days * _DAY_SECONDS)
        if kind in ("Indefinite", UNKNOWN) or (kind == "Age" and long_enough):
            return True
    return False


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "r2-lock-missing-on-evidence",
        ("AUD-2", "AUD-8"),
        "What the product calls evidence stays as it was written",
        _unlocked,
    ),
    Rule(
        "store-unprotected",
        ("BAK-5", "ENV-3"),
        "No store of production can be deleted by mistake",
        (*_HOLDS, t.WORKER),
        _unprotected,
    ),
    Rule(
        "store-name-outside-stage",
        ("ENV-3", "ENV-4"),
        "A store's name says whose it is",
        _NAMED,
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
