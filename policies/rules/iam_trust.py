"""Rules about roles: who may assume one, and its permissions boundary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import Statement, account_of, statements, texts
from bulkhead.resources.values import MISSING, document
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.github import PREVIEW, environments_of
from policies.rules.iam import boundaries_of, limits_nothing, named, title

_GITHUB: Final = "token.actions.githubusercontent.com"
_AUDIENCE: Final = "sts.amazonaws.com"
_WHOLE_ACCOUNT: Final = re.compile(r"\d{12}|arn:[^:]*:iam::\d{12}:root")
# Condition keys that AWS sets and the caller cannot choose, unlike a session's name, a user agent or an external id.
_SAID_BY_AWS: Final = frozenset(
    {
        "aws:federatedprovider",
        "aws:multifactorauthpresent",
        "aws:principalarn",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:username",
    }
)
_IDLE_VALUES: Final = re.compile(r"[*?]*|false|0\.0\.0\.0/0|::/0")
_SOMEBODY: Final = re.compile(r".*:(?:role|user|assumed-role)/(?=.*[^*?/]).*")
_STEP: Final = re.compile(r"[:/]")
# What of a subject differs from run to run, so that nobody can say it beforehand (the vendors' pages about identity
# tokens: Buildkite, CircleCI, HCP Terraform).
_OF_A_RUN: Final = frozenset({"commit", "run_phase", "step", "user"})
_WIDENS: Final = "iam:PutRolePolicy"
_OF_EVERY_KIND: Final = (_WIDENS, "s3:DeleteBucket", "kms:ScheduleKeyDeletion")
# The resources of a statement that leaves nothing out, and what every request fulfils sooner or later.
_EVERYTHING: Final = re.compile(r"[*?]+|arn:(?:aws[a-z-]*:|[*?]*:)*[*?]+")
_ANY: Final = re.compile(r"[*?]+")
_ALWAYS: Final = frozenset({"aws:currenttime", "aws:epochtime", "aws:securetransport"})
_TAGGED: Final = "aws:principaltag/"


def _trusted(resource: ObservedResource) -> tuple[Statement, ...]:
    """Return the statements about who may assume a role."""
    found = statements(document(resource.props, "assumeRolePolicy"))
    return tuple(statement for statement in found if statement.allows)


def _anybody(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own = context.settings.aws.account_id
    for statement in _trusted(resource):
        narrowed = _fresh(statement) or any(_narrows(key, values) for key, values in statement.requires())
        by_name = any(_names(key, values) for key, values in statement.requires())
        federated = any(kind == "Federated" and "*" in who for kind, who in statement.principals)
        if statement.not_principals or federated or (_has_anybody(statement) and not statement.confined_to(own)):
            yield Violation(
                f"{title(statement)} lets anybody take the role",
                "Anybody with an AWS account gets its rights",
                "name the roles that may take it, each by its ARN",
            )
            continue
        if issuer := _any_token(statement):
            yield Violation(
                f"{title(statement)} lets more than one kind of token of {issuer} take the role",
                "Anybody who gets a token there, for another project, branch or purpose, gets its rights",
                f'demand StringEquals {{"{issuer}:sub": <exactly whom>}}, and the audience',
            )
            continue
        whole = [
            who for kind, who in statement.principals if kind == "AWS" and (_WHOLE_ACCOUNT.fullmatch(who) or who == "*")
        ]
        foreign = sorted({account_of(who) or "" for who in whole if who != "*"} - {own})
        if foreign and not by_name:
            yield Violation(
                f"{title(statement)} lets everybody of account {', '.join(foreign)} take the role",
                "What happens in an account that is not the stage's decides who gets in here",
                "name the roles that may take it, or demand aws:PrincipalArn with the ARN of each",
            )
        elif whole and not foreign and not narrowed:
            yield Violation(
                f"{title(statement)} lets every identity of the account take the role",
                "Every role of the account that may assume roles, another stage's too, gets its rights",
                "name the roles that may take it, or demand a second factor or their aws:PrincipalArn",
            )


def _any_token(statement: Statement) -> str:
    """Return the issuer of which tokens are accepted whose subject is not said exactly. The rule
    `oidc-subject-not-exact` judges GitHub's; a SAML provider asserts the role itself."""
    for kind, who in statement.principals:
        issuer = who.partition(":oidc-provider/")[2] or who
        if kind == "Federated" and _GITHUB not in who and ":saml-provider/" not in who:
            claims = ("sub", "aud") if issuer.startswith("cognito-identity.") else ("sub",)
            keys = {f"{issuer}:{claim}".lower() for claim in claims}
            conditions = [values for key, values in statement.requires() if key in keys]
            if not any(values and all(map(_is_exact, values)) for values in conditions):
                return issuer
    return ""


def _is_exact(subject: str) -> bool:
    """Whether a subject says who runs, apart from what numbers a single run."""
    steps = _STEP.split(subject)
    wild = [place for place, step in enumerate(steps) if "*" in step or "?" in step]
    return all(steps[place] == "*" and place > 0 and steps[place - 1] in _OF_A_RUN for place in wild)


def _has_anybody(statement: Statement) -> bool:
    return statement.for_anybody or any(kind == "AWS" and "*" in who for kind, who in statement.principals)


def _narrows(key: str, values: Sequence[str]) -> bool:
    if not values or not (key in _SAID_BY_AWS or key.startswith(_TAGGED)):
        return False
    if key == "aws:principalarn":
        return all(_SOMEBODY.fullmatch(value) for value in values)
    return not any(_IDLE_VALUES.fullmatch(value) for value in values)


