"""AWS: the rows of the hand table. What the local AWS checks itself (a bucket that does not exist) is not repeated.

Sources: SDK docstrings, the AWS API references, terraform-provider-aws. Names are required here although AWS would
invent them, because an invented name is another one in every rehearsal and cannot be found again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bulkhead.localclouds.providers import compute, s3
from bulkhead.localclouds.providers.arns import ARN, arn_of, superseded, with_all_tags
from bulkhead.localclouds.providers.checks import (
    Check,
    at,
    at_most_one,
    between,
    exactly_one,
    json_text,
    limited,
    needs,
    one_of,
    shaped,
    sized,
)
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import TypeRules, joined, new_uuid, now
from bulkhead.resources import types as t
from bulkhead.resources.aws.keys import STANDARD_PARAMETER


def _subscribers(inputs: Properties) -> Iterator[str]:
    for place, notification in at(inputs, "notifications[*]"):
        if not notification.get("subscriberEmailAddresses") and not notification.get("subscriberSnsTopicArns"):
            yield f"{place}: somebody must be told; give subscriberEmailAddresses or subscriberSnsTopicArns"


def _tag_filters(inputs: Properties) -> Iterator[str]:
    """Without the prefix a filter matches nothing and the budget reads zero: hashicorp/terraform-provider-aws#39850."""
    for place, value in at(inputs, "costFilters[*]"):
        if value.get("name") == "TagKeyValue":
            for index, tag in enumerate(value.get("values", ())):
                if isinstance(tag, str) and not (tag.startswith(("user:", "aws:")) and "$" in tag):
                    yield f"{place}.values[{index}]: must be written user:KEY$VALUE, or it matches nothing"


def _whole_minutes(inputs: Properties) -> Iterator[str]:
    """PutMetricAlarm, `Period`: 10, 20 and 30 seconds are for metrics of high resolution."""
    period = inputs.get("period")
    if isinstance(period, int | float) and period not in {10, 20, 30} and period % 60:
        yield "period: must be 10, 20, 30 or a multiple of 60 seconds"


def _rotation_needs_switch(inputs: Properties) -> Iterator[str]:
    if "rotationPeriodInDays" in inputs and inputs.get("enableKeyRotation") is False:
        yield "rotationPeriodInDays: has no effect while enableKeyRotation is false"


_BUDGET_TYPES: Final = (
    "COST",
    "USAGE",
    "RI_COVERAGE",
    "RI_UTILIZATION",
    "SAVINGS_PLANS_COVERAGE",
    "SAVINGS_PLANS_UTILIZATION",
)


def _fits_its_tier(inputs: Properties) -> Iterator[str]:
    if inputs.get("tier", "Standard") == "Standard":
        yield from limited("value", STANDARD_PARAMETER)(inputs)


def _policy_arn(caller: Caller, inputs: Properties) -> str:
    return f"arn:aws:iam::{caller.account}:policy{inputs.get('path', '/')}{inputs['name']}"


