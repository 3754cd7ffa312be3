"""The local AWS itself: whom it lets in, what it keeps to this machine, and what it adds to moto."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from bulkhead.localclouds.aws.client import client
from bulkhead.localclouds.aws.local import LocalAws, one_at_a_time
from bulkhead.localclouds.aws.moto_sns import _is_loopback

pytestmark = pytest.mark.slow


def test_it_listens_on_this_machine_only(local_aws: LocalAws) -> None:
    assert local_aws.endpoint.startswith("http://127.0.0.1:")


def test_requests_are_answered_one_after_the_other() -> None:
    """moto's KMS lists its dictionaries while another request may add to them, and answers 500 then."""
    both = threading.Barrier(2)
    alone: list[bool] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        try:
            both.wait(0.1)
        except threading.BrokenBarrierError:
            alone.append(True)
        return []

    answer = one_at_a_time(app)
    with ThreadPoolExecutor(2) as pool:
        started: Any = None
        for done in [pool.submit(answer, {}, started) for _ in range(2)]:
            done.result()
    assert alone == [True, True]


def test_the_server_answers_so(local_aws: LocalAws) -> None:
    server: Any = local_aws._server
    assert server._server.app.__qualname__ == one_at_a_time(lambda *_: []).__qualname__


def test_every_account_is_one_of_its_own(local_aws: LocalAws, account: str) -> None:
    for one in (account, "888888888888"):
        assert local_aws.client(one, "sts").get_caller_identity()["Account"] == one


def test_the_environment_of_the_person_does_not_matter(
    local_aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_PROFILE": "does-not-exist",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "else",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    sts = client(local_aws.endpoint, account, "eu-west-1", "sts")
    assert sts.get_caller_identity()["Account"] == account


def test_another_process_sees_the_same_account(local_aws: LocalAws, account: str) -> None:
    local_aws.client(account, "kms").create_alias(
        AliasName="alias/here", TargetKeyId=local_aws.client(account, "kms").create_key()["KeyMetadata"]["KeyId"]
    )
    code = (
        "import sys; from bulkhead.localclouds.aws.inventory import inventory; "
        "print(inventory(sys.argv[1], sys.argv[2], sys.argv[3]).aliases)"
    )
    command = [sys.executable, "-c", code, local_aws.endpoint, account, local_aws.region]
    seen = subprocess.run(command, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "('alias/here',)"


def test_a_transport_condition_holds_on_loopback_and_every_other_deny_still_denies(
    local_aws: LocalAws, account: str
) -> None:
    s3, bucket = local_aws.client(account, "s3"), f"policy-{account}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": local_aws.region})
    deny: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    plain_http = {**deny, "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    no_delete = {**deny, "Action": "s3:DeleteObject"}

    def set_policy(*statements: dict[str, Any]) -> None:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))

    set_policy(plain_http)
    s3.put_object(Bucket=bucket, Key="kept", Body=b"data")
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"data"
    set_policy(plain_http, no_delete)
    with pytest.raises(s3.exceptions.ClientError, match="403"):
        s3.delete_object(Bucket=bucket, Key="kept")
    assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"data"


def test_topics_deliver_to_this_machine_only(
    local_aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(requests, "post", lambda url, **_: called.append(url))
    sns = local_aws.client(account, "sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    for scheme, url in (("https", "https://hooks.slack.example/x"), ("http", "http://127.0.0.1:9/hook")):
        sns.subscribe(TopicArn=topic, Protocol=scheme, Endpoint=url)
    sns.publish(TopicArn=topic, Message="over budget")
    assert called == ["http://127.0.0.1:9/hook"]


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("http://127.0.0.1:80/", True),
        ("http://[::1]/", True),
        ("http://localhost/", True),
        ("http://10.0.0.1/", False),
        ("https://127.0.0.1.example.com/", False),
        ("https://user:127.0.0.1@example.com/", False),
        ("nonsense", False),
    ],
)
def test_only_loopback_addresses_count_as_here(url: str, *, is_here: bool) -> None:
    assert _is_loopback(url) is is_here
