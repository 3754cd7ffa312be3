"""The stage's monthly budget in AWS, and the recipients of its notices (CST-3, CST-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws.budgets import Budget, BudgetNotificationArgs

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.settings import StageSettings
from infra.components.topics import Publisher, service_topic

_MOST_ADDRESSES: Final = 10


@dataclass(frozen=True, slots=True)
class StageBudgetArgs:
    label: Label
    settings: StageSettings


class StageBudget(pulumi.ComponentResource):
    """A monthly cost budget of the stage, its notices, and an encrypted SNS topic for other subscribers.

    The notice at 80 % of the budget goes to finance, at 90 % to finance and the tech lead, at 100 % (spent or
    forecast) to all stakeholders and the topic. Development has the last two only. The budget counts what carries the
    stage's ``environment`` tag (CST-7), so several stages can share one account.

    Left out: the activation of ``environment`` as a cost allocation tag. It is a setting of the paying account,
    possible only after the tag has been seen there (up to a day), and until then the budget reads zero. Left out too:
    Cloudflare's cost, which AWS cannot see, and any automatic action against a running stage.
    """

    def __init__(self, name: str, args: StageBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:cost:StageBudget", name, {}, opts)
        label, account = args.label, args.settings.aws.account_id
        publisher = Publisher("budgets.amazonaws.com", f"arn:aws:budgets::{account}:*", {"aws:SourceAccount": account})
        self.topic, policy = service_topic(
            name,
            label,
            args.settings,
            publisher,
            short="cost",
            messages="Cost notices",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.budget = Budget(
            name,
            name=label.name(Kind.BUDGET),
            budget_type="COST",
            time_unit="MONTHLY",
            # AWS answers with one decimal place; "500" would be a change at every preview.
            limit_amount=f"{float(args.settings.budget.monthly_usd):.1f}",
            limit_unit="USD",
            # Without the prefix "user:" the filter matches nothing, and the budget reads zero for ever.
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:environment${label.environment}"]}],
            notifications=notices(args.settings, self.topic.arn),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"budget": self.budget.name, "topicArn": self.topic.arn})


def notices(settings: StageSettings, topic: pulumi.Input[str]) -> list[BudgetNotificationArgs]:
    """Return the recipients for each share of the budget; an audience without an address is left out.

    Raises Refused when one notice has more recipients than AWS allows.
    """
    audience = settings.budget
    finance = _each_once(audience.finance)
    leads = _each_once(audience.finance, audience.tech_lead)
    everybody = _each_once(audience.finance, audience.tech_lead, audience.stakeholders)
    if len(everybody) > _MOST_ADDRESSES:
        message = f"{len(everybody)} addresses in all, and AWS sends one notice to {_MOST_ADDRESSES} at most"
        fix = "replace addresses in budget.stakeholders by a mailing list"
        raise Refused("The budget's notices cannot be sent.", [Fault("bulkhead:budget", message, fix)])
    early = [] if settings.stage is Stage.DEVELOPMENT else [(80.0, finance), (90.0, leads)]
    return [
        *(_notice("ACTUAL", threshold, emails) for threshold, emails in early if emails),
        _notice("ACTUAL", 100.0, everybody, topic),
        _notice("FORECASTED", 100.0, everybody, topic),
    ]


def _notice(
    kind: str, threshold: float, emails: list[str], topic: pulumi.Input[str] | None = None
) -> BudgetNotificationArgs:
    return BudgetNotificationArgs(
        notification_type=kind,
        comparison_operator="GREATER_THAN",
        threshold=threshold,
        threshold_type="PERCENTAGE",
        subscriber_email_addresses=emails or None,
        subscriber_sns_topic_arns=[topic] if topic is not None else None,
    )


def _each_once(*audiences: Sequence[str]) -> list[str]:
    return sorted({address for audience in audiences for address in audience})
