"""Pointers in AWS's policy documents (pure): whom they let in, and what they reach.

A ``Deny`` points nowhere: forbidding what another stage has is a safeguard. Neither does a permissions boundary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from bulkhead.analysis.documents import INLINE, PLACES, PolicyDocument, Sort, documents
from bulkhead.analysis.isolation.github import is_environment_of
from bulkhead.analysis.isolation.pointer import (
    Find,
    Kind,
    Place,
    Pointer,
    always,
    held,
    made,
    permanent,
    places,
    unknown,
)
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.model.naming import Kind as Name
from bulkhead.resources import types as t
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.statements import Statement, account_of, matches, texts
from bulkhead.resources.values import UNKNOWN, at, listed
from policies.rules.iam import is_broad

_ARN: Final = re.compile(r"arn:[^:]*:(?P<service>[^:]*):[^:]*:[^:]*:(?P<rest>.*)", re.DOTALL)
_SUBJECT: Final = re.compile(r"repo:(?P<repository>[^:]+):environment:(?P<environment>.+)")
_LISTING: Final = re.compile(r"[a-z0-9-]+:(?:List|Describe)[A-Za-z*]*")
_WILD: Final = re.compile(r"[*?]")
# Conditions that hold for what is tagged, or called, as the stage's own.
_TAGS: Final = ("aws:resourcetag/environment", "aws:requesttag/environment", "aws:principaltag/environment")
_OWNED: Final = ("aws:resourcetag/environment", "kms:resourcealiases")
_MAKING: Final = re.compile(r"[a-z0-9-]+:Create[A-Za-z*]*")


def _in(*sorts: Sort) -> Find:
    def find(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[Pointer]:
        for found in documents(plan, *sorts):
            if found.statements is None:
                yield unknown(found.resource, found.path)
            for statement in found.statements or ():
                if statement.allows:
                    yield from _pointers(plan, others, found, statement)

    return find


def _pointers(
    plan: StagePlan, others: Sequence[StagePlan], found: PolicyDocument, statement: Statement
) -> Iterator[Pointer]:
    path = f"{found.path}.Statement[{statement.sid or 'without a Sid'}]"
    for kind, who in statement.principals:
        yield _principal(plan, others, found, statement, Pointer(found.resource, f"{path}.Principal.{kind}", who))
    for kind, who in statement.not_principals if statement.allows else ():
        wrong = "lets in everybody else, the roles of other stages too"
        yield Pointer(found.resource, f"{path}.NotPrincipal.{kind}", who, wrong)
    for key, values in statement.requires():
        for value in values:
            pointer = Pointer(found.resource, f"{path}.Condition.{key}", value)
            if key.endswith(":sub"):
                yield _subject(plan, others, pointer)
            elif key in _TAGS:
                yield pointer if _own(plan, value) else replace(pointer, wrong="is not the environment of this stage")
            elif key.endswith(("account", "arn")) or account_of(value) is not None:
                yield _located(plan, pointer)
    confined = _confined(plan, statement)
    for pattern in statement.resources:
        pointer = _located(plan, Pointer(found.resource, f"{path}.Resource", pattern))
        if not pointer.wrong and not confined and (found.sort is Sort.RIGHTS or pattern != "*"):
            pointer = _reaching(plan, others, statement, pointer)
        yield pointer
    for pattern in statement.not_resources:
        yield Pointer(found.resource, f"{path}.NotResource", pattern, "allows everything but this, in every stage")


def _principal(
    plan: StagePlan, others: Sequence[StagePlan], found: PolicyDocument, statement: Statement, pointer: Pointer
) -> Pointer:
    who, account = str(pointer.value), plan.settings.aws.account_id
    if pointer.path.endswith(".Service"):
        return pointer
    if pointer.path.endswith(".CanonicalUser"):
        return replace(pointer, wrong="names an account in a way that does not tell which")
    if who == "*":
        confined = statement.confined_to(account, f"{plan.prefix}-")
        by_name = any(key == "aws:principalarn" for key, _ in statement.requires())
        if confined and by_name and not all(_keeps_out(statement, other) for other in _beside(plan, others)):
            confined = False
        return pointer if confined else replace(pointer, wrong="lets in everybody, the roles of other stages too")
    if pointer.path.endswith(".Federated") and not any(key.endswith(":sub") for key, _ in statement.requires()):
        return replace(pointer, wrong="demands no subject, so that runs of every stage are let in")
    if found.sort is Sort.TRUST and who in {account, f"arn:aws:iam::{account}:root"}:
        neighbour = next(iter(_beside(plan, others)), None)
        if neighbour and not (_second_factor(statement) or _keeps_out(statement, neighbour)):
            wrong = f"lets in every role of the account, and {neighbour.environment} is in the same one"
            return replace(pointer, wrong=wrong, whose=neighbour.environment)
    return _located(plan, pointer)


def _keeps_out(statement: Statement, neighbour: StagePlan) -> bool:
    """Whether a condition names principals, and none of the neighbour's roles is among them."""
    arns = [arn for arn in _arns(neighbour) if ":role/" in arn]
    return any(
        key == "aws:principalarn" and not any(matches(value, arn) for value in values for arn in arns)
        for key, values in statement.requires()
    )


