"""What moto's EventBridge Scheduler lacks: a schedule is made or changed only as AWS would take it, in a group that
exists, with an expression that can be read, and with a role that the scheduler may take. One that is changed without a
word of its state is enabled; moto's would have none."""

from __future__ import annotations

from typing import Any, Final

from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend

from bulkhead.localclouds.aws.evaluator import admits
from bulkhead.localclouds.aws.moto_iam import identity_of
from bulkhead.model.schedules import faults

_TAKER: Final = ("Service", "scheduler.amazonaws.com")

_create = EventBridgeSchedulerBackend.create_schedule
_update = EventBridgeSchedulerBackend.update_schedule
_delete_group = EventBridgeSchedulerBackend.delete_schedule_group


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    EventBridgeSchedulerBackend.create_schedule = _created  # type: ignore[assignment,method-assign]
    EventBridgeSchedulerBackend.update_schedule = _updated  # type: ignore[assignment,method-assign]
    EventBridgeSchedulerBackend.delete_schedule_group = _group_deleted  # type: ignore[method-assign]


def _created(self: Any, **wanted: Any) -> Any:
    _may_be(self, wanted)
    return _create(self, **wanted)


def _updated(self: Any, **wanted: Any) -> Any:
    _may_be(self, wanted)
    return _update(self, **{**wanted, "state": wanted.get("state") or "ENABLED"})


def _group_deleted(self: Any, name: str | None) -> None:
    if name not in self.schedule_groups:
        raise ScheduleGroupNotFound(str(name))
    _delete_group(self, name)


def _may_be(backend: Any, wanted: dict[str, Any]) -> None:
    group = backend.get_schedule_group(wanted.get("group_name"))
    expression, zone = wanted["schedule_expression"], wanted.get("schedule_expression_timezone") or "UTC"
    for fault in faults(expression, zone):
        raise ValidationException(f"Invalid Schedule Expression {expression}: it {fault}.")
    identity = identity_of(backend.account_id, wanted["target"]["RoleArn"])
    # The scheduler names the group, not the schedule (User Guide, "Confused deputy prevention").
    context = {"aws:SourceAccount": backend.account_id, "aws:SourceArn": group.arn}
    if identity is None or not admits(identity, _TAKER, "sts:AssumeRole", context):
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        )
