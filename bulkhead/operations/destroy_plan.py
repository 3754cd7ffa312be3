"""What a destroyed stage loses (pure), read from the engine's state, which is complete.

The manifest does not suffice: a stage that never came up completely exports none, and a half-destroyed one still
exports resources that were deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.engine.state import CREATING
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import EPHEMERAL_STACK, Stage, stage_of
from bulkhead.model.settings.paths import stack_file
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import ResourceType

_ENGINE: Final = "pulumi:"  # the stack itself and its providers, which are in no cloud

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DestroyPlan:
    """What a destroyed stage loses, by physical name.

    ``resources`` counts what there is in the clouds, one by one; ``buckets`` are R2's, ``vault`` those in S3: of the
    backups, and of their access log; ``holders`` pairs whatever else holds something with its type; ``workers`` pairs a
    Worker with the Durable Object classes in it.
    """

    environment: str
    resources: int
    hostnames: tuple[str, ...]
    buckets: tuple[str, ...]
    holders: tuple[tuple[ResourceType, str], ...]
    workers: tuple[tuple[str, tuple[str, ...]], ...]
    vault: tuple[str, ...]


def refuse_production(stack: str) -> None:
    """Raise Refused unless a stack of this name may be destroyed at all."""
    stage = stage_of(stack)
    if stage is None:
        message = "is no stage; a stage is development, staging or the stack of a pull request, such as pr-42"
        raise Refused("There is nothing to destroy.", [Fault(stack, message, "pulumi stack ls")])
    if stage is Stage.PRODUCTION:
        message = (
            "is never destroyed by a command: its data, its backups and the site would be gone, and every resource is "
            "protected against exactly this"
        )
        fix = (
            "to give production up, take the protection away in a reviewed change of infra/stage.py, then remove "
            "each resource by hand"
        )
        raise Refused("Nothing was done.", [Fault(stack, message, fix)])


def destroy_plan(stack: str, resources: Iterable[State]) -> DestroyPlan:
    """Return what goes with ``stack``, whose state holds ``resources`` (as `pulumi stack export` has them).

    Raises Refused for production, and where something is protected: the engine would stop at it, and by then the
    buckets would be empty.
    """
    refuse_production(stack)
    resources = list(resources)
    protected = [one["urn"] for one in resources if one.get("protect")]
    if protected:
        raise Refused(f"{stack} holds what somebody has protected. Nothing was done.", _protections(stack, protected))
    going = [one for one in resources if _goes(one)]
    owned: dict[str, set[str]] = {}
    for version in _of(going, t.WORKER_VERSION):
        owned.setdefault(version["inputs"]["workerId"], set()).update(_classes(version["inputs"].get("exports") or {}))
    return DestroyPlan(
        environment=stack,
        resources=len(going),
        hostnames=_named(going, t.WORKERS_CUSTOM_DOMAIN, "hostname"),
        buckets=_named(going, t.R2_BUCKET, "name"),
        holders=_holders(going),
        workers=tuple(
            sorted((one["inputs"]["name"], tuple(sorted(owned.get(one["id"], ())))) for one in _of(going, t.WORKER))
        ),
        vault=_named(going, t.S3_BUCKET, "bucket"),
    )


def unsettled(operations: Iterable[State]) -> list[str]:
    """Return the URNs of resources that were being made when the engine was interrupted: only the cloud knows whether
    they exist."""
    return [one["resource"]["urn"] for one in operations if one["type"] == CREATING]


def next_commands(stack: str) -> list[str]:
    """Return the commands that may come next: a pull request's stack is not needed again, a stage's is."""
    if EPHEMERAL_STACK.fullmatch(stack):
        return [f"pulumi stack rm {stack}", f"rm {stack_file(stack)}"]
    return [f"pulumi up -s {stack}"]


def _goes(one: State) -> bool:
    """Whether a `destroy` removes it from a cloud. What is only read, or kept on purpose, stays there."""
    stays = one.get("external") or one.get("retainOnDelete")
    return bool(one.get("custom")) and not one["type"].startswith(_ENGINE) and not stays


def _protections(stack: str, urns: Iterable[str]) -> Iterator[Fault]:
    for urn in urns:
        message = "is protected, so the engine would stop at it when the buckets are empty already"
        yield Fault(urn.rpartition("::")[2], message, f"pulumi state unprotect '{urn}' --stack {stack}")


def _of(resources: Iterable[State], type_: str) -> Iterator[State]:
    return (one for one in resources if one["type"] == type_)


def _named(resources: Iterable[State], type_: str, property_: str) -> tuple[str, ...]:
    # The inputs come from the program; a set, because a resource being replaced is in the state twice.
    return tuple(sorted({one["inputs"][property_] for one in _of(resources, type_)}))


def _holders(resources: Iterable[State]) -> tuple[tuple[ResourceType, str], ...]:
    """Return what holds something that is lost with it, but for buckets, which are counted and emptied. A key has no
    name of its own, so the program's stands for it."""
    found = {
        (row, one["inputs"][row.named_by] if row.named_by else one["urn"].rpartition("::")[2])
        for one in resources
        if (row := row_of(one["type"])) and row.holds_data and row not in {t.R2_BUCKET, t.S3_BUCKET}
    }
    return tuple(sorted(found))


def _classes(exports: Mapping[str, State]) -> Iterator[str]:
    alive = {None, "created"}
    return (name for name, one in exports.items() if one["type"] == "durable-object" and one.get("state") in alive)
