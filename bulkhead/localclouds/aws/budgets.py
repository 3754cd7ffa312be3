"""AWS Budgets in the local AWS: what may be spent, and who is told when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.drift import same
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS, Codec, Shape, Tagging
from bulkhead.localclouds.providers.handler import Properties

_PERIOD: Final = "%Y-%m-%d_%H:%M"  # how Pulumi's provider writes the two ends of a budget's period, in UTC
_MATCH: Final = Shape({"key": "Key", "values": "Values", "matchOptions": "MatchOptions"})
_EXPRESSION_NAMES: Final[dict[str, str | tuple[str, Codec]]] = {
    "dimensions": ("Dimensions", _MATCH),
    "tags": ("Tags", _MATCH),
    "costCategories": ("CostCategories", _MATCH),
}
_EXPRESSION: Final = Shape(_EXPRESSION_NAMES)
_EXPRESSION_NAMES.update({"ands": ("And", _EXPRESSION), "ors": ("Or", _EXPRESSION), "not": ("Not", _EXPRESSION)})
_COST_TYPES: Final = Shape(
    {
        "includeCredit": "IncludeCredit",
        "includeDiscount": "IncludeDiscount",
        "includeOtherSubscription": "IncludeOtherSubscription",
        "includeRecurring": "IncludeRecurring",
        "includeRefund": "IncludeRefund",
        "includeSubscription": "IncludeSubscription",
        "includeSupport": "IncludeSupport",
        "includeTax": "IncludeTax",
        "includeUpfront": "IncludeUpfront",
        "useAmortized": "UseAmortized",
        "useBlended": "UseBlended",
    }
)
_NOTIFICATION: Final = Shape(
    {
        "comparisonOperator": "ComparisonOperator",
        "notificationType": "NotificationType",
        "threshold": "Threshold",
        "thresholdType": "ThresholdType",
    }
)
_SUBSCRIBERS: Final = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
_TAGGING: Final = Tagging(words=("ResourceTags", "ResourceTagKeys"), member="ResourceTags")


class Budget(AwsResource):
    """A budget with its notifications. Its id is ``account:name``."""

    understood = frozenset(
        {
            "accountId",
            "budgetType",
            "costFilters",
            "costTypes",
            "filterExpression",
            "limitAmount",
            "limitUnit",
            "metrics",
            "name",
            "notifications",
            "tags",
            "timePeriodEnd",
            "timePeriodStart",
            "timeUnit",
        }
    )
    defaults: ClassVar[Properties] = {"notifications": [], "costFilters": []}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        notices: Any = [_notification(item) for item in wanted.get("notifications", [])]
        tags: Any = TAGS.to_api(wanted["tagsAll"])
        cloud.budgets.create_budget(
            AccountId=cloud.account,
            Budget=_to_api(wanted),  # type: ignore[arg-type]
            NotificationsWithSubscribers=notices,
            ResourceTags=tags,
        )
        return f"{cloud.account}:{wanted['name']}"

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        name = id_.partition(":")[2]
        answer = unless_absent(cloud.budgets.describe_budget, AccountId=cloud.account, BudgetName=name)
        if answer is None:
            return None
        return {
            **_from_api(answer["Budget"]),
            "accountId": cloud.account,
            "arn": _arn(cloud, name),
            "notifications": _notifications(cloud, name),
            "tagsAll": _TAGGING.of(cloud.budgets, ResourceARN=_arn(cloud, name)),
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        name = id_.partition(":")[2]
        cloud.budgets.update_budget(AccountId=cloud.account, NewBudget=_to_api(wanted))  # type: ignore[arg-type]
        where: Any = {"AccountId": cloud.account, "BudgetName": name}
        if not same(_notifications(cloud, name), wanted.get("notifications", [])):
            for notification in cloud.budgets.describe_notifications_for_budget(**where)["Notifications"]:
                cloud.budgets.delete_notification(**where, Notification=notification)
            for item in wanted.get("notifications", []):
                cloud.budgets.create_notification(**where, **_notification(item))
        _TAGGING.write(cloud.budgets, wanted["tagsAll"], ResourceARN=_arn(cloud, name))

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.budgets.delete_budget, AccountId=cloud.account, BudgetName=id_.partition(":")[2])


def _arn(cloud: Cloud, name: str) -> str:
    return f"arn:aws:budgets::{cloud.account}:budget/{name}"


def _to_api(wanted: Properties) -> dict[str, Any]:
    budget: dict[str, Any] = {
        "BudgetName": wanted["name"],
        "BudgetType": wanted["budgetType"],
        "TimeUnit": wanted["timeUnit"],
    }
    if "limitAmount" in wanted:
        budget["BudgetLimit"] = {"Amount": wanted["limitAmount"], "Unit": wanted.get("limitUnit", "USD")}
    if "costFilters" in wanted:
        budget["CostFilters"] = {one["name"]: one["values"] for one in wanted["costFilters"]}
    if "costTypes" in wanted:
        budget["CostTypes"] = _COST_TYPES.to_api(wanted["costTypes"])
    if "filterExpression" in wanted:
        budget["FilterExpression"] = _EXPRESSION.to_api(wanted["filterExpression"])
    if "metrics" in wanted:
        budget["Metrics"] = [wanted["metrics"]] if isinstance(wanted["metrics"], str) else wanted["metrics"]
    ends = {"Start": "timePeriodStart", "End": "timePeriodEnd"}
    period = {end: _moment(wanted[name]) for end, name in ends.items() if name in wanted}
    return {**budget, "TimePeriod": period} if period else budget


def _from_api(budget: Any) -> dict[str, Any]:
    seen = {
        "name": budget["BudgetName"],
        "budgetType": budget["BudgetType"],
        "timeUnit": budget["TimeUnit"],
        "limitAmount": budget.get("BudgetLimit", {}).get("Amount"),
        "limitUnit": budget.get("BudgetLimit", {}).get("Unit"),
        "costFilters": [
            {"name": name, "values": values} for name, values in sorted(budget.get("CostFilters", {}).items())
        ],
        "costTypes": _COST_TYPES.from_api(budget.get("CostTypes", {})),
        "filterExpression": _EXPRESSION.from_api(budget.get("FilterExpression", {})),
        "metrics": budget.get("Metrics"),
    }
    for end, name in (("Start", "timePeriodStart"), ("End", "timePeriodEnd")):
        if end in budget["TimePeriod"]:
            seen[name] = budget["TimePeriod"][end].astimezone(UTC).strftime(_PERIOD)
    return seen


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _PERIOD).replace(tzinfo=UTC)


def _notification(item: Properties) -> dict[str, Any]:
    """Return one notification as the API takes it: what it is apart from who hears of it."""
    what = {name: value for name, value in item.items() if name not in _SUBSCRIBERS}
    return {
        "Notification": _NOTIFICATION.to_api(what),
        "Subscribers": [
            {"SubscriptionType": kind, "Address": address}
            for name, kind in _SUBSCRIBERS.items()
            for address in item.get(name, [])
        ],
    }


def _notifications(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    where: Any = {"AccountId": cloud.account, "BudgetName": name}
    found = []
    for notification in cloud.budgets.describe_notifications_for_budget(**where)["Notifications"]:
        subscribers = cloud.budgets.describe_subscribers_for_notification(**where, Notification=notification)[
            "Subscribers"
        ]
        one: dict[str, Any] = _NOTIFICATION.from_api(notification)
        for plural, kind in _SUBSCRIBERS.items():
            one[plural] = [person["Address"] for person in subscribers if person["SubscriptionType"] == kind]
        found.append(one)
    return found
