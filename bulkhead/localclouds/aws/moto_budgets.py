"""The calls of AWS Budgets that moto answers with 500: changing a budget, its subscribers and its tags.

moto keeps a budget as the request said it, with a list of notifications; these calls read and write the same objects.
Source of the shapes: the service model that botocore ships (budgets 2016-10-20).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse

_original_create: Callable[[Any], str] = BudgetsResponse.create_budget


def extend() -> None:
    """Give moto the missing calls; safe to repeat. moto finds an operation by the name of its method."""
    for operation in (
        create_budget,
        update_budget,
        describe_subscribers_for_notification,
        list_tags_for_resource,
        tag_resource,
        untag_resource,
    ):
        setattr(BudgetsResponse, operation.__name__, operation)


def create_budget(self: Any) -> str:
    """As moto does, and keep the tags that it drops."""
    answer = _original_create(self)
    budget = _named(self, self._get_param("Budget")["BudgetName"])
    budget.tags = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])}
    return answer


def update_budget(self: Any) -> str:
    """Replace the description of a budget. Notifications and tags stay, as in AWS."""
    new = self._get_param("NewBudget")
    old = _named(self, new["BudgetName"])
    kept = {"TimePeriod": old.budget["TimePeriod"]}
    changed = Budget({**kept, **new}, [])
    old.budget = changed.budget
    return json.dumps({})


def describe_subscribers_for_notification(self: Any) -> str:
    """Return who hears of one notification."""
    wanted = self._get_param("Notification")
    for notification in _named(self, self._get_param("BudgetName")).notifications:
        if notification.details == wanted:
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")


def list_tags_for_resource(self: Any) -> str:
    """Return the tags of the budget with this ARN."""
    tags = _by_arn(self).tags
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})


def tag_resource(self: Any) -> str:
    """Add or overwrite tags."""
    _by_arn(self).tags.update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
    return json.dumps({})


def untag_resource(self: Any) -> str:
    """Remove tags by key."""
    tags = _by_arn(self).tags
    for key in self._get_param("ResourceTagKeys"):
        tags.pop(key, None)
    return json.dumps({})


def _by_arn(self: Any) -> Any:
    return _named(self, self._get_param("ResourceARN").rpartition("budget/")[2])


def _named(self: Any, name: str) -> Any:
    """Return the budget of the caller's own account. moto would look into any account the request names."""
    budget = self.backend.budgets[self.current_account].get(name)
    if budget is None:
        raise NotFoundException(f"Unable to find budget: {name} - the budget doesn't exist.")
    if not hasattr(budget, "tags"):
        budget.tags = {}
    return budget
