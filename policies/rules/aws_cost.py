"""Rules about AWS's cost: it has a budget, somebody is notified in time, and tags attribute it to a stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bulkhead.model.naming import Stage
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, document, leaves, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_ATTRIBUTING: Final = ("product", "stage", "environment", "owner", "cost-center")
_TAGGABLE: Final = tuple(row for row in CATALOGUE.values() if row.taggable)
_TAG_FILTER: Final = "TagKeyValue"
_EMAIL: Final = ("email", "email-json")


def _budget(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    usd = context.settings.budget.monthly_usd
    causes = "The stage can cost any amount before somebody sees the bill"
    fix = (
        f'make a Budget with limit_amount="{usd:.1f}", limit_unit="USD", time_unit="MONTHLY", budget_type="COST", '
        f'and no filter but {{"name": "{_TAG_FILTER}", "values": ["user:environment${context.settings.environment}"]}}'
    )
    budgets = stack.of(t.BUDGET)
    if not budgets and not context.identities:
        yield Violation("the stage has no budget", causes, fix)
    elif budgets and not any(_fits(budget, context) for budget in budgets):
        closest = min(budgets, key=lambda budget: len(_faults(budget, context)))
        wrong = f"is not a budget of {usd:g} US dollars a month for this stage: {', '.join(_faults(closest, context))}"
        yield Violation(wrong, causes, fix, closest)


def _fits(budget: ObservedResource, context: PolicyContext) -> bool:
    return not _faults(budget, context)


def _faults(budget: ObservedResource, context: PolicyContext) -> list[str]:
    """Return how a budget differs from the stage's; values that are not known yet do not count."""
    limit = _number(budget["limitAmount"])
    differs = {
        "its limit": limit is not UNKNOWN and limit != context.settings.budget.monthly_usd,
        "its unit": budget["limitUnit"] not in (UNKNOWN, "USD"),
        "its time unit": budget["timeUnit"] not in (UNKNOWN, "MONTHLY"),
        "its type": budget["budgetType"] not in (UNKNOWN, "COST"),
        "the tag it counts": not _counts_stage(budget, context),
        "what else it counts": _narrowed(budget, context),
        "its end": _is_over(budget["timePeriodEnd"]),
        "who sets its limit": budget["autoAdjustData"] not in (UNKNOWN, MISSING),
    }
    return [name for name, wrong in differs.items() if wrong]


def _counts_stage(budget: ObservedResource, context: PolicyContext) -> bool:
    """Whether a budget includes the stage's cost. AWS accepts a tag that nothing has, or one without `user:`, without
    an error, and then counts nothing."""
    own = [f"user:{key}${value}" for key, value in _tags(context).items()]
    filters = [each for each in listed(budget.props, "costFilters") if at(each, "name") == _TAG_FILTER]
    counted = [[UNKNOWN] if at(each, "values") is UNKNOWN else listed(each, "values") for each in filters]
    return all(any(value is UNKNOWN or value in own for value in values) for values in counted)


def _narrowed(budget: ObservedResource, context: PolicyContext) -> bool:
    """Whether a budget includes only a part of the stage's cost: that of one service, or of another account."""
    filters = [(at(each, "name"), listed(each, "values")) for each in listed(budget.props, "costFilters")]
    own = [context.settings.aws.account_id]
    fine = all(
        name in (UNKNOWN, _TAG_FILTER) or UNKNOWN in values or (name == "LinkedAccount" and own[0] in values)
        for name, values in filters
    )
    expression = budget["filterExpression"]
    return not fine or not (UNKNOWN in leaves(expression) or _lets_through(expression, context))


def _lets_through(expression: Any, context: PolicyContext) -> bool:
    """Whether an expression matches the whole cost of the stage."""
    operators = expression.items() if isinstance(expression, Mapping) else ()
    # The provider shows operators that an expression does not use as empty.
    return all(
        _operator_matches(operator, operand, context)
        for operator, operand in operators
        if operand not in (None, [], {})
    )


def _operator_matches(operator: str, operand: Any, context: PolicyContext) -> bool:
    if operator in {"ands", "ors"}:
        return (all if operator == "ands" else any)(_lets_through(each, context) for each in listed(operand))
    own = {("tags", key): value for key, value in _tags(context).items()}
    own["dimensions", "LINKED_ACCOUNT"] = context.settings.aws.account_id
    exact = all(option in ("EQUALS", "CASE_SENSITIVE") for option in listed(operand, "matchOptions"))
    wanted = own.get((operator, str(at(operand, "key"))))
    return exact and wanted is not None and wanted in listed(operand, "values")


def _is_over(end: Any) -> bool:
    """Whether a budget's period has ended; AWS writes 2026-12-31_00:00, in UTC."""
    try:
        return isinstance(end, str) and datetime.strptime(f"{end}+0000", "%Y-%m-%d_%H:%M%z") < datetime.now(UTC)
    except ValueError:
        return False


def _number(value: Any) -> Any:
    """Return an amount, which may be text, as a number; UNKNOWN and MISSING as they are."""
    if isinstance(value, Absent):
        return value
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return MISSING


