"""References in AWS's policy documents (pure): whom they let in, and what they reach.

A ``Deny`` points nowhere: forbidding what another stage has is a safeguard. Neither does a permissions boundary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from bulkhead.analysis.documents import BOUNDARY, PolicyDocument, documents
from bulkhead.analysis.isolation.github import is_environment_of
from bulkhead.analysis.isolation.reference import (
    Find,
    FoundReference,
    ReferenceKind,
    always,
    linked,
    of_link,
    own_names,
    permanent,
    unknown,
)
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.model.naming import Kind as Name
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.documents import INLINE
from bulkhead.resources.kind import Grants, Link
from bulkhead.resources.statements import Statement, account_of, action_matches, matches, texts
from bulkhead.resources.values import UNKNOWN, at
from policies.rules.iam import is_broad, is_narrowed

_ARN: Final = re.compile(r"arn:[^:]*:(?P<service>[^:]*):[^:]*:[^:]*:(?P<rest>.*)", re.DOTALL)
_SUBJECT: Final = re.compile(r"repo:(?P<repository>[^:]+):environment:(?P<environment>.+)")
_LISTING: Final = re.compile(r"[a-z0-9-]+:(?:List|Describe)[A-Za-z*]*")
_WILD: Final = re.compile(r"[*?]")
# Conditions that hold for what is tagged, or called, as the stage's own.
_TAGS: Final = ("aws:resourcetag/environment", "aws:requesttag/environment", "aws:principaltag/environment")
_OWNED: Final = ("aws:resourcetag/environment", "kms:resourcealiases")
_ACCOUNTS: Final = ("aws:resourceaccount", "s3:resourceaccount")
# Actions of S3 that are about no bucket that exists (Service Authorization Reference, Amazon S3).
_OF_AN_ACCOUNT: Final = re.compile(
    r"s3:(?:CreateBucket|[A-Za-z]*(?:Account|Jobs?|AccessPoints?)[A-Za-z]*)", re.IGNORECASE
)
_MAKING: Final = re.compile(r"[a-z0-9-]+:Create[A-Za-z*]*")


def _granted(grants: Grants) -> Find:
    def find(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
        for found in documents(plan, grants):
            if found.limit:
                continue
            if found.statements is None:
                yield unknown(found.resource, found.path)
            for statement in found.statements or ():
                if statement.allows:
                    yield from _named(plan, others, found, statement)

    return find


def _named(
    plan: StagePlan, others: Sequence[StagePlan], found: PolicyDocument, statement: Statement
) -> Iterator[FoundReference]:
    path = f"{found.path}.Statement[{statement.sid or 'without a Sid'}]"
    for kind, who in statement.principals:
        yield _principal(
            plan, others, found, statement, FoundReference(found.resource, f"{path}.Principal.{kind}", who)
        )
    for kind, who in statement.not_principals if statement.allows else ():
        wrong = "lets in everybody else, the roles of other stages too"
        yield FoundReference(found.resource, f"{path}.NotPrincipal.{kind}", who, wrong)
    for key, values in statement.requires():
        for value in values:
            reference = FoundReference(found.resource, f"{path}.Condition.{key}", value)
            if key.endswith(":sub"):
                yield _subject(plan, others, reference)
            elif key in _TAGS:
                yield (
                    reference if _own(plan, value) else replace(reference, wrong="is not the environment of this stage")
                )
            elif key.endswith(("account", "arn")) or account_of(value) is not None:
                yield _located(plan, reference)
    confined = _confined(plan, statement)
    for pattern in statement.resources:
        reference = _located(plan, FoundReference(found.resource, f"{path}.Resource", pattern))
        if not reference.wrong and not confined and (found.grants is Grants.RIGHTS or pattern != "*"):
            reference = _reaching(plan, others, statement, reference)
        yield reference
    for pattern in statement.not_resources:
        yield FoundReference(
            found.resource, f"{path}.NotResource", pattern, "allows everything but this, in every stage"
        )


def _principal(
    plan: StagePlan, others: Sequence[StagePlan], found: PolicyDocument, statement: Statement, reference: FoundReference
) -> FoundReference:
    who, account = str(reference.value), plan.settings.aws.account_id
    if reference.path.endswith(".Service"):
        return reference
    if reference.path.endswith(".CanonicalUser"):
        return replace(reference, wrong="names an account in a way that does not tell which")
    if who == "*":
        confined = statement.confined_to(account, plan.label.prefix)
        by_name = any(key == "aws:principalarn" for key, _ in statement.requires())
        if confined and by_name and not all(_keeps_out(statement, other) for other in _beside(plan, others)):
            confined = False
        return reference if confined else replace(reference, wrong="lets in everybody, the roles of other stages too")
    if reference.path.endswith(".Federated") and not any(key.endswith(":sub") for key, _ in statement.requires()):
        return replace(reference, wrong="demands no subject, so that runs of every stage are let in")
    if found.grants is Grants.TRUST and who in {account, f"arn:aws:iam::{account}:root"}:
        neighbour = next(iter(_beside(plan, others)), None)
        if neighbour and not (_second_factor(statement) or _keeps_out(statement, neighbour)):
            wrong = f"lets in every role of the account, and {neighbour.environment} is in the same one"
            return replace(reference, wrong=wrong, whose=neighbour.environment)
    return _located(plan, reference)


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


def _subject(plan: StagePlan, others: Sequence[StagePlan], reference: FoundReference) -> FoundReference:
    """Whom GitHub says a run is: a repository, and the environment that admitted it."""
    subject, ours = str(reference.value), plan.settings.github
    for other in others:
        theirs = other.settings.github
        name = f"repo:{theirs.owner}/{theirs.repository}:environment:{other.environment}"
        if _WILD.search(subject) and matches(subject, name) and _apart(plan, other):
            return replace(reference, wrong=f"takes in runs of {other.environment}", whose=other.environment)
    said = _SUBJECT.fullmatch(subject)
    if said is None:
        return replace(reference, wrong="names no environment of the stage")
    if re.sub(r"@\d+", "", said["repository"]).lower() != f"{ours.owner}/{ours.repository}".lower():
        return replace(reference, wrong="is a run of another repository")
    if not is_environment_of(plan, said["environment"]):
        whose = next((each.environment for each in others if is_environment_of(each, said["environment"])), "")
        return replace(reference, wrong="is a run in an environment that is not the stage's", whose=whose)
    if said["environment"] not in own_names(plan, t.GITHUB_REPOSITORY_ENVIRONMENT):
        # GitHub makes an environment that a workflow names, without reviewers and for every branch.
        return replace(reference, wrong="is in an environment that the stage does not make, and a workflow may")
    return reference


def _located(plan: StagePlan, reference: FoundReference) -> FoundReference:
    """Say whether an ARN, or an account, is the stage's; what names neither an account nor a bucket is nobody's."""
    value = str(reference.value)
    if reference.value is UNKNOWN:
        return unknown(reference.resource, reference.path)
    account, arn = account_of(value), _ARN.fullmatch(value)
    if account is not None and account != plan.settings.aws.account_id:
        return replace(reference, wrong=f"is in account {account}, which is not the stage's")
    if arn is not None and arn["service"] == "s3" and arn["rest"] != "*" and not _own_bucket(plan, arn["rest"]):
        return replace(reference, wrong=f"is a bucket that is not called {plan.label.prefix}…")
    return reference


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
    return bucket in own_names(plan, t.S3_BUCKET) or known.startswith(plan.label.prefix) or passing


def _reaching(
    plan: StagePlan, others: Sequence[StagePlan], statement: Statement, reference: FoundReference
) -> FoundReference:
    """Say whose things a pattern takes in besides the stage's. What only lists is told as a risk that remains."""
    pattern = str(reference.value)
    # A number that is put into a namespace is about nothing that is called by an ARN.
    actions = [
        action
        for action in statement.actions or ("*",)
        if not _LISTING.fullmatch(action) and not is_narrowed(action, statement)
    ]
    if not _WILD.search(pattern):
        return reference
    for other in (other for other in others if _apart(plan, other)):
        elsewhere = not _same_account(plan, other)
        if elsewhere and _in_own_account(plan, statement):
            continue
        for arn in _arns(other):
            acts = any(_acts_on(action, arn, elsewhere=elsewhere) for action in actions)
            if acts and (matches(pattern, arn) or matches(pattern, f"{arn}/x")):
                return replace(reference, wrong=f"takes in {arn} of {other.environment}", whose=other.environment)
    return reference


