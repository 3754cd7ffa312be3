"""Rules about GitHub's environments: who may deploy a stage, from where, and past whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from bulkhead.model.naming import Stage
from bulkhead.model.release import Ref, refs_that_deploy
from bulkhead.model.roles import Role, environment_of, is_reviewed, refs_of
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE, superseded_by
from bulkhead.resources.kind import Link
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, listed, number
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

PREVIEW: Final = Role.PREVIEW.value
KEPT_IN_ENVIRONMENT: Final = (t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE)
ABOUT_ENVIRONMENT: Final = tuple(
    row for row in CATALOGUE.values() if any(each.link is Link.ENVIRONMENT for each in row.references)
)
_BRANCH_PROTECTIONS: Final = superseded_by(t.GITHUB_REPOSITORY_RULESET)
_BY_HAND: Final = "Somebody then opens it by hand, and no preview shows that"


def _environment(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    yield from _of_others(stack, context)
    if context.stage is Stage.DEVELOPMENT:
        return
    own = context.settings.environment
    ours = [resource for resource in stack.of(t.GITHUB_REPOSITORY_ENVIRONMENT) if here(resource, context)]
    if governs(stack, context) and not any(may_be(resource["environment"], own) for resource in ours):
        yield Violation(
            f"there is no GitHub environment {own}",
            "GitHub makes an environment that a workflow names, without any protection, and AWS trusts its name",
            f"make a RepositoryEnvironment {own} with reviewers and a deployment branch policy",
        )
    for resource in ours:
        if is_one_of(
            resource["environment"], *(environment_of(role, context.label) for role in _reviewed_roles(context))
        ):
            yield from _reviewed(resource, context)
        if is_one_of(resource["environment"], own):
            yield from _waited(resource, context)
        if is_one_of(resource["environment"], environment_of(Role.ROLLBACK, context.label)):
            yield from _at_once(resource)
        name = str(resource["environment"]).lower()
        if (name == own or name.startswith(f"{own}-")) and name != f"{own}-{PREVIEW}":
            yield from _branches(resource, stack, context)


def _of_others(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """Creating an environment overwrites an existing one, so each must be the stage's own."""
    others = [name for stage in Stage if stage is not context.stage for name in environments_of(stage)]
    for resource in stack.of(*ABOUT_ENVIRONMENT):
        if here(resource, context) and is_one_of(resource["environment"], *others):
            yield Violation(
                f"is about the environment {resource['environment']}, which is another stage's",
                "It takes the reviewers and branches of the other stage away, or hands a secret to its deployments",
                f"make environments of {context.settings.environment} only",
                resource,
            )


def _reviewed_roles(context: PolicyContext) -> Iterator[Role]:
    return (role for role in Role if is_reviewed(role, context.label))


