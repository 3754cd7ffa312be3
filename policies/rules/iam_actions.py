"""Actions that a statement may allow on every resource, and those that change a whole account.

That an action knows no resource, AWS's reference says (bulkhead/resources/actions.py). Here is what it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bulkhead.resources.actions import Access, access_without_resource
from bulkhead.resources.statements import action_matches

NARROWED_BY: Final[Mapping[str, str]] = {"cloudwatch:PutMetricData": "cloudwatch:namespace"}
"""Actions that a condition confines in place of a resource."""
# AWS names a resource for each, but a request need have none, or it belongs to no stage: what is billed, the names of
# what is there, a dictionary that a translation may use.
_READS_NOTHING: Final = (
    "ce:Get*",
    "ce:List*",
    "cloudfront:List*",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "comprehend:DetectEntities",
    "ec2:Describe*",
    "iam:List*",
    "logs:GetQueryResults",
    "polly:StartSpeechSynthesisStream",
    "polly:SynthesizeSpeech",
    "servicequotas:Get*",
    "servicequotas:List*",
    "translate:TranslateDocument",
    "translate:TranslateText",
)
# What AWS calls writing, and what changes nothing that is there already.
_ADDS: Final = re.compile(
    r"[a-z0-9-]+:(?:Acknowledge|Batch|Check|Create|Decode|Describe|Discover|Generate|Get|Import|Initiate|Invoke|List|Meter"
    r"|Notify|Open|Poll|Provide|Query|Register|Request|Rerank|Retrieve|Run|Search|Send|Start|Submit|Test|Upload|Validate"
    r"|Verify)[A-Z*].*"
    r"|config:PutEvaluations|ssm:PutInventory|xray:Put(?:Spans|Telemetry|Trace).*",
    re.IGNORECASE,
)


def narrowed_by(action: str) -> str:
    """Return the condition that confines an action in place of a resource, empty if there is none."""
    return next((key for pattern, key in NARROWED_BY.items() if action_matches(pattern, action)), "")


def knows_no_resource(action: str) -> bool:
    """Whether a policy can name no resource for an action or a pattern of them, or need not."""
    return access_without_resource(action) is not None or _reads_nothing(action)


def changes_the_account(action: str) -> bool:
    """Whether an action changes what the whole account has, for which no resource can be named."""
    access = access_without_resource(action)
    if access in {None, Access.READ} or _reads_nothing(action):
        return False
    return access is Access.PERMISSIONS or _ADDS.fullmatch(action) is None


def _reads_nothing(action: str) -> bool:
    return any(action_matches(pattern, action) for pattern in _READS_NOTHING)