def _second_factor(statement: Statement) -> bool:
    """Whether only a person can be meant: no role of a pipeline has a second factor."""
    return any(key == "aws:multifactorauthpresent" and set(values) == {"true"} for key, values in statement.requires())


def _subject(plan: StagePlan, others: Sequence[StagePlan], pointer: Pointer) -> Pointer:
    """Whom GitHub says a run is: a repository, and the environment that admitted it."""
    subject, ours = str(pointer.value), plan.settings.github
    for other in others:
        theirs = other.settings.github
        name = f"repo:{theirs.owner}/{theirs.repository}:environment:{other.environment}"
        if _WILD.search(subject) and matches(subject, name) and _apart(plan, other):
            return replace(pointer, wrong=f"takes in runs of {other.environment}", whose=other.environment)
    said = _SUBJECT.fullmatch(subject)
    if said is None:
        return replace(pointer, wrong="names no environment of the stage")
    if re.sub(r"@\d+", "", said["repository"]).lower() != f"{ours.owner}/{ours.repository}".lower():
        return replace(pointer, wrong="is a run of another repository")
    if not is_environment_of(plan, said["environment"]):
        whose = next((each.environment for each in others if is_environment_of(each, said["environment"])), "")
        return replace(pointer, wrong="is a run in an environment that is not the stage's", whose=whose)
    return pointer


def _located(plan: StagePlan, pointer: Pointer) -> Pointer:
    """Say whether an ARN, or an account, is the stage's; what names neither an account nor a bucket is nobody's."""
    value = str(pointer.value)
    if pointer.value is UNKNOWN:
        return unknown(pointer.resource, pointer.path)
    account, arn = account_of(value), _ARN.fullmatch(value)
    if account is not None and account != plan.settings.aws.account_id:
        return replace(pointer, wrong=f"is in account {account}, which is not the stage's")
    if arn is not None and arn["service"] == "s3" and arn["rest"] != "*" and not _own_bucket(plan, arn["rest"]):
        return replace(pointer, wrong=f"is a bucket that is not called {plan.prefix}-…")
    return pointer


def _confined(plan: StagePlan, statement: Statement) -> bool:
    """Whether its conditions let it reach nothing that is tagged, or called, as another stage's. The tag that a request
    gives says nothing of what is there already: that must be new, or at least not be tagged as another stage's."""
    required = dict(statement.requires())
    if any(_owned(plan, required.get(key, ())) for key in _OWNED):
        return True
    there = [
        texts(tests[key])
        for operator, tests in statement.conditions.items()
        for key in tests
        if operator.lower().endswith("ifexists") and key.lower() == _TAGS[0]
    ]
    new = all(_MAKING.fullmatch(action) for action in statement.actions or ("*",))
    return _owned(plan, required.get(_TAGS[1], ())) and (new or any(_owned(plan, values) for values in there))


def _owned(plan: StagePlan, values: Sequence[str]) -> bool:
    return bool(values) and all(_own(plan, value) for value in values)


def _own_bucket(plan: StagePlan, rest: str) -> bool:
    bucket = rest.partition("/")[0]
    known = _WILD.split(bucket)[0]
    passing = plan.environment == plan.settings.stage == "development" and known.startswith(f"{plan.product.name}-pr-")
    return bucket in made(t.S3_BUCKET)(plan) or known.startswith(f"{plan.prefix}-") or passing


def _reaching(plan: StagePlan, others: Sequence[StagePlan], statement: Statement, pointer: Pointer) -> Pointer:
    """Say whose things a pattern takes in besides the stage's. What only lists is told as a risk that remains."""
    pattern = str(pointer.value)
    if not _WILD.search(pattern) or all(_LISTING.fullmatch(action) for action in statement.actions or ("*:*",)):
        return pointer
    services = {action.partition(":")[0].lower() for action in statement.actions} or {"*"}
    for other in (other for other in others if _apart(plan, other)):
        for arn in _arns(other):
            service = arn.split(":")[2]
            reachable = (service == "s3" and pattern != "*") or _same_account(plan, other)
            if (
                reachable
                and any(matches(each, service) for each in services)
                and (matches(pattern, arn) or matches(pattern, f"{arn}/x"))
            ):
                return replace(pointer, wrong=f"takes in {arn} of {other.environment}", whose=other.environment)
    return pointer


