"""The rule against permissions of a token that nothing needs.

A token names its permission groups by id; the ids are the same in every account. Left out: groups that are in neither
table, because their purpose is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bulkhead.model.naming import Kind
from bulkhead.model.roles import HOLDERS, Holder
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of, superseded_by
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.permissions import (
    ACCESS_APPS_WRITE,
    ACCESS_TOKENS_WRITE,
    ACCOUNT_SETTINGS_READ,
    DNS_READ,
    DNS_WRITE,
    OBJECTS_WRITE,
    PAGES_WRITE,
    PERMISSIONS,
    QUEUES_WRITE,
    R2_READ,
    SCRIPTS_READ,
    WORKERS_AI_WRITE,
    ZONE_READ,
    ZONE_SETTINGS_WRITE,
    ZONE_WRITE,
    Permission,
)
from bulkhead.resources.values import at, listed
from identities.cloudflare import needs
from policies.context import PolicyContext
from policies.rule import AnyRule, StackRule, Violation

# Groups that no role of a stage has, and the types that need them.
_OTHERS: Final[Mapping[Permission, tuple[str, ...]]] = {
    ACCESS_APPS_WRITE: (),
    ACCESS_TOKENS_WRITE: (),
    ACCOUNT_SETTINGS_READ: (),
    DNS_READ: (t.DNS_RECORD,),
    DNS_WRITE: (t.DNS_RECORD,),
    PAGES_WRITE: (t.PAGES_PROJECT,),
    WORKERS_AI_WRITE: (),
    OBJECTS_WRITE: (),
    QUEUES_WRITE: (t.QUEUE, t.QUEUE_CONSUMER),
    R2_READ: (t.R2_BUCKET,),
    SCRIPTS_READ: (t.WORKER,),
    ZONE_READ: (),
    ZONE_SETTINGS_WRITE: (t.ZONE_SETTING,),
    ZONE_WRITE: (),
}
_KNOWN: Final = {permission.id: permission for permission in (*PERMISSIONS, *_OTHERS)}


def _unused(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    made = {resource.type for resource in stack.resources}
    of_stack = {permission.id for row in map(row_of, made) if row for permission in row.needs}
    of_stack |= {permission.id for permission, types in _OTHERS.items() if made & set(types)}
    for resource in stack.of(t.ACCOUNT_TOKEN, *superseded_by(t.ACCOUNT_TOKEN)):
        holder = _holder(resource, context)
        each = (holder,) if holder else HOLDERS
        needed = {need.permission.id for one in each for need in needs(one, context.product)}
        if holder is None:
            needed |= of_stack
        for id_ in sorted(_granted(resource) & _KNOWN.keys() - needed):
            whom = f"the role {holder}" if holder else f"product {context.product.name}"
            yield Violation(
                f"has the permission {_KNOWN[id_].name}, which nothing of {whom} needs",
                "Whoever gets hold of the token can do what the stage itself never does, and nobody would miss it",
                "leave it out; `bulkhead identities explain` says what each role needs, and why",
                resource,
            )


def _holder(resource: ObservedResource, context: PolicyContext) -> Holder | None:
    """Return the holder in a token's name; a token of another name may be for anybody."""
    for holder in HOLDERS:
        name = context.label.name(Kind.TOKEN, holder)
        if resource["name"] == name or str(resource["name"]).startswith(f"{name}-"):
            return holder
    return None


def _granted(resource: ObservedResource) -> set[str]:
    allowing = (policy for policy in listed(resource.props, "policies") if at(policy, "effect") == "allow")
    groups = (at(group, "id") for policy in allowing for group in listed(policy, "permissionGroups"))
    return {id_ for id_ in groups if isinstance(id_, str)}


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "token-unused-permission",
        ("SEC-6", "SEC-7", "QLT-11"),
        "A token has the permissions that the stage needs and no other",
        _unused,
    ),
)