def _fresh(statement: Statement) -> bool:
    """Whether a statement demands a second factor by its age: without the factor there is no age, and the condition
    fails."""
    return any(
        operator.lower() in {"numericlessthan", "numericlessthanequals"} and key.lower() == "aws:multifactorauthage"
        for operator, test in statement.conditions.items()
        for key in test
    )


def _names(key: str, values: Sequence[str]) -> bool:
    return key == "aws:principalarn" and bool(values) and not any("*" in v or v.endswith(":root") for v in values)


def _subjects(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    for statement in _trusted(resource):
        if not any(kind == "Federated" and _GITHUB in who for kind, who in statement.principals):
            continue
        if set(_exactly(statement, "aud")) != {_AUDIENCE}:
            yield Violation(
                f"{title(statement)} does not demand the audience {_AUDIENCE}",
                "A token that a workflow asked for to show to somebody else opens the role, if they pass it on",
                f'demand StringEquals {{"{_GITHUB}:aud": "{_AUDIENCE}"}}',
            )
        yield from _wrong_subjects(resource, statement, context)


def _wrong_subjects(resource: ObservedResource, statement: Statement, context: PolicyContext) -> Iterator[Violation]:
    settings = context.settings
    repository, environment = f"{settings.github.owner}/{settings.github.repository}", settings.environment
    wanted = f"repo:{repository}:environment:{environment}"
    fix = f'demand StringEquals {{"{_GITHUB}:sub": "{wanted}"}}'
    subjects = _exactly(statement, "sub")
    if not subjects:
        yield Violation(
            f"{title(statement)} demands no exact subject of GitHub's token",
            "Any repository of GitHub, or any branch of this one, takes the role and no reviewer is asked",
            fix,
        )
        return
    environments = [_environment(subject, context) for subject in subjects]
    if wrong := [each for each, found in zip(subjects, environments, strict=True) if found is None]:
        yield Violation(
            f"{title(statement)} trusts {named(wrong)}, no environment of {environment}",
            "Another stage, branch or repository takes the role with its own, weaker, protection",
            fix,
        )
    name = resource.name if resource["name"] is MISSING else resource["name"]
    if isinstance(name, str) and PREVIEW not in name and f"{environment}-{PREVIEW}" in environments:
        yield Violation(
            f"{title(statement)} trusts {environment}-{PREVIEW}, and is no role for previews",
            "A pull request that nobody has read runs with the rights of a deployment (DEP-2)",
            f"make a role for previews, which only reads and has {PREVIEW} in its name, or trust {environment} alone",
        )


def _exactly(statement: Statement, claim: str) -> list[str]:
    """Return the values of which a claim of the token must have one; empty if it may have others. Without a wildcard,
    `StringLike` equals `StringEquals`."""
    return [
        value
        for key, values in statement.requires()
        if key == f"{_GITHUB}:{claim}" and not any(wild in value for value in values for wild in ("*", "?"))
        for value in values
    ]


def _environment(subject: str, context: PolicyContext) -> str | None:
    """Return the environment of the stage in a subject, with or without GitHub's numbers of the owner and the
    repository (GitHub documentation, "OpenID Connect reference")."""
    ours = context.settings.github
    owner, repository = re.escape(ours.owner), re.escape(ours.repository)
    # Whoever takes over the names after the owner gave them up has other numbers.
    owner_id, repository_id = ours.owner_id or r"\d+", ours.repository_id or r"\d+"
    numbered = rf"{owner}@{owner_id}/{repository}@{repository_id}"
    found = re.fullmatch(rf"repo:(?:{owner}/{repository}|{numbered}):environment:(.+)", subject)
    own = environments_of(context.settings.environment)
    return found[1] if found and found[1] in own else None


def _unbounded(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for role in stack.of(t.IAM_ROLE):
        boundary: Any = role["permissionsBoundary"]
        if boundary in (MISSING, ""):
            wrong = "has no permissions boundary"
        elif limits_nothing(boundary) or any(map(_allows_everything, boundaries_of(role, stack))):
            wrong = "has a permissions boundary that limits nothing"
        else:
            continue
        yield Violation(
            wrong,
            "Whatever is attached to it later, by mistake or by an intruder, takes effect without limit",
            "give it the permissions boundary of the stage, which allows a few services by their names",
            role,
        )


def _allows_everything(boundary: ObservedResource) -> bool:
    """Whether a boundary leaves its role all rights, those over rights among them."""
    said = statements(document(boundary.props, "policy"))
    everything = [
        each
        for each in said
        if each.allows and not any(map(_confines, each.conditions.values())) and _is_about_everything(each)
    ]
    every_kind = all(any(each.applies_to(action) for each in everything) for action in _OF_EVERY_KIND)
    return every_kind and not any(each.denies and each.applies_to(_WIDENS) for each in said)


def _is_about_everything(statement: Statement) -> bool:
    return statement.covers("*") or any(map(_EVERYTHING.fullmatch, statement.resources))


def _confines(test: Mapping[str, Any]) -> bool:
    """Whether a condition leaves anything out: one that any request fulfils does not."""
    said = ((key.lower(), texts(values)) for key, values in test.items())
    return any(key not in _ALWAYS and not (values and all(map(_ANY.fullmatch, values))) for key, values in said)


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "iam-wildcard-trust",
        ("SEC-1", "QLT-11"),
        "A role names those who may take it",
        (t.IAM_ROLE,),
        _anybody,
    ),
    Rule(
        "oidc-subject-not-exact",
        ("DEP-14", "SEC-1", "DEP-2"),
        "GitHub takes a role from the stage's own environments only",
        (t.IAM_ROLE,),
        _subjects,
    ),
    StackRule(
        "role-without-boundary",
        ("QLT-11",),
        "A role has a limit that its own policies cannot move",
        _unbounded,
    ),
)