def _arns(plan: StagePlan) -> Iterator[str]:
    account = plan.settings.aws.account_id
    yield f"arn:aws:s3:::{plan.label.name(Name.STATE, account)}"
    if plan.settings.aws.role_arn:
        yield plan.settings.aws.role_arn
    for resource in plan.resources:
        if isinstance(arn := at(resource.outputs, "arn"), str):
            yield arn


def _own(plan: StagePlan, value: str) -> bool:
    """Whether the value of a tag or an alias is the stage's; development's may be that of a pull request's stack."""
    own = value == plan.environment or value.removeprefix("alias/").startswith(f"{plan.prefix}-")
    return own or (plan.environment == plan.settings.stage == "development" and value == "pr-*")


def _apart(plan: StagePlan, other: StagePlan) -> bool:
    """Whether two stages must be apart in rights, too: a pull request's stack is deployed with development's."""
    passing = [each for each in (plan, other) if EPHEMERAL_STACK.fullmatch(each.environment)]
    return not passing or plan.settings.stage is not other.settings.stage


def _same_account(plan: StagePlan, other: StagePlan) -> bool:
    return plan.settings.aws.account_id == other.settings.aws.account_id


def _beside(plan: StagePlan, others: Sequence[StagePlan]) -> list[StagePlan]:
    """Return the stages that must be apart from this one in rights, and are in its account."""
    return [other for other in others if _apart(plan, other) and _same_account(plan, other)]


_OWN_POLICY: Final = made(t.IAM_POLICY)
_OF_ROLES: Final = (
    Place(t.IAM_ROLE_POLICY, "role", made(t.IAM_ROLE)),
    Place(t.IAM_ROLE_POLICY_ATTACHMENT, "role", made(t.IAM_ROLE)),
    Place(t.IAM_ROLE, "permissionsBoundary", _OWN_POLICY),
)
_TRUSTED: Final = _in(Sort.TRUST)
_GRANTED: Final = _in(Sort.RIGHTS)


def _rights(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[Pointer]:
    yield from _GRANTED(plan, others)
    yield from places(*_OF_ROLES)(plan, others)
    own = _OWN_POLICY(plan)
    shared = next(iter(_beside(plan, others)), None)
    for resource in plan.of(t.IAM_ROLE_POLICY_ATTACHMENT, t.IAM_ROLE):
        for path in ("policyArn", "managedPolicyArns"):
            for arn in listed(unsealed(resource.inputs), path):
                yield unknown(resource, path) if arn is UNKNOWN else _attached(resource, path, arn, own, shared)


def _attached(resource: PlannedResource, path: str, arn: Any, own: frozenset[str], shared: StagePlan | None) -> Pointer:
    if shared and is_broad(arn):
        wrong = f"allows a whole service or account, and {shared.environment} is in the same one"
        return Pointer(resource, path, arn, wrong, shared.environment)
    managed = isinstance(arn, str) and ":iam::aws:policy/" in arn
    return Pointer(resource, path, arn, "" if managed or arn in own else "is a policy that this stage does not make")


def _has(*sorts: Sort) -> frozenset[tuple[str, str]]:
    inline = {(t.IAM_ROLE, INLINE)} if Sort.RIGHTS in sorts else set()
    return frozenset((type_, path) for type_, (path, sort) in PLACES.items() if sort in sorts) | inline


KINDS: Final = (
    Kind(
        "trust of roles",
        "Whoever runs for the other stage could take this stage's role",
        "trust the stage's own GitHub environments and its own account, one exact subject each",
        _TRUSTED,
        _has(Sort.TRUST),
        permanent,
    ),
    Kind(
        "rights of roles",
        "With the role of one stage the other could be read and changed, so one leak opens both",
        "name the stage's own resources, by names that begin as the stage's do, or demand the tag environment",
        _rights,
        _has(Sort.RIGHTS, Sort.LIMIT) | held(*_OF_ROLES) | {(t.IAM_ROLE_POLICY_ATTACHMENT, "policyArn")},
        permanent,
    ),
    Kind(
        "policies of buckets, keys and topics",
        "The other stage could read, change or delete what this stage keeps",
        "let in the stage's own account, and services on its behalf (aws:SourceAccount)",
        _in(Sort.RESOURCE),
        _has(Sort.RESOURCE),
        always,
    ),
)