def _reviewed(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own, wanted = resource["environment"], context.settings.github
    for kind, people in (("teams", wanted.reviewers.teams), ("users", wanted.reviewers.users)):
        named = [each for block in listed(resource.props, "reviewers") for each in _items(block, kind)]
        whole = UNKNOWN not in named and resource["reviewers"] is not UNKNOWN
        missing = [each for each in people if each not in named] if whole else []
        more = [each for each in named if each is not UNKNOWN and each not in people]
        if missing or (more and (wanted.reviewers.teams or wanted.reviewers.users)):
            yield Violation(
                f"environment {own} does not have the reviewers ({kind}) that the settings name",
                "One approval of anybody on the list is enough, so others deploy, or nobody is asked",
                f"take {kind} from github.reviewers of the settings: {sorted(people)}",
                resource,
            )
    asked = resource["reviewers"] is UNKNOWN or any(
        _items(block, kind) for block in listed(resource.props, "reviewers") for kind in ("teams", "users")
    )
    if asked and context.settings.governance.profile == "team" and off(resource["preventSelfReview"]):
        yield Violation(
            f"environment {own} lets people approve their own deployments",
            "One person, or one stolen session, takes a change to the stage alone",
            "set prevent_self_review=True; only governance.profile solo goes without",
            resource,
        )


def _waited(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    wait, wanted = number(resource.props, "waitTimer"), context.settings.github.wait_minutes
    if wait is not UNKNOWN and (wait if isinstance(wait, float) else 0) < wanted:
        yield Violation(
            f"environment {resource['environment']} does not wait the {wanted} minutes of the settings",
            "A deployment that should not have been approved can no longer be stopped in time",
            "take wait_timer from github.waitMinutes of the settings",
            resource,
        )


def _at_once(resource: ObservedResource) -> Iterator[Violation]:
    asked = [
        each
        for block in listed(resource.props, "reviewers")
        for kind in ("teams", "users")
        for each in _items(block, kind)
        if each is not UNKNOWN
    ]
    wait = number(resource.props, "waitTimer")
    if asked or (isinstance(wait, float) and wait > 0):
        yield Violation(
            f"environment {resource['environment']} lets a rollback wait",
            "Everybody is given the bad version until somebody has woken up and approved",
            "take reviewers and wait_timer away; it deploys only versions that are there already",
            resource,
        )


def _branches(resource: ObservedResource, stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    name, policy = str(resource["environment"]), resource["deploymentBranchPolicy"]
    settings = context.settings
    own = refs_that_deploy(settings.release_model, context.label, settings.github.default_branch)
    jobs = refs_of(Role.OPERATIONS, context.label, settings)
    allowed = own if is_one_of(name, settings.environment) else tuple(dict.fromkeys([*own, *jobs]))
    allowed_refs = " or ".join(f"{ref.kind} {ref.pattern}" for ref in allowed)
    custom, protected = at(policy, "customBranchPolicies"), at(policy, "protectedBranches")
    if protected is True or off(custom):
        yield Violation(
            f"environment {name} lets "
            + ("every protected branch deploy" if protected is True else "every branch and tag deploy"),
            "Whoever may push any of them gets the stage's secrets and its rights in AWS, without a review",
            f"set protected_branches=False and custom_branch_policies=True, and admit {allowed_refs} only",
            resource,
        )
        return
    refs = [each for each in stack.of(t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY) if here(each, context)]
    admitted = [
        each
        for each in refs
        if any(one.urn == resource.urn for one in each.sources("environment")) or is_one_of(each["environment"], name)
    ]
    unclear = any(each["environment"] is UNKNOWN and not each.sources("environment") for each in refs)
    if not admitted and not unclear and custom is True:
        yield Violation(f"environment {name} lets no branch or tag deploy", _BY_HAND, f"admit {allowed_refs}", resource)
    for each in admitted:
        for kind, path in (("branch", "branchPattern"), ("tag", "tagPattern")):
            pattern = each[path]
            admits = isinstance(pattern, str) and pattern != ""  # a policy has one of the two
            if admits and not any(_within(kind, pattern, ref) for ref in allowed):
                yield Violation(
                    f"environment {name} lets {kind} {pattern} deploy",
                    "What was never meant for the stage gets its secrets and its rights in AWS",
                    f"admit {allowed_refs} only (releaseModel {settings.release_model})",
                    each,
                )


def _within(kind: str, pattern: str, ref: Ref) -> bool:
    """Whether a pattern admits nothing that ``ref`` does not: ``v1.*.*`` where ``v*.*.*`` may deploy."""
    return kind == ref.kind and "**" not in pattern and globs(ref.pattern, pattern)


def _bypass(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    # Provider default of can_admins_bypass: true.
    guarded = resource.type == t.GITHUB_REPOSITORY_ENVIRONMENT and context.stage is not Stage.DEVELOPMENT
    if guarded and resource["canAdminsBypass"] in (MISSING, True):
        yield _bypassed("administrators may pass over the environment's reviewers and branches")
    for actor in [] if _says_who_creates(resource) else listed(resource.props, "bypassActors"):
        if not isinstance(actor, Absent):
            kind, mode = at(actor, "actorType"), at(actor, "bypassMode")
            when = mode if isinstance(mode, str) else "some"
            who = kind if isinstance(kind, str) else "somebody"
            yield _bypassed(f"{who} may pass over the ruleset, mode {when}")
    if resource.type in _BRANCH_PROTECTIONS and off(resource["enforceAdmins"]):
        yield _bypassed("administrators may pass over the branch protection")


def _says_who_creates(resource: ObservedResource) -> bool:
    """Whether a ruleset of tags restricts only who creates one, which GitHub can express only by a bypass."""
    rules = resource["rules"] if resource["target"] == "tag" else MISSING
    return isinstance(rules, Mapping) and [key for key, rule in rules.items() if rule not in (False, None)] == [
        "creation"
    ]


def _bypassed(wrong: str) -> Violation:
    causes = "One stolen session of theirs changes or deploys a stage, without the review that everybody relies on"
    return Violation(wrong, causes, "let nobody bypass it; in an emergency the rule is changed, and that is seen")


def governs(stack: ObservedStack, context: PolicyContext) -> bool:
    """Whether a stack must state who may do what in GitHub. That of the identities must always. Secrets and variables
    alone do not count; GitHub accepts them only for an existing environment."""
    return context.identities or any(
        each.type.startswith("github:") and each.type not in KEPT_IN_ENVIRONMENT for each in stack.resources
    )


def environments_of(environment: str) -> tuple[str, ...]:
    """Return the names of all GitHub environments that a stage, or a pull request's stack, may have."""
    return (environment, *(f"{environment}-{role}" for role in Role if role is not Role.DEPLOY))


def here(resource: ObservedResource, context: PolicyContext) -> bool:
    """Whether a resource is, or may be, about the stage's repository."""
    return may_be(resource["repository"], context.settings.github.repository)


def is_one_of(value: Any, *names: str) -> bool:
    """Whether a value is one of ``names``; GitHub's names are the same in upper and lower case."""
    return isinstance(value, str) and value.lower() in {name.lower() for name in names}


def may_be(value: Any, name: str) -> bool:
    return value is UNKNOWN or is_one_of(value, name)


def off(value: Any) -> bool:
    """Whether a switch is off; the switches here are off by default."""
    return value is not UNKNOWN and value is not True


def _items(block: Any, key: str) -> list[Any]:
    return [UNKNOWN] if at(block, key) is UNKNOWN else listed(block, key)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in pieces))


def globs(pattern: str, name: str) -> bool:
    """Whether ``name`` matches ``pattern`` with GitHub's wildcards: ``*`` does not match ``/``, ``**`` does."""
    return _compiled(pattern).fullmatch(name) is not None


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "github-environment-unprotected",
        ("DEP-1", "DEP-14", "QLT-5"),
        "A stage is deployed only from its own refs, and after the review that its settings ask for",
        _environment,
    ),
    Rule(
        "github-admin-bypass",
        ("QLT-5", "DEP-14"),
        "The rules of the repository and of its environments hold for everybody",
        (t.GITHUB_REPOSITORY_ENVIRONMENT, t.GITHUB_REPOSITORY_RULESET, *_BRANCH_PROTECTIONS),
        _bypass,
    ),
)
