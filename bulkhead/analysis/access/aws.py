"""Who may do what in AWS (pure): by taking a role, and by the policies of buckets, keys and topics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.analysis.access.matrix import UNKNOWN_YET, Cell, Table, table
from bulkhead.analysis.documents import BOUNDARY, PolicyDocument, documents
from bulkhead.analysis.identity import name_of, names
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import Grants
from bulkhead.resources.planned import PlannedResource
from bulkhead.resources.statements import Statement, texts


def trust(plan: StagePlan) -> Table:
    """Return who may take each role, and the limit that is on it."""
    return table(
        "roleTrust",
        "Who may take a role of AWS",
        ("role", "who", "when", "limit"),
        [row for found in documents(plan, Grants.TRUST) for row in _taking(plan, found)],
        "The limit is the role's permissions boundary: it grants nothing, and nothing is possible beyond it.",
    )


def rights(plan: StagePlan) -> Table:
    """Return what whoever has a role may do, and at most."""
    rows = [row for found in documents(plan, Grants.RIGHTS) for row in _doing(plan, found)]
    managed: list[tuple[Cell, ...]] = [
        ((_name(plan, a, "role"),), "may", "what the policy says", (str(a.inputs.get("policyArn")),), "", "")
        for a in plan.of(t.IAM_ROLE_POLICY_ATTACHMENT)
    ]
    columns = ("role", "effect", "actions", "on", "when", "statement")
    return table("roleRights", "What a role of AWS may do", columns, [*rows, *managed])


def resources(plan: StagePlan) -> Table:
    """Return whom buckets, keys and topics let in themselves, and whom they keep out whatever a role says."""
    rows = [row for found in documents(plan, Grants.RESOURCE) for row in _letting_in(plan, found)]
    columns = ("resource", "effect", "who", "actions", "when", "statement")
    return table("resourcePolicies", "Whom buckets, keys and topics let in", columns, rows)


def _taking(plan: StagePlan, found: PolicyDocument) -> Iterator[tuple[Cell, ...]]:
    role = found.resource
    limit = _pointed(plan, str(role.inputs.get(BOUNDARY, "none")))
    for said in found.statements or ():
        who = _who(said) if said.allows else (f"never {', '.join(_who(said))}",)
        yield (name_of(role),), who, _when(said), limit
    if found.statements is None:
        yield (name_of(role),), UNKNOWN_YET, "", limit


def _doing(plan: StagePlan, found: PolicyDocument) -> Iterator[tuple[Cell, ...]]:
    role = _name(plan, found.resource, "role") if found.resource.type == t.IAM_ROLE_POLICY else name_of(found.resource)
    for said in found.statements or ():
        effect = "never" if said.denies else "at most" if found.limit else "may"
        on = said.resources or _all_but(said.not_resources)
        yield (role,), effect, _actions(said), on, _when(said), said.sid
    if found.statements is None:
        yield (role,), UNKNOWN_YET, "", "", "", ""


def _letting_in(plan: StagePlan, found: PolicyDocument) -> Iterator[tuple[Cell, ...]]:
    resource = _guarded(plan, found.resource)
    for said in found.statements or ():
        yield (resource,), "never" if said.denies else "may", _who(said), _actions(said), _when(said), said.sid
    if found.statements is None:
        yield (resource,), UNKNOWN_YET, "", "", "", ""


def _who(said: Statement) -> tuple[str, ...]:
    principals = tuple("anybody" if who == "*" else who for _, who in said.principals)
    return principals + _all_but(tuple(who for _, who in said.not_principals))


def _actions(said: Statement) -> tuple[str, ...]:
    return said.actions or _all_but(said.not_actions)


def _all_but(these: tuple[str, ...]) -> tuple[str, ...]:
    return (f"all but {', '.join(these)}",) if these else ()


def _when(said: Statement) -> tuple[str, ...]:
    return tuple(
        f"{key} {operator} {' or '.join(texts(values))}"
        for operator, tests in sorted(said.conditions.items())
        for key, values in sorted(tests.items())
    )


def _name(plan: StagePlan, resource: PlannedResource, property_: str) -> str:
    value = str(resource.inputs.get(property_))
    return next((name_of(role) for role in plan.of(t.IAM_ROLE) if value in names(role)), value)


def _pointed(plan: StagePlan, arn: str) -> Cell:
    return next(((name_of(policy),) for policy in plan.of(t.IAM_POLICY) if arn in names(policy)), arn)


def _guarded(plan: StagePlan, resource: PlannedResource) -> str:
    """Return the name of the thing a policy is attached to; a key is called by its alias, as people know it."""
    row = row_of(resource.type)
    for reference in row.references if row else ():
        value = resource.inputs.get(reference.path) if reference.path in _ATTACHED_BY else None
        target = next((each for each in plan.of(*reference.to) if value in names(each)), None)
        if target is not None:
            return _guarded(plan, target) if target.type == t.KMS_KEY else name_of(target)
    own = names(resource)
    alias = next((a for a in plan.of(t.KMS_ALIAS) if a.inputs.get("targetKeyId") in own), None)
    return name_of(alias or resource)


_ATTACHED_BY: Final = ("arn", "bucket", "function", "keyId", "queueUrl")