def _audience(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    budgets = [budget for budget in stack.of(t.BUDGET) if _fits(budget, context)] or list(stack.of(t.BUDGET))
    if not budgets or any(budget["notifications"] is UNKNOWN for budget in budgets):
        return
    for share, audience in _audiences(context).items():
        missing: set[str] = set()
        for title, addresses in audience.items():
            recipients: set[Any] = set()
            for budget in budgets:
                recipients |= _recipients(stack, budget, share)
            if UNKNOWN not in recipients and not {address.lower() for address in addresses} <= recipients:
                missing.add(title)
        if missing:
            yield Violation(
                f"does not tell {' and '.join(sorted(missing))} when {share} % of the budget are spent",
                "Those who could still do something about the cost hear of it from the bill",
                f"add a notification of type ACTUAL, GREATER_THAN {share} PERCENTAGE, with the addresses that the "
                "settings give under budget",
                budgets[0],
            )


def _audiences(context: PolicyContext) -> dict[int, dict[str, tuple[str, ...]]]:
    """Return the recipients for each share of the budget (CST-3). An audience without an address is left out;
    development has a notice only at 100 %."""
    budget = context.settings.budget
    finance, lead = {"finance": budget.finance}, {"the tech lead": budget.tech_lead}
    end = {100: finance | lead | {"the stakeholders": budget.stakeholders}}
    return end if context.stage is Stage.DEVELOPMENT else {80: finance, 90: finance | lead} | end


def _recipients(stack: ObservedStack, budget: ObservedResource, share: int) -> set[Any]:
    """Return the addresses of a notice's recipients, with UNKNOWN if some are not known yet."""
    limit = _number(budget["limitAmount"])
    recipients: set[Any] = set()
    for notice in listed(budget.props, "notifications"):
        if _notifies_at(notice, share, limit):
            emails, topics = at(notice, "subscriberEmailAddresses"), at(notice, "subscriberSnsTopicArns")
            recipients |= {UNKNOWN} if emails is UNKNOWN else _addresses(listed(emails))
            for topic in [UNKNOWN] if topics is UNKNOWN else listed(topics):
                recipients |= _subscribed(stack, budget, topic)
    return recipients


def _notifies_at(notice: Any, share: int, limit: Any) -> bool:
    if at(notice, "notificationType") not in (UNKNOWN, "ACTUAL"):
        return False
    if at(notice, "comparisonOperator") not in (UNKNOWN, "GREATER_THAN"):
        return False
    threshold, kind = _number(at(notice, "threshold")), at(notice, "thresholdType")
    if UNKNOWN in (threshold, kind) or (kind == "ABSOLUTE_VALUE" and limit is UNKNOWN):
        return True
    if kind == "ABSOLUTE_VALUE" and isinstance(limit, float) and isinstance(threshold, float):
        return round(threshold - limit * share / 100, 2) == 0
    return bool(kind == "PERCENTAGE" and threshold == share)


def _subscribed(stack: ObservedStack, budget: ObservedResource, topic: Any) -> set[Any]:
    """Return the addresses that subscribe to a topic: to the one of that ARN, else to those that the budget knows."""
    sources = {source.urn for source in budget.sources("notifications", t.SNS_TOPIC)}
    found: set[Any] = set()
    for each in stack.of(t.SNS_TOPIC_SUBSCRIPTION):
        same = each["topic"] == topic and topic is not UNKNOWN
        related = any(source.urn in sources for source in each.sources("topic", t.SNS_TOPIC))
        unsure = UNKNOWN in (topic, each["topic"])
        if (same or (unsure and related)) and each["protocol"] in _EMAIL:
            found |= _addresses([each["endpoint"]])
    return found


def _addresses(values: list[Any]) -> set[Any]:
    return {UNKNOWN if each is UNKNOWN else str(each).lower() for each in values}


def _untagged(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    default_tags = at(document(resource.provider_props, "defaultTags"), "tags")
    given = resource["tags"]
    if UNKNOWN in (default_tags, given):
        return
    tags = {
        **(default_tags if isinstance(default_tags, Mapping) else {}),
        **(given if isinstance(given, Mapping) else {}),
    }
    wrong = [key for key, value in _tags(context).items() if tags.get(key) is not UNKNOWN and tags.get(key) != value]
    if wrong:
        yield Violation(
            f"does not carry the stage's {', '.join(wrong)} as tags",
            "What it costs is added to nobody's account, and the stage's budget does not count it",
            "make it with the stage's AWS provider, whose default_tags are label.tags(...), and do not replace them",
        )


def _tags(context: PolicyContext) -> dict[str, str]:
    """Return the tags by which cost is attributed."""
    tags = context.label.tags(owner=context.settings.owner, cost_center=context.settings.cost_center)
    return {key: tags[key] for key in _ATTRIBUTING}


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule("budget-missing", ("CST-3", "CST-4"), "The stage has a monthly budget", _budget),
    StackRule("budget-audience-missing", ("CST-3", "CST-4"), "Whoever pays hears of the cost in time", _audience),
    Rule("aws-untagged", ("CST-7",), "Every cost in AWS can be told to be the stage's", _TAGGABLE, _untagged),
)
