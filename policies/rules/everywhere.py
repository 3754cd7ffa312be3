"""Rules about every resource: the account it is made in, and what a program may not hide or reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from bulkhead.model.naming import stage_of
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE, row_of
from bulkhead.resources.kind import OWN_STACK, PROVIDER
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, document, is_list, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.github import may_be
from policies.rules.secret_values import pairs
from policies.rules.worker_carriers import CARRIERS, carried

_TOP: Final = re.compile(r'(?:\[")?([^\].\["]+)')  # of a property path: `a.b`, `a[0]`, `["a"].b`


def _default_provider(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    name = resource.provider.rpartition("::")[2]
    if name == "default" or name.startswith("default_"):
        yield Violation(
            "is made by a default provider",
            "A default provider takes whatever account and credentials the shell holds, also another stage's",
            "pass one of the stage's providers, or a parent that has it",
        )


def _pinned(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    package = resource.type.removeprefix(PROVIDER)
    settings = context.settings
    if package == "aws":
        accounts, wanted = document(resource.props, "allowedAccountIds"), [settings.aws.account_id]
        if accounts is not UNKNOWN and (not is_list(accounts) or list(accounts) != wanted):
            yield _loose("aws", "is not bound to the stage's account alone", f"allowed_account_ids={wanted}")
    if package == "github" and not may_be(resource["owner"], settings.github.owner):
        owner = f"owner={settings.github.owner!r}"
        yield _loose("github", "is not bound to the owner of the stage's repository", owner)
    credentials = {"cloudflare": "apiToken", "github": "token"}
    as_app = package == "github" and resource["appAuth"] is not MISSING
    if package in credentials and not as_app and resource[credentials[package]] in (MISSING, ""):
        yield _loose(package, "is handed no credential", f"hand it the stage's own, as {credentials[package]}")


def _loose(package: str, wrong: str, fix: str) -> Violation:
    causes = f"The {package} provider then works with whatever account the environment leads to, also another stage's"
    return Violation(wrong, causes, fix)


def _foreign_stack(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """Refuse every stack reference but the program's own. The engine does not show a policy which stack a program
    reads, only that it reads one, and the name of the provider that it reads it by (3.250); `isolation check` looks at
    what that one reads."""
    own = () if context.identities else (OWN_STACK,)
    for resource in stack.of(f"{PROVIDER}pulumi"):
        if resource.name in own:
            continue
        yield Violation(
            "reads the outputs of another stack",
            "What one stage reads from another ties them together: names, ids and accounts of the other get in here",
            "say in this stage's settings what it needs to know",
            resource,
        )


def _ignored(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    row = row_of(resource.type)
    guarding = row.guarding if row else ()
    tops = {found[1] for path in resource.ignore_changes if (found := _TOP.match(path))}
    for name in sorted(set(guarding) & tops if "*" not in tops else {"*"}):
        yield Violation(
            f"ignores changes of {name}",
            "Somebody who opens or weakens it by hand is never noticed and never corrected",
            "remove it from ignore_changes",
        )


def _admitted(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    # A resource without a provider is a component: it is in no cloud, and its children are judged by themselves.
    ours = resource.type.startswith(("pulumi:", "bulkhead:")) or not resource.provider
    row = row_of(resource.type)
    if ours or (row and row.admitted is True):
        return
    with_rules = "in bulkhead/resources/, together with the rules that it needs"
    if row is None:
        wrong, fix = "is of a type that nobody has reviewed", f"add its row {with_rules}"
    else:
        wrong = f"is of a type that no stage may have: {row.admitted}"
        fix = f"use {row.use_instead}" if row.use_instead else f"leave it out, or admit its row {with_rules}"
    yield Violation(
        wrong,
        "The rules do not look at all of such a resource, so it may be open to anybody or belong to anybody",
        fix,
    )


def _mismatch(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    stage, environment = context.stage.value, context.settings.environment
    wanted = {"stage": stage, "environment": environment, "STAGE": stage, "ENVIRONMENT": environment}
    for resource in stack.resources:
        if resource.type.startswith("cloudflare:"):
            yield from _elsewhere(resource, context)
        for key, value in _claims(resource):
            if not isinstance(value, Absent) and key in wanted and value != wanted[key]:
                yield Violation(
                    f"says that its {key} is {value!r}, in a stack that is {wanted[key]!r}",
                    "Costs, alarms and the Worker itself would take it for another stage's",
                    f"take the {key} from the stage's settings",
                    resource,
                )


def _elsewhere(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    """Cloudflare's provider is not pinned to an account: each resource names its account or zone itself."""
    own = context.settings.cloudflare
    for path, wanted in (("accountId", own.account_id), ("zoneId", own.zone_id)):
        value = resource[path]
        if isinstance(value, str) and value not in {wanted, ""}:
            yield Violation(
                f"is made in another {path.removesuffix('Id')} than the stage's",
                "A token that reaches both changes another stage, or what has nothing to do with any",
                f"take {path} from cloudflare of the stage's settings",
                resource,
            )
    for path in ("scriptName", "bucketName", "workerId"):
        value = resource[path]
        # A Worker's id does not show its owner; its name begins with the product's prefix.
        named = isinstance(value, str) and (path != "workerId" or value.startswith(f"{context.product.name}-"))
        if named and not str(value).startswith(context.prefix):
            yield Violation(
                f"belongs to {value}, which is not the stage's",
                "It overwrites what another stage runs, keeps or lets expire",
                f"name a Worker or a bucket of the stage: {context.prefix}...",
                resource,
            )


