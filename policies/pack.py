"""Serves the rules to Pulumi: the engine's resources become `ObservedResource`, violations become reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final

import grpc
import pulumi_policy.policy
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage, stage_of
from bulkhead.resources.kind import STACK
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import UNKNOWN, is_list
from policies.catalogue import NAME, RULES
from policies.context import PolicyContext, read_context, stage_in
from policies.once import once, read_resources_once
from policies.rule import AnyRule, Rule, StackRule, Violation, level_in


def serve(environ: Mapping[str, str]) -> None:
    """Serve the rules to the engine that started this process, with the product and settings of the stack in
    ``environ``. Returns when the process may end."""
    refuse_misspelt(RULES)
    read_resources_once()
    PolicyPack(NAME, policies(RULES, environ))


def level(environ: Mapping[str, str]) -> EnforcementLevel:
    """Return how strict the pack is. A stack is development only if both its configuration and its name say so."""
    named = stage_of(environ.get("PULUMI_STACK", ""))
    stage = stage_in(environ) if named in {Stage.DEVELOPMENT, None} else named
    return EnforcementLevel(level_in(stage))


def policies(rules: Sequence[AnyRule], environ: Mapping[str, str]) -> list[Policy]:
    """Return Pulumi's policies for ``rules``, with the product and settings of the stack in ``environ``."""
    try:
        context: PolicyContext | Refused = read_context(environ)
    except Refused as refused:
        context = refused
    strict = level(environ)
    return [_policy(rule, context, strict) for rule in rules]


def misspelt(names: Iterable[str], rules: Sequence[AnyRule]) -> str:
    """Return what is wrong with the rule names of a policy configuration, empty when nothing is. The engine accepts
    every name, so a misspelt one would leave the rule as strict as it was, or as lax."""
    known = [rule.name for rule in rules]
    messages = []
    for name in sorted(set(names) - {*known, "all"}):
        near = get_close_matches(name, known, 1)
        messages.append(f"{name!r} is no rule" + (f"; did you mean {near[0]!r}?" if near else ""))
    return "; ".join(messages)


def refuse_misspelt(rules: Sequence[AnyRule]) -> None:
    """Let the pack refuse a configuration with a rule name that does not exist. pulumi_policy has no place for that: it
    keeps every name it is given (1.21, `_PolicyAnalyzerServicer.Configure`)."""
    servicer: Any = pulumi_policy.policy._PolicyAnalyzerServicer
    configure = servicer.Configure

    def checked(self: Any, request: Any, context: Any) -> Any:
        if wrong := misspelt(request.policyConfig, rules):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{wrong}; see: bulkhead policies")
        return configure(self, request, context)

    servicer.Configure = checked


def _policy(rule: AnyRule, context: PolicyContext | Refused, strict: EnforcementLevel) -> Policy:
    description = f"{rule.reason} ({', '.join(rule.requirements)})"
    if isinstance(rule, Rule):
        return ResourceValidationPolicy(rule.name, description, _about_one(rule, context), enforcement_level=strict)
    return StackValidationPolicy(rule.name, description, _about_all(rule, context), enforcement_level=strict)


def _about_one(
    rule: Rule, context: PolicyContext | Refused
) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.types and args.resource_type not in rule.types:
            return
        if isinstance(context, Refused):
            report(_not_judged(context), None)
            return
        resource = _observed(args)
        for violation in rule.judge(resource, context):
            report(str(replace(violation, about=resource)), None)

    return validate


def _about_all(
    rule: StackRule, context: PolicyContext | Refused
) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if isinstance(context, Refused):
            report(_not_judged(context), None)
            return
        for violation in rule.judge(_stack(args.resources), context):
            report(str(violation), violation.about.urn if violation.about else None)

    return validate


def _not_judged(context: Refused) -> str:
    return str(
        Violation(
            f"nothing is judged: {context}",
            "What nobody judged may be anything",
            "correct bulkhead:product or the setting, then run the same command again",
        )
    )


def _observed(args: ResourceValidationArgs | PolicyResource) -> ObservedResource:
    provider = args.provider
    parent = args.opts.parent
    return ObservedResource(
        type=args.resource_type,
        name=args.name,
        urn=args.urn,
        props=_plain_once(args.props),
        protect=args.opts.protect,
        ignore_changes=tuple(args.opts.ignore_changes),
        parent=parent or "",
        provider=provider.urn if provider else "",
        provider_props=_plain_once(provider.props) if provider else {},
    )


def _stack(resources: Sequence[PolicyResource]) -> ObservedStack:
    observed = {each.urn: _observed(each) for each in resources}
    for each in resources:
        depends = {
            name: tuple(observed[source.urn] for source in sources)
            for name, sources in each.property_dependencies.items()
        }
        observed[each.urn].depends.update(depends)
    return ObservedStack(tuple(each for each in observed.values() if each.type != STACK))


def plain(value: Any) -> Any:
    """Return pulumi_policy's values as plain values, with UNKNOWN for those that are not known yet."""
    if isinstance(value, Mapping):
        return {key: _read(value, key) for key in value}
    if is_list(value):
        return [_read(value, index) for index in range(len(value))]
    return value


def _read(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


_plain_once: Final = once(plain)
