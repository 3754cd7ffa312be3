"""What is written over instead of refused."""

from __future__ import annotations

import pytest

from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.localclouds.providers.resources import Resources

ACCOUNT = "0123456789abcdef0123456789abcdef"
R2 = "cloudflare:index/r2Bucket:R2Bucket"
CORS = "cloudflare:index/r2BucketCors:R2BucketCors"
ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
IN_STAGING = {"repository": "harbor", "environment": "staging"}


@pytest.fixture
def github() -> Caller:
    return Caller("staging", "github", {"owner": "acme", "token": "made-up"})


def test_a_part_of_a_bucket_is_written_over(resources: Resources, caller: Caller) -> None:
    bucket = {"accountId": ACCOUNT, "bucketName": "files"}
    resources.create(caller, R2, "urn:files", {"accountId": ACCOUNT, "name": "files"})
    resources.create(caller, CORS, "urn:cors", {**bucket, "rules": []})
    rules = [{"allowed": {"methods": ["GET"], "origins": ["*"]}}]
    resources.create(caller, CORS, "urn:cors", {**bucket, "rules": rules})
    [record] = resources.store.all(type_=CORS)
    assert record.inputs["rules"] == rules


def test_a_secret_is_written_over(resources: Resources, github: Caller) -> None:
    resources.create(github, ENVIRONMENT, "urn:env", IN_STAGING)
    for value in ("first", "second"):
        resources.create(github, SECRET, "urn:secret", {**IN_STAGING, "secretName": "KEY", "value": value})
    [record] = resources.store.all(type_=SECRET)
    assert record.inputs["value"] == "second"


def test_what_has_a_name_of_its_own_is_still_refused_a_second_time(resources: Resources, caller: Caller) -> None:
    resources.create(caller, R2, "urn:files", {"accountId": ACCOUNT, "name": "files"})
    with pytest.raises(ApiRefusal, match="taken"):
        resources.create(caller, R2, "urn:files", {"accountId": ACCOUNT, "name": "files"})