def _claims(resource: ObservedResource) -> Iterator[tuple[str, Any]]:
    """Yield the stage that a resource states: in tags, in a Worker's tags, in its plain variables."""
    if resource.type == f"{PROVIDER}aws":
        tags = at(document(resource.props, "defaultTags"), "tags")
        yield from tags.items() if isinstance(tags, Mapping) else ()
    if resource.type.startswith("aws:"):
        tags = resource["tags"]
        yield from tags.items() if isinstance(tags, Mapping) else ()
    if resource.type == t.WORKER:
        for tag in listed(resource.props, "tags"):
            if isinstance(tag, str):
                key, _, value = tag.partition(":")
                yield key, value
    for bound in carried(resource) if resource.type in CARRIERS else ():
        if bound.type == "plain_text":
            yield bound.shown, at(bound.props, "text")
        elif bound.type == "json":
            value = document(bound.props, "json")
            yield bound.shown, value
            yield from _named_stages(pairs(value))
    variables = resource["environment.variables"] if resource.type == t.LAMBDA_FUNCTION else MISSING
    yield from _named_stages(variables.items()) if isinstance(variables, Mapping) else ()


def _named_stages(said: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield what names a stage: these keys may stand for something else, where the stage itself does not set them."""
    return ((key, value) for key, value in said if isinstance(value, str) and stage_of(value))


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "default-provider-used", ("ENV-3",), "Every resource is made by a provider of its stage", (), _default_provider
    ),
    Rule(
        "provider-account-not-pinned",
        ("ENV-3", "SEC-2"),
        "A provider can reach the account of its own stage only",
        (f"{PROVIDER}aws", f"{PROVIDER}cloudflare", f"{PROVIDER}github"),
        _pinned,
    ),
    StackRule("stack-reference-to-another-stage", ("ENV-3",), "No stage knows another", _foreign_stack),
    Rule(
        "ignore-changes-hides-security",
        ("SEC-1",),
        "What guards a resource is set right again at every up",
        tuple(row for row in CATALOGUE.values() if row.guards),
        _ignored,
    ),
    Rule("resource-type-not-reviewed", ("SEC-1",), "Only types that the rules know are made", (), _admitted),
    StackRule("stage-mismatch", ("ENV-1", "CST-7"), "Everything in a stack belongs to its stage", _mismatch),
)
