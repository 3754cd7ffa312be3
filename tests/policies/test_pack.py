"""How the rules are handed to Pulumi: what they see, how strict they are, what happens when nothing can be judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.model.settings.models import as_file_content
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, leaves, listed
from policies.context import PolicyContext, read_context, stage_in
from policies.pack import level, misspelt, plain, policies
from policies.rule import AnyRule, Rule, StackRule, Violation
from tests.support.settings_fixture import make_settings

SECRET = "canary-of-a-token"
OPTIONS = PolicyResourceOptions(True, ["bindings"], None, [], PolicyCustomTimeouts(0, 0, 0), [], "urn:parent")


def environ(stack: str = "staging", **changes: Any) -> dict[str, str]:
    """What the engine starts the pack with: settings as text, sections as JSON, secrets in clear."""
    values = {**as_file_content(make_settings(stack if stack != "elsewhere" else "staging")), **changes}
    config = {
        f"bulkhead:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value is not None
    }
    return {"PULUMI_STACK": stack, "PULUMI_CONFIG": json.dumps({**config, "secrets:githubToken": SECRET})}


def seeing(into: list[ObservedResource], *types: str) -> Rule:
    def judge(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
        into.append(resource)
        yield Violation("is wrong", "It may leak", "mend it")

    return Rule("a-rule", ("SEC-1",), "All is well", types, judge)


def one(type_: str, **props: Any) -> ResourceValidationArgs:
    provider = PolicyProviderResource("pulumi:providers:aws", unknown_checking_proxy({"region": "x"}), "urn:p", "aws")
    return ResourceValidationArgs(type_, unknown_checking_proxy(props), "urn:it", "it", OPTIONS, provider)


def said_by(rules: list[AnyRule], environment: dict[str, str], args: Any) -> list[tuple[str, str | None]]:
    said: list[tuple[str, str | None]] = []

    def report(message: str, urn: str | None = None) -> None:
        said.append((message, urn))

    for policy in policies(rules, environment):
        assert isinstance(policy, ResourceValidationPolicy | StackValidationPolicy)
        policy.validate(args, report)
    return said


@pytest.mark.parametrize(
    ("stack", "stage", "strict"),
    [
        ("development", "development", "advisory"),
        ("pr-7", "development", "advisory"),
        ("qa", "development", "advisory"),
        ("staging", "staging", "mandatory"),
        ("production", "production", "mandatory"),
        ("production", "development", "mandatory"),  # a setting makes no production stack lax
        ("development", "production", "mandatory"),
        ("qa", "staging", "mandatory"),
        ("qa", "", "mandatory"),
        ("development", "", "advisory"),
        ("production", "", "mandatory"),
    ],
)
def test_only_a_development_stage_is_merely_advised(stack: str, stage: str, strict: str) -> None:
    config = {"bulkhead:stage": stage} if stage else {}
    environment = {"PULUMI_STACK": stack, "PULUMI_CONFIG": json.dumps(config)}
    assert level(environment) is EnforcementLevel(strict)


def test_the_stage_is_the_configured_one_else_that_of_the_name() -> None:
    assert stage_in({"PULUMI_STACK": "pr-7"}) is Stage.DEVELOPMENT
    assert stage_in({"PULUMI_STACK": "qa", "PULUMI_CONFIG": '{"bulkhead:stage": "staging"}'}) is Stage.STAGING
    assert stage_in({"PULUMI_STACK": "qa"}) is None


def test_a_rule_sees_plain_values_options_and_the_provider() -> None:
    resource: list[ObservedResource] = []
    args = one(t.WORKER_VERSION, bindings=[{"name": "DB", "databaseId": UNKNOWN_STRING_VALUE}], mainModule="x.js")
    ((message, urn),) = said_by([seeing(resource)], environ(), args)
    (it,) = resource
    assert it.props == {"bindings": [{"name": "DB", "databaseId": UNKNOWN}], "mainModule": "x.js"}
    assert (it.protect, it.ignore_changes, it.parent) == (True, ("bindings",), "urn:parent")
    assert (it.provider, it.provider_props) == ("urn:p", {"region": "x"})
    assert message == "WorkerVersion it: is wrong. It may leak.\n  fix: mend it"
    assert urn is None


def test_a_rule_about_a_type_sees_no_other() -> None:
    resource: list[ObservedResource] = []
    assert said_by([seeing(resource, t.QUEUE)], environ(), one(t.D1_DATABASE)) == []
    assert len(said_by([seeing(resource, t.QUEUE)], environ(), one(t.QUEUE))) == 1


def test_a_stack_rule_sees_where_values_come_from_but_not_the_stack_itself() -> None:
    stacks: list[ObservedStack] = []

    def judge(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
        stacks.append(stack)
        (version,) = stack.of(t.WORKER_VERSION)
        yield Violation("is wrong", "It may leak", "mend it", version)

    def resource(type_: str, urn: str, sources: dict[str, list[PolicyResource]]) -> PolicyResource:
        return PolicyResource(type_, unknown_checking_proxy({}), urn, "it", OPTIONS, None, None, [], sources)

    database = resource(t.D1_DATABASE, "urn:d1", {})
    version = resource(t.WORKER_VERSION, "urn:version", {"bindings": [database]})
    itself = resource("pulumi:pulumi:Stack", "urn:stack", {})
    rule = StackRule("a-rule", ("SEC-1",), "All is well", judge)
    ((_, urn),) = said_by([rule], environ(), StackValidationArgs([itself, version, database]))
    assert urn == "urn:version"
    (stack,) = stacks
    assert [each.type for each in stack.resources] == [t.WORKER_VERSION, t.D1_DATABASE]
    assert [source.urn for source in stack.resources[0].sources("bindings", t.D1_DATABASE)] == ["urn:d1"]
    assert stack.resources[0].sources("bindings", t.QUEUE) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"product": "no.such.module:PRODUCT"}, "no.such.module"),
        ({"owner": ""}, "bulkhead:owner"),
        ({"stage": "production"}, "bulkhead:stage"),
    ],
)
def test_what_cannot_be_judged_does_not_pass(changes: dict[str, str], says: str) -> None:
    stack_rule = StackRule("another-rule", ("SEC-1",), "All is well", lambda stack, context: ())
    ((message, _),) = said_by([seeing([])], environ(**changes), one(t.QUEUE))
    ((about_all, _),) = said_by([stack_rule], environ(**changes), StackValidationArgs([]))
    assert says in message
    assert says in about_all
    assert SECRET not in message + about_all


@pytest.mark.parametrize("config", ["not json", "[]", f'"{SECRET}"'])
def test_a_configuration_that_is_none_is_refused_without_showing_it(config: str) -> None:
    with pytest.raises(Refused) as refused:
        read_context({"PULUMI_STACK": "staging", "PULUMI_CONFIG": config})
    assert SECRET not in str(refused.value)


def test_the_context_is_the_product_and_the_settings_of_the_stack() -> None:
    context = read_context(environ("pr-7"))
    assert (context.stage, context.prefix) == (Stage.DEVELOPMENT, "harbor-pr-7-")
    assert context.hostnames == {"pr-7.harbor.example"}
    worker = context.worker("harbor-pr-7-worker-web")
    assert worker is not None
    assert worker.name == "web"
    assert context.worker("harbor-staging-worker-web") is None


def test_misspelt_rules_are_named_with_what_was_meant() -> None:
    rules = [seeing([])]
    assert misspelt(["a-rule", "all"], rules) == ""
    assert misspelt(["a-rul", "zzz"], rules) == "'a-rul' is no rule; did you mean 'a-rule'?; 'zzz' is no rule"


def test_an_unknown_value_silences_only_itself() -> None:
    props = unknown_checking_proxy({"a": UNKNOWN_STRING_VALUE, "b": [UNKNOWN_STRING_VALUE, 1], "c": {"d": None}})
    assert plain(props) == {"a": UNKNOWN, "b": [UNKNOWN, 1], "c": {"d": None}}
    assert list(leaves(plain(props))) == [UNKNOWN, UNKNOWN, 1, None]


def test_values_are_found_by_their_path() -> None:
    value = {"a": [{"b": "x"}, UNKNOWN], "n": None, "s": '{"k": 1}', "bad": "{"}
    assert at(value, "a", 0, "b") == "x"
    assert at(value, "a", 1, "b") is UNKNOWN
    assert [at(value, "n"), at(value, "a", 7), at(value, "s", "k"), at(value, "a", 0, 0)] == [MISSING] * 4
    assert listed(value, "a", 0, "b") == ["x"]
    assert listed(value, "a") == value["a"]
    assert listed(value, "n") == listed(UNKNOWN) == []
    assert document(value, "s") == {"k": 1}
    assert document(value, "bad") is MISSING
    assert document(UNKNOWN) is UNKNOWN


def test_what_is_not_known_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="compare with `is`"):
        bool(UNKNOWN)