def _acts_on(action: str, arn: str, *, elsewhere: bool) -> bool:
    """Whether an action, or one that its pattern takes in, can be about what is called ``arn``. In another account that
    are buckets, whose names are everybody's, and roles, which may be taken from anywhere."""
    service = arn.split(":")[2]
    if service == "iam" and action_matches(action, "sts:AssumeRole"):
        return True
    if elsewhere and (service != "s3" or _OF_AN_ACCOUNT.fullmatch(action)):
        return False
    return matches(action.partition(":")[0].lower(), service)


def _in_own_account(plan: StagePlan, statement: Statement) -> bool:
    """Whether its conditions let it reach nothing in other accounts."""
    required = dict(statement.requires())
    return any(set(required.get(key, ())) == {plan.settings.aws.account_id} for key in _ACCOUNTS)


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
    own = value == plan.environment or value.removeprefix("alias/").startswith(plan.label.prefix)
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


_ROLES: Final = (_granted(Grants.RIGHTS), linked(Link.RIGHTS))


def _rights(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    neighbour = next(iter(_beside(plan, others)), None)
    for find in _ROLES:
        for found in find(plan, others):
            if neighbour and is_broad(found.value) and found.path != BOUNDARY:
                wrong = f"allows a whole service or account, and {neighbour.environment} is in the same one"
                yield replace(found, wrong=wrong, whose=neighbour.environment)
            else:
                yield found


def _documents_of(grants: Grants) -> frozenset[tuple[str, str]]:
    own: list[tuple[str, str]] = [(t.IAM_ROLE, INLINE)] if grants is Grants.RIGHTS else []
    own += [(row, path) for row in CATALOGUE.values() for path, what in row.documents.items() if what is grants]
    if grants is Grants.RESOURCE:
        own += [(t.LAMBDA_PERMISSION, property_) for property_ in ("principal", "sourceArn", "sourceAccount")]
    return frozenset(own)


KINDS: Final = (
    ReferenceKind(
        "trust of roles",
        "Whoever runs for the other stage could take this stage's role",
        "trust the stage's own GitHub environments and its own account, one exact subject each",
        _granted(Grants.TRUST),
        _documents_of(Grants.TRUST),
        permanent,
    ),
    of_link(
        Link.RIGHTS,
        "With the role of one stage the other could be read and changed, so one leak opens both",
        "name the stage's own resources, by names that begin as the stage's do, or demand the tag environment",
        permanent,
        find=_rights,
        properties=_documents_of(Grants.RIGHTS),
    ),
    ReferenceKind(
        "policies of buckets, keys and topics",
        "The other stage could read, change or delete what this stage keeps",
        "let in the stage's own account, and services on its behalf (aws:SourceAccount)",
        _granted(Grants.RESOURCE),
        _documents_of(Grants.RESOURCE),
        always,
    ),
)
