from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from tests.support.second_product import SECOND_PRODUCT
from tests.support.stages import render_stage, rendered_stage

BUDGET = "aws:budgets/budget:Budget"


def notices(environment: str) -> dict[tuple[str, int], dict[str, Any]]:
    sent = rendered_stage("first", environment).one(BUDGET).inputs["notifications"]
    return {(notice["notificationType"], int(notice["threshold"])): notice for notice in sent}


@pytest.mark.parametrize(
    ("environment", "usd"), [("development", "10.0"), ("staging", "20.0"), ("production", "500.0")]
)
def test_the_budget_is_a_month_of_what_carries_the_stages_tag(environment: str, usd: str) -> None:
    budget = rendered_stage("first", environment).one(BUDGET).inputs
    assert (budget["budgetType"], budget["timeUnit"]) == ("COST", "MONTHLY")
    assert (budget["limitAmount"], budget["limitUnit"]) == (usd, "USD")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": [f"user:environment${environment}"]}]


def test_each_share_of_the_budget_has_its_audience() -> None:
    told = {share: set(notice["subscriberEmailAddresses"]) for share, notice in notices("production").items()}
    finance, lead, everybody = (f"{who}-production@harbor.example" for who in ("finance", "lead", "everybody"))
    assert told == {
        ("ACTUAL", 80): {finance},
        ("ACTUAL", 90): {finance, lead},
        ("ACTUAL", 100): {finance, lead, everybody},
        ("FORECASTED", 100): {finance, lead, everybody},
    }


def test_development_is_told_at_the_end_only() -> None:
    assert set(notices("development")) == {("ACTUAL", 100), ("FORECASTED", 100)}


def test_an_audience_without_an_address_makes_no_notice() -> None:
    stage = render_stage(SECOND_PRODUCT, "staging", {"budget": {"finance": [], "techLead": []}})
    shares = {notice["threshold"] for notice in stage.one(BUDGET).inputs["notifications"]}
    assert shares == {100}


def test_more_addresses_than_aws_takes_are_refused_before_anything_is_made() -> None:
    crowd = [f"person{number}@harbor.example" for number in range(11)]
    with pytest.raises(Refused, match=r"13 addresses in all(.|\n)*mailing list"):
        render_stage(SECOND_PRODUCT, "staging", {"budget": {"stakeholders": crowd}})


def test_the_topic_hears_of_a_spent_budget_and_budgets_may_use_its_key() -> None:
    stage = rendered_stage("first", "staging")
    topic = stage.one("aws:sns/topic:Topic", "budget-topic").inputs
    for share in (("ACTUAL", 100), ("FORECASTED", 100)):
        assert notices("staging")[share]["subscriberSnsTopicArns"] == [
            "arn:aws:sns:ap-northeast-1:222222222222:budget-topic"
        ]
    assert topic["kmsMasterKeyId"].endswith("key/budget-key")
    document = json.loads(stage.one("aws:kms/key:Key", "budget-key").inputs["policy"])
    [budgets] = [statement for statement in document["Statement"] if statement["Sid"] == "PublisherEncrypts"]
    assert budgets["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert set(budgets["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


def test_only_budgets_of_this_account_publish() -> None:
    stage = rendered_stage("first", "production")
    policy = stage.one("aws:sns/topicPolicy:TopicPolicy", "budget-topic-policy")
    [statement] = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "333333333333"}
    assert policy.urn in stage.before(stage.one(BUDGET))
