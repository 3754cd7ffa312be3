"""What AWS itself needs to make, read, change and remove a resource: handlers.json, generated.

`python -m bulkhead.resources.aws.describe_handlers FOLDER` writes it anew from the resource schemas that AWS publishes
for CloudFormation. FOLDER is a clone of pulumi/pulumi-aws-native, which keeps them as they were published. A type's
handlers name every permission that any of its properties may need; tests/identities/test_handlers.py holds the role
that deploys against them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bulkhead.resources import types as t

FILE: Final = Path(__file__).parent / "handlers.json"
COMMIT: Final = "43eed3b017fff3b41e0ceeae37ee943afce53275"
_BUCKET: Final = "aws-s3-bucket"  # CloudFormation has as properties what Pulumi has as resources of their own
# AWS publishes no handlers for a budget.
_SCHEMAS: Final[Mapping[str, tuple[str, ...]]] = {
    t.CLOUDWATCH_LOG_GROUP: ("aws-logs-loggroup",),
    t.CLOUDWATCH_METRIC_ALARM: ("aws-cloudwatch-alarm",),
    t.KMS_ALIAS: ("aws-kms-alias",),
    t.KMS_KEY: ("aws-kms-key",),
    t.LAMBDA_FUNCTION: ("aws-lambda-function",),
    t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG: ("aws-lambda-eventinvokeconfig",),
    t.S3_BUCKET: (_BUCKET,),
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: (_BUCKET,),
    t.S3_BUCKET_LOGGING: (_BUCKET,),
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: (_BUCKET,),
    t.S3_BUCKET_OWNERSHIP_CONTROLS: (_BUCKET,),
    t.S3_BUCKET_POLICY: ("aws-s3-bucketpolicy",),
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: (_BUCKET,),
    t.S3_BUCKET_REPLICATION_CONFIG: (_BUCKET,),
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: (_BUCKET,),
    t.S3_BUCKET_VERSIONING: (_BUCKET,),
    t.SCHEDULER_SCHEDULE: ("aws-scheduler-schedule",),
    t.SCHEDULER_SCHEDULE_GROUP: ("aws-scheduler-schedulegroup",),
    t.SNS_TOPIC: ("aws-sns-topic",),
    t.SNS_TOPIC_POLICY: ("aws-sns-topicpolicy", "aws-sns-topicinlinepolicy"),
    t.SNS_TOPIC_SUBSCRIPTION: ("aws-sns-subscription",),
    t.SQS_QUEUE: ("aws-sqs-queue",),
    t.SSM_PARAMETER: ("aws-ssm-parameter",),
}


def main() -> None:
    folder = Path(sys.argv[1])
    FILE.write_text(json.dumps(described(folder), indent=1) + "\n", encoding="utf-8")


def described(folder: Path) -> dict[str, Any]:
    """Return the content of the file."""
    date = _git(folder, "show", "--no-patch", "--format=%cs", COMMIT).strip()
    return {
        "source": "CloudFormation resource schemas of AWS, as pulumi/pulumi-aws-native keeps them",
        "commit": COMMIT,
        "date": date,
        "types": {str(type_): _handlers(folder, names) for type_, names in _SCHEMAS.items()},
    }


def _handlers(folder: Path, schemas: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for name in schemas:
        schema = json.loads(_git(folder, "show", f"{COMMIT}:aws-cloudformation-schema/{name}.json"))
        for verb, handler in schema["handlers"].items():
            if verb != "list":
                found.setdefault(verb, set()).update(each.lower() for each in handler["permissions"])
        found.setdefault("tag", set()).update(map(str.lower, (schema.get("tagging") or {}).get("permissions", ())))
    return {verb: " ".join(sorted(actions)) for verb, actions in sorted(found.items()) if actions}


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