_TABLE: Final = (
    TypeRules(
        type=t.KMS_KEY,
        identify=new_uuid,
        checks=(
            between("deletionWindowInDays", 7, 30),
            between("rotationPeriodInDays", 90, 2560),
            one_of("keyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"),
            json_text("policy"),
            _rotation_needs_switch,
        ),
        defaults={"enableKeyRotation": False, "isEnabled": True, "keyUsage": "ENCRYPT_DECRYPT"},
        plan=with_all_tags,
        computed=lambda caller, id_, inputs: {
            "arn": arn_of("kms", f"key/{id_}")(caller, inputs),
            "keyId": id_,
            "region": caller.region_of(inputs),
        },
    ),
    TypeRules(
        type=t.KMS_ALIAS,
        identify=joined("name"),
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}", "alias/NAME, and not alias/aws/"),
        ),
        computed=lambda caller, _id, inputs: {
            "arn": arn_of("kms", "{name}")(caller, inputs),
            "region": caller.region_of(inputs),
        },
    ),
    TypeRules(
        type=t.SNS_TOPIC,
        identify=arn_of("sns", "{name}"),
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", r"[A-Za-z0-9_-]{1,256}(\.fifo)?", "1 to 256 letters, digits, - and _"),
        ),
        plan=with_all_tags,
        computed=lambda caller, id_, inputs: {
            "arn": id_,
            "owner": caller.account,
            "region": caller.region_of(inputs),
        },
    ),
    TypeRules(
        type=t.SNS_TOPIC_POLICY,
        identify=joined("arn"),
        checks=(json_text("policy"), shaped("arn", *ARN)),
        computed=lambda caller, _id, _inputs: {"owner": caller.account},
    ),
    TypeRules(
        type=t.SNS_TOPIC_SUBSCRIPTION,
        identify=lambda caller, inputs: f"{inputs['topic']}:{new_uuid(caller, inputs)}",
        checks=(
            one_of(
                "protocol", *["sqs", "sms", "lambda", "firehose", "application", "email", "email-json", "http", "https"]
            ),
            shaped("topic", *ARN),
        ),
        computed=lambda caller, id_, inputs: {
            "arn": id_,
            "ownerId": caller.account,
            "pendingConfirmation": inputs["protocol"] in {"email", "email-json", "http", "https"},
        },
    ),
    TypeRules(
        type=t.CLOUDWATCH_METRIC_ALARM,
        identify=joined("name"),
        own_name="name",
        checks=(
            needs("", "name", "comparisonOperator", "evaluationPeriods"),
            exactly_one("", "metricName", "metricQueries"),
            one_of(
                "comparisonOperator",
                "GreaterThanOrEqualToThreshold",
                "GreaterThanThreshold",
                "LessThanThreshold",
                "LessThanOrEqualToThreshold",
            ),
            one_of("statistic", "SampleCount", "Average", "Sum", "Minimum", "Maximum"),
            one_of("treatMissingData", "missing", "ignore", "breaching", "notBreaching"),
            _whole_minutes,
        ),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        plan=with_all_tags,
        computed=lambda caller, id_, inputs: {
            "arn": arn_of("cloudwatch", f"alarm:{id_}")(caller, inputs),
            "region": caller.region_of(inputs),
        },
    ),
    TypeRules(
        type=t.BUDGET,
        identify=lambda caller, inputs: f"{caller.account}:{inputs['name']}",
        own_name="name",
        checks=(
            needs("", "name", "limitAmount", "limitUnit"),
            one_of("budgetType", *_BUDGET_TYPES),
            one_of("timeUnit", "MONTHLY", "QUARTERLY", "ANNUALLY", "DAILY"),
            shaped("limitAmount", r"\d+\.\d+", 'an amount with a decimal place, as "100.0", which is how AWS answers'),
            at_most_one("", "costFilters", "filterExpression"),
            sized("notifications", 0, 10),
            one_of("notifications[*].comparisonOperator", "GREATER_THAN", "LESS_THAN", "EQUAL_TO"),
            one_of("notifications[*].notificationType", "ACTUAL", "FORECASTED"),
            one_of("notifications[*].thresholdType", "PERCENTAGE", "ABSOLUTE_VALUE"),
            sized("notifications[*].subscriberEmailAddresses", 0, 10),
            sized("notifications[*].subscriberSnsTopicArns", 0, 1),
            _subscribers,
            _tag_filters,
        ),
        plan=with_all_tags,
        computed=lambda caller, _id, inputs: {
            "arn": arn_of("budgets", "budget/{name}", regional=False)(caller, inputs),
        },
    ),
    TypeRules(
        type=t.IAM_ROLE,
        identify=joined("name"),
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", r"[\w+=,.@-]{1,64}", "1 to 64 letters, digits and _+=,.@-"),
            json_text("assumeRolePolicy"),
            between("maxSessionDuration", 3600, 43_200),
            superseded("inlinePolicies managedPolicyArns"),
        ),
        defaults={"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False},
        plan=with_all_tags,
        computed=lambda caller, _id, inputs: {
            "arn": arn_of("iam", "role/{name}", regional=False)(caller, inputs),
            "createDate": now(),
        },
    ),
    TypeRules(
        type=t.SSM_PARAMETER,
        identify=joined("name"),
        own_name="name",
        checks=(
            needs("", "name"),
            one_of("type", "String", "StringList", "SecureString"),
            exactly_one("", "value", "insecureValue", "valueWo"),
            _fits_its_tier,
        ),
        defaults={"tier": "Standard", "dataType": "text"},
        plan=with_all_tags,
        computed=lambda caller, _id, inputs: {
            # Its ARN has one slash there, whether or not the name begins with one.
            "arn": arn_of("ssm", "parameter/{name}")(caller, {**inputs, "name": inputs["name"].removeprefix("/")}),
            "region": caller.region_of(inputs),
            "version": 1,
        },
    ),
    TypeRules(
        type=t.IAM_POLICY,
        identify=_policy_arn,
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", r"[\w+=,.@-]{1,128}", "1 to 128 letters, digits and _+=,.@-"),
            json_text("policy"),
        ),
        defaults={"path": "/", "description": ""},
        plan=with_all_tags,
        computed=lambda _caller, id_, _inputs: {"arn": id_, "attachmentCount": 0},
    ),
    TypeRules(
        type=t.IAM_ROLE_POLICY,
        identify=joined("role", "name", separator=":"),
        own_name="name",
        checks=(needs("", "name"), json_text("policy")),
    ),
    TypeRules(
        type=t.IAM_OPEN_ID_CONNECT_PROVIDER,
        identify=lambda caller, inputs: (
            f"arn:aws:iam::{caller.account}:oidc-provider/{inputs['url'].removeprefix('https://')}"
        ),
        checks=(shaped("url", r"https://[^/]+(/.*)?", "an https:// URL"), sized("clientIdLists", 1, 100)),
        plan=with_all_tags,
        computed=lambda _caller, id_, _inputs: {"arn": id_},
    ),
)


def _one_way_in(inputs: Properties) -> Iterator[str]:
    ways = [name for name in ("accessKey", "assumeRoles", "assumeRoleWithWebIdentity", "profile") if name in inputs]
    if len(ways) != 1:
        yield (
            "the provider must say whose credentials it uses, by exactly one of profile, assumeRoles, "
            f"assumeRoleWithWebIdentity, accessKey; there are {len(ways)}: without one it takes the environment's"
        )


PROVIDER_CHECKS: Final[tuple[Check, ...]] = (
    needs("", "region", "allowedAccountIds"),
    sized("allowedAccountIds", 1, 1),
    shaped("allowedAccountIds[*]", r"[0-9]{12}", "the 12 digits of an account"),
    _one_way_in,
)
RULES: Final[Mapping[str, TypeRules]] = {rules.type: rules for rules in (*s3.TABLE, *compute.TABLE, *_TABLE)}
