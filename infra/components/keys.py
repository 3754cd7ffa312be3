"""The KMS keys of a stage: they rotate once a year, and are deleted thirty days after they are removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from pulumi_aws.kms import Alias, Key

from bulkhead.model.naming import Kind, Label

_UNDO_DAYS: Final = 30  # the longest possible: nobody can read what a deleted key has encrypted


def stage_key(
    name: str,
    label: Label,
    account: str,
    *services: Mapping[str, Any],
    short: str,
    contents: str,
    region: str | None = None,
    opts: pulumi.ResourceOptions,
) -> Key:
    """Declare a key and its alias, which ends in ``short``. The account administers it through IAM; ``services`` are
    statements about who else may use it, for ``contents``, as people read in the console. ``region`` is another one
    than the stage's."""
    key = Key(
        f"{name}-key",
        description=f"{contents} of {label.product} {label.environment}",
        enable_key_rotation=True,
        deletion_window_in_days=_UNDO_DAYS,
        policy=_policy(account, *services),
        region=region,
        opts=opts,
    )
    Alias(
        f"{name}-key-name",
        name=f"alias/{label.name(Kind.KMS_ALIAS, short)}",
        target_key_id=key.key_id,
        region=region,
        opts=opts,
    )
    return key


def _policy(account: str, *services: Mapping[str, Any]) -> str:
    administration = {
        "Sid": "AccountAdministersThroughIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    statements = [administration, *(dict(service) for service in services)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)
