"""An AWS that enforces policies: what a role may, it can; what it may not, it cannot; and afterwards it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bulkhead.localclouds.aws.client import forget
from bulkhead.localclouds.aws.enforced import EnforcedAws
from bulkhead.localclouds.aws.local import LocalAws

pytestmark = pytest.mark.slow

ONE, OTHER = "111111111111", "222222222222"
FILES = "arn:aws:s3:::files"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.fixture(autouse=True)
def afterwards(local_aws: LocalAws) -> Iterator[None]:
    """The other tests' local AWS is a door to the same clouds, whose credentials are forgotten with them."""
    yield
    forget(local_aws.endpoint)


@pytest.fixture
def aws() -> Iterator[EnforcedAws]:
    with EnforcedAws() as aws:
        aws.bucket(ONE, "files", ["mine/a", "theirs/a"])
        yield aws


def tries(aws: EnforcedAws, role: str, operation: str, key: str, account: str = ONE, **more: Any) -> str:
    return aws.tries(account, role, "s3", operation, Bucket="files", Key=key, **more)


def test_a_role_can_do_what_its_policy_allows_and_nothing_else(aws: EnforcedAws) -> None:
    aws.role(ONE, "reader", [policy(allow("s3:GetObject", f"{FILES}/mine/*"))])
    aws.enforce()
    assert tries(aws, "reader", "get_object", "mine/a") == "allowed"
    assert tries(aws, "reader", "get_object", "theirs/a") == "denied"
    assert tries(aws, "reader", "put_object", "mine/a", Body=b"x") == "denied"
    assert tries(aws, "reader", "delete_object", "mine/a") == "denied"
    assert aws.tries(ONE, "reader", "iam", "create_user", UserName="somebody") == "denied"


def test_roles_that_ask_in_turn_are_not_taken_for_each_other(aws: EnforcedAws) -> None:
    aws.role(ONE, "reader", [policy(allow("s3:GetObject"))])
    aws.role(ONE, "writer", [policy(allow("s3:PutObject"))])
    aws.enforce()
    for _ in range(2):
        assert tries(aws, "reader", "get_object", "mine/a") == "allowed"
        assert tries(aws, "writer", "get_object", "mine/a") == "denied"
        assert tries(aws, "writer", "put_object", "mine/a", Body=b"x") == "allowed"
        assert tries(aws, "reader", "put_object", "mine/a", Body=b"x") == "denied"


def test_all_policies_of_a_role_count_and_a_deny_wins(aws: EnforcedAws) -> None:
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"{FILES}/theirs/*"}
    aws.role(ONE, "reader", [policy(allow("kms:*")), policy(allow("s3:GetObject")), policy(deny)])
    aws.enforce()
    assert tries(aws, "reader", "get_object", "mine/a") == "allowed"
    assert tries(aws, "reader", "get_object", "theirs/a") == "denied"


def test_what_has_a_condition_neither_allows_nor_denies_here(aws: EnforcedAws) -> None:
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*", "Condition": condition}
    aws.role(ONE, "reader", [policy(allow("s3:GetObject"), deny, allow("s3:PutObject", Condition=condition))])
    aws.enforce()
    assert tries(aws, "reader", "get_object", "mine/a") == "allowed"
    assert tries(aws, "reader", "put_object", "mine/a", Body=b"x") == "denied"


def test_another_account_s_bucket_is_out_of_reach_for_whoever_may_everything(aws: EnforcedAws) -> None:
    aws.role(OTHER, "everything", [policy(allow("*"))])
    aws.enforce()
    assert tries(aws, "everything", "get_object", "mine/a", OTHER) == "denied"


def test_a_refusal_of_another_sort_is_not_taken_for_a_denial(aws: EnforcedAws) -> None:
    aws.role(ONE, "reader", [policy(allow("s3:*"))])
    aws.enforce()
    assert tries(aws, "reader", "get_object", "absent") == "NoSuchKey"


def test_afterwards_nothing_is_left_and_nobody_is_judged(local_aws: LocalAws, account: str) -> None:
    with EnforcedAws() as aws:
        aws.bucket(ONE, "files", ["a"])
        aws.role(ONE, "nobody", [])
        aws.enforce()
        assert tries(aws, "nobody", "get_object", "a") == "denied"
    forget(local_aws.endpoint)
    s3 = local_aws.client(account, "s3")
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": local_aws.region})
    assert s3.list_objects_v2(Bucket="files")["KeyCount"] == 0
    with EnforcedAws() as aws:
        assert [role["RoleName"] for role in local_aws.client(ONE, "iam").list_roles()["Roles"]] == []
