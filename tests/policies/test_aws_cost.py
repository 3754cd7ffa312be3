"""Rules about cost: a stage with its budget and its tags, broken one field at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import aws_cost
from tests.support.policy_scene import changed, found, make_context, make_resource

RULES = {rule.name: rule for rule in aws_cost.RULES}
MISSING_BUDGET, AUDIENCE = RULES["budget-missing"], RULES["budget-audience-missing"]
UNTAGGED = RULES["aws-untagged"]
FINANCE, LEAD, ALL = (f"{who}-staging@harbor.example" for who in ("finance", "lead", "everybody"))


def notice(threshold: float | None, *emails: Any, **more: Any) -> dict[str, Any]:
    return {
        "notificationType": "ACTUAL",
        "comparisonOperator": "GREATER_THAN",
        "threshold": threshold,
        "thresholdType": "PERCENTAGE",
        "subscriberEmailAddresses": list(emails),
        **more,
    }


BUDGET = make_resource(
    t.BUDGET,
    "budget",
    name="harbor-staging-budget",
    budgetType="COST",
    timeUnit="MONTHLY",
    limitAmount="20.0",
    limitUnit="USD",
    costFilters=[{"name": "TagKeyValue", "values": ["user:environment$staging"]}],
    notifications=[notice(80.0, FINANCE), notice(90.0, FINANCE, LEAD), notice(100.0, FINANCE, LEAD, ALL)],
)


def test_a_stage_has_a_budget() -> None:
    assert found(MISSING_BUDGET, BUDGET) == []
    (message,) = found(MISSING_BUDGET, make_resource(t.SNS_TOPIC))
    assert "no budget" in message


BY_TAG: dict[str, Any] = {"tags": {"key": "stage", "values": ["staging"]}}
BROKEN = [
    ("limitAmount", "500.0"),
    ("limitAmount", "much"),
    ("limitAmount", ...),
    ("limitUnit", "JPY"),
    ("limitUnit", ...),
    ("timeUnit", "QUARTERLY"),
    ("budgetType", "USAGE"),
    ("costFilters.0.values", ["environment$staging"]),
    ("costFilters.0.values", ["user:environment$production"]),
    ("costFilters.0.values", []),
    (
        "costFilters",
        [
            {"name": "TagKeyValue", "values": ["user:environment$staging"]},
            {"name": "Service", "values": ["Amazon Route 53"]},
        ],
    ),
    ("costFilters.0", {"name": "LinkedAccount", "values": ["999999999999"]}),
    ("filterExpression", {"tags": {"key": "stage", "values": ["production"]}}),
    ("filterExpression", {"tags": {"key": "stage", "values": ["staging"], "matchOptions": ["STARTS_WITH"]}}),
    ("filterExpression", {"dimensions": {"key": "SERVICE", "values": ["staging"]}}),
    ("filterExpression", {"dimensions": {"key": "SERVICE", "values": [None]}}),
    ("filterExpression", {"dimensions": {"key": "LINKED_ACCOUNT", "values": ["999999999999"]}}),
    ("filterExpression", {"ands": [BY_TAG, {"dimensions": {"key": "REGION", "values": ["us-east-1"]}}]}),
    ("filterExpression", {"ors": [{"costCategories": {"key": "stage", "values": ["staging"]}}]}),
    ("filterExpression", {"not": BY_TAG}),
    ("timePeriodEnd", "2020-01-01_00:00"),
    ("autoAdjustData", {"autoAdjustType": "HISTORICAL"}),
]


@pytest.mark.parametrize(("path", "value"), BROKEN)
def test_the_budget_is_the_settings_and_the_stages(path: str, value: Any) -> None:
    broken = changed(BUDGET, path, value)
    (message,) = found(MISSING_BUDGET, broken)
    assert "20 US dollars" in message
    assert found(MISSING_BUDGET, broken, BUDGET) == []  # one more for something else
    worse = changed(broken, "notifications", UNKNOWN)
    assert len(found(MISSING_BUDGET, worse, changed(broken, "name", UNKNOWN))) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("limitAmount", "20"),
        ("limitAmount", "20.00"),
        ("limitAmount", UNKNOWN),
        ("costFilters", ...),
        ("costFilters", UNKNOWN),
        ("costFilters.0.values", UNKNOWN),
        ("costFilters.0.values", [UNKNOWN]),
        ("costFilters.0.values", ["user:stage$staging", "user:stage$shared"]),
        ("costFilters.0", {"name": "LinkedAccount", "values": ["222222222222"]}),
        ("filterExpression", BY_TAG),
        ("filterExpression", {"tags": {**BY_TAG["tags"], "matchOptions": ["EQUALS"]}}),
        ("filterExpression", {**BY_TAG, "ands": [], "ors": [], "dimensions": None, "not": None}),
        ("filterExpression", {"dimensions": {"key": "LINKED_ACCOUNT", "values": ["222222222222"]}}),
        ("filterExpression", {"ands": [BY_TAG, {"tags": {"key": "product", "values": ["harbor"]}}]}),
        ("filterExpression", {"ors": [BY_TAG, {"tags": {"key": "stage", "values": ["shared"]}}]}),
        ("filterExpression", {"ands": [BY_TAG, {"tags": {"key": "product", "values": UNKNOWN}}]}),
        ("timePeriodEnd", "2087-06-15_00:00"),
        ("timePeriodEnd", UNKNOWN),
    ],
)
def test_a_budget_may_be_spelt_otherwise(path: str, value: Any) -> None:
    assert found(MISSING_BUDGET, changed(BUDGET, path, value)) == []


@pytest.mark.parametrize(("stage", "usd"), [("development", 10), ("staging", 20), ("production", 500)])
def test_every_stage_has_a_limit_of_its_own(stage: str, usd: int) -> None:
    budget = changed(changed(BUDGET, "limitAmount", f"{usd}.0"), "costFilters", ...)
    context = make_context(stage)
    assert found(MISSING_BUDGET, budget, context=context) == []
    assert len(found(MISSING_BUDGET, changed(budget, "limitAmount", "20.5"), context=context)) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("notifications.0", ...),
        ("notifications.1", ...),
        ("notifications.2", ...),
        ("notifications.0.threshold", 85.0),
        ("notifications.1.threshold", 80.0),
        ("notifications.0.notificationType", "FORECASTED"),
        ("notifications.0.comparisonOperator", "LESS_THAN"),
        ("notifications.0.thresholdType", "ABSOLUTE_VALUE"),
        ("notifications.0", notice(None, FINANCE, thresholdType="ABSOLUTE_VALUE")),
        ("notifications.0.subscriberEmailAddresses", []),
        ("notifications.0.subscriberEmailAddresses", ...),
        ("notifications.0.subscriberEmailAddresses", ["somebody@harbor.example"]),
        ("notifications.1.subscriberEmailAddresses", [FINANCE]),
        ("notifications.2.subscriberEmailAddresses", [FINANCE, ALL]),
        ("notifications.2.subscriberEmailAddresses", [LEAD, ALL]),
    ],
)
def test_each_share_of_the_budget_is_told_to_its_audience(path: str, value: Any) -> None:
    assert found(AUDIENCE, BUDGET) == []
    (message,) = found(AUDIENCE, changed(BUDGET, path, value))
    assert "%" in message
    assert "@" not in message
    # A budget that is not the stage's, of which nothing is known yet, hides nothing.
    other = changed(changed(BUDGET, "limitAmount", "5.0"), "notifications", UNKNOWN)
    assert found(AUDIENCE, other, changed(BUDGET, path, value)) == [message]


def test_a_budget_without_notices_tells_nobody() -> None:
    assert len(found(AUDIENCE, changed(BUDGET, "notifications", ...))) == 3
    assert len(found(AUDIENCE, changed(changed(BUDGET, "limitAmount", "5"), "notifications", []))) == 3
    assert found(AUDIENCE, make_resource(t.SNS_TOPIC)) == []  # budget-missing says it


def test_an_audience_without_an_address_is_told_nothing() -> None:
    end = make_context("staging", {"budget": {"finance": [], "techLead": []}})
    assert found(AUDIENCE, changed(BUDGET, "notifications", [notice(100, ALL)]), context=end) == []
    lead = make_context("staging", {"budget": {"finance": [], "stakeholders": []}})
    own = [notice(90, LEAD), notice(100, LEAD)]
    assert found(AUDIENCE, changed(BUDGET, "notifications", own), context=lead) == []
    assert len(found(AUDIENCE, changed(BUDGET, "notifications", own[1:]), context=lead)) == 1


def test_development_hears_of_the_end_only() -> None:
    everybody = [f"{who}-development@harbor.example" for who in ("finance", "lead", "everybody")]
    end = changed(changed(BUDGET, "limitAmount", "10.0"), "notifications", [notice(100.0, *everybody)])
    end = changed(end, "costFilters", ...)
    development = make_context("development")
    assert found(AUDIENCE, end, context=development) == []
    assert len(found(AUDIENCE, changed(end, "notifications", []), context=development)) == 1


@pytest.mark.parametrize(
    "notices",
    [
        UNKNOWN,
        [notice(80, FINANCE.upper()), notice(90, FINANCE, LEAD), notice(100, LEAD, ALL, FINANCE)],
        [notice(80, UNKNOWN), notice(90, FINANCE, UNKNOWN), notice(100, subscriberEmailAddresses=UNKNOWN)],
        [notice(16.0, FINANCE, thresholdType="ABSOLUTE_VALUE"), *BUDGET["notifications"][1:]],
        [*BUDGET["notifications"], notice(100, "more@harbor.example", notificationType="FORECASTED")],
    ],
)
def test_notices_may_be_spelt_otherwise(notices: Any) -> None:
    assert found(AUDIENCE, changed(BUDGET, "notifications", notices)) == []


def test_a_share_of_an_amount_that_is_not_known_yet_is_judged_later() -> None:
    absolute = changed(BUDGET, "notifications.0", notice(16.0, FINANCE, thresholdType="ABSOLUTE_VALUE"))
    assert found(AUDIENCE, changed(absolute, "limitAmount", UNKNOWN)) == []
    assert len(found(AUDIENCE, changed(absolute, "limitAmount", ...))) == 1


def test_two_budgets_may_share_the_notices() -> None:
    early = changed(BUDGET, "notifications", BUDGET["notifications"][:2])
    late = changed(BUDGET, "notifications", BUDGET["notifications"][2:])
    assert found(AUDIENCE, early, late) == []
    assert len(found(AUDIENCE, early)) == 1


@pytest.mark.parametrize("arn", ["arn:aws:sns:ap-northeast-1:222222222222:harbor-staging-topic-cost", UNKNOWN])
def test_an_audience_may_be_told_through_a_topic(arn: Any) -> None:
    topic = make_resource(t.SNS_TOPIC, "topic")
    other = make_resource(t.SNS_TOPIC, "other")

    def subscribed(to: ObservedResource, **props: Any) -> ObservedResource:
        said = {"topic": arn, "protocol": "email", "endpoint": FINANCE, **props}
        return make_resource(t.SNS_TOPIC_SUBSCRIPTION, sources={"topic": [to]}, **said)

    by_topic = [notice(80, subscriberSnsTopicArns=[arn]), *BUDGET["notifications"][1:]]
    budget = replace(changed(BUDGET, "notifications", by_topic), depends={"notifications": (topic,)})
    assert found(AUDIENCE, budget, topic, subscribed(topic)) == []
    assert found(AUDIENCE, budget, topic, subscribed(topic, protocol="email-json")) == []
    assert found(AUDIENCE, budget, topic, subscribed(topic, endpoint=UNKNOWN)) == []
    assert len(found(AUDIENCE, budget, topic)) == 1
    assert len(found(AUDIENCE, budget, topic, subscribed(topic, protocol="https"))) == 1
    assert len(found(AUDIENCE, budget, topic, subscribed(topic, endpoint=LEAD))) == 1
    assert len(found(AUDIENCE, budget, topic, other, subscribed(other, topic=f"{topic.urn}-other"))) == 1


TAGS = {
    "product": "harbor",
    "stage": "staging",
    "environment": "staging",
    "owner": "platform",
    "cost-center": "cc-staging",
}
PROVIDER = {"region": "ap-northeast-1", "defaultTags": json.dumps({"tags": TAGS})}
BUCKET = replace(make_resource(t.S3_BUCKET, "vault", bucket="harbor-staging-vault"), provider_props=PROVIDER)


@pytest.mark.parametrize("type_", [row for row in CATALOGUE.values() if row.taggable])
@pytest.mark.parametrize("key", TAGS)
def test_every_cost_can_be_told_to_be_the_stages(type_: str, key: str) -> None:
    own = replace(BUCKET, type=type_)
    assert found(UNTAGGED, own) == []
    rest = json.dumps({"tags": {name: value for name, value in TAGS.items() if name != key}})
    later = replace(own, provider_props={"defaultTags": UNKNOWN})
    (message,) = found(UNTAGGED, later, replace(own, provider_props={"defaultTags": rest}))
    assert key in message
    assert len(found(UNTAGGED, changed(own, "tags", {key: "another"}))) == 1


def test_tags_may_stand_on_the_resource() -> None:
    bare = replace(BUCKET, provider_props={})
    assert found(UNTAGGED, changed(bare, "tags", TAGS | {"part": "vault"})) == []
    assert found(UNTAGGED, changed(bare, "tags", TAGS | {"owner": UNKNOWN})) == []
    assert found(UNTAGGED, changed(bare, "tags", UNKNOWN), changed(BUCKET, "tags", {"part": "vault"})) == []
    assert len(found(UNTAGGED, changed(bare, "tags", UNKNOWN), bare)) == 1
    assert len(found(UNTAGGED, replace(BUCKET, provider_props={"defaultTags": "no JSON"}))) == 1
    assert found(UNTAGGED, replace(BUCKET, provider_props={"defaultTags": {"tags": TAGS}})) == []


def test_an_ephemeral_stack_has_tags_of_its_own() -> None:
    tags = TAGS | {"stage": "development", "cost-center": "cc-development"}
    own = changed(replace(BUCKET, provider_props={}), "tags", tags | {"environment": "pr-7"})
    assert found(UNTAGGED, own, context=make_context("pr-7")) == []
    assert len(found(UNTAGGED, own, context=make_context("pr-8"))) == 1


def test_what_takes_no_tags_needs_none() -> None:
    assert found(UNTAGGED, make_resource(t.KMS_ALIAS), make_resource(t.S3_BUCKET_POLICY), make_resource(t.WORKER)) == []


def test_no_message_shows_a_secret() -> None:
    secret = "canary"
    shown = [
        *found(MISSING_BUDGET, changed(BUDGET, "limitAmount", secret)),
        *found(AUDIENCE, changed(BUDGET, "notifications.0.subscriberEmailAddresses", [secret])),
        *found(UNTAGGED, changed(BUCKET, "tags", {"owner": secret})),
    ]
    assert len(shown) == 3
    assert not any("canary" in message for message in shown)
