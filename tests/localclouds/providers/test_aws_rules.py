from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers import planning, registry
from bulkhead.localclouds.providers.diff import ChangeKind
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Properties
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.wire import UNKNOWN

BUCKET = "aws:s3/bucket:Bucket"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
TOPIC = "aws:sns/topic:Topic"
BUDGET = "aws:budgets/budget:Budget"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
ROLE = "aws:iam/role:Role"
MANAGED = "aws:iam/policy:Policy"
PARAMETER = "aws:ssm/parameter:Parameter"
OIDC = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"

NOTICE = {
    "comparisonOperator": "GREATER_THAN",
    "notificationType": "ACTUAL",
    "threshold": 80,
    "thresholdType": "PERCENTAGE",
    "subscriberEmailAddresses": ["finance@example.com"],
}
GOOD: dict[str, dict[str, Any]] = {
    BUCKET: {"bucket": "harbor-staging-vault"},
    LIFECYCLE: {
        "bucket": "b",
        "rules": [{"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 30}}],
    },
    LOCK: {"bucket": "b", "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 35}}},
    ENCRYPTION: {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
    POLICY: {"bucket": "b", "policy": "{}"},
    KEY: {"deletionWindowInDays": 30, "enableKeyRotation": True},
    ALIAS: {"name": "alias/harbor", "targetKeyId": "k"},
    TOPIC: {"name": "harbor-cost"},
    BUDGET: {
        "name": "harbor",
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitAmount": "100.0",
        "limitUnit": "USD",
        "costFilters": [{"name": "TagKeyValue", "values": ["user:stage$staging"]}],
        "notifications": [NOTICE],
    },
    ALARM: {
        "name": "harbor-alarm",
        "namespace": "AWS/SNS",
        "metricName": "NumberOfNotificationsFailed",
        "statistic": "Sum",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 1,
        "period": 300,
        "evaluationPeriods": 1,
    },
    ROLE: {"name": "harbor", "assumeRolePolicy": "{}"},
    REPLICATION: {
        "bucket": "vault",
        "role": "arn:aws:iam::123456789012:role/copies",
        "rules": [
            {
                "status": "Enabled",
                "filter": {"prefix": ""},
                "deleteMarkerReplication": {"status": "Disabled"},
                "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                "destination": {"bucket": "arn:aws:s3:::copy", "encryptionConfiguration": {"replicaKmsKeyId": "k"}},
            }
        ],
    },
    MANAGED: {"name": "harbor-boundary", "policy": "{}"},
    PARAMETER: {"name": "/harbor/webhook", "type": "SecureString", "value": "hush"},
    OIDC: {"url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"]},
}
PROVIDER = {"region": "ap-northeast-1", "allowedAccountIds": ["123456789012"], "profile": "harbor"}


@pytest.fixture
def caller() -> Caller:
    return Caller("staging", "aws", {**PROVIDER, "defaultTags": {"tags": {"stage": "staging"}}})


@pytest.mark.parametrize("tier", ["Advanced", "Intelligent-Tiering"])
def test_a_parameter_of_a_higher_tier_holds_more(tier: str) -> None:
    assert planning.check(PARAMETER, {**GOOD[PARAMETER], "value": "x" * 8192, "tier": tier})[1] == []


@pytest.mark.parametrize("token", GOOD)
def test_the_good_inputs_are_good(token: str) -> None:
    assert planning.check(token, GOOD[token])[1] == []


@pytest.mark.parametrize(
    ("token", "change", "fault"),
    [
        (BUCKET, {"bucket": None}, "bucket: required property is missing"),
        (PARAMETER, {"value": "x" * 4097}, "value: has 4097 bytes, and at most 4096 are taken"),
        (PARAMETER, {"value": "x" * 8193, "tier": "Advanced"}, "value: has 8193 bytes, and at most 8192 are taken"),
        (BUCKET, {"bucket": "Vault"}, "bucket: must be 3 to 63 lower-case letters, digits, - and ."),
        (
            BUCKET,
            {"policy": "{}"},
            "policy: is deprecated here and fights with the resource of its own; use that one",
        ),
        (
            LIFECYCLE,
            {"rules": [{"id": "a", "status": "on", "filter": {}}]},
            "rules[0].status: must be one of Enabled, Disabled",
        ),
        (
            LIFECYCLE,
            {"rules": [{"id": "a", "status": "Enabled"}]},
            "rules[0].filter: say what the rule is about, if only an empty prefix; left out, it never settles",
        ),
        (
            LOCK,
            {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 1, "years": 1}}},
            "rule.defaultRetention: exactly one of days, years must be given, and there are days and years",
        ),
        (
            LOCK,
            {"rule": {"defaultRetention": {"mode": "SOFT", "days": 1}}},
            "rule.defaultRetention.mode: must be one of GOVERNANCE, COMPLIANCE",
        ),
        (
            ENCRYPTION,
            {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "kms"}}]},
            "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm: must be one of AES256, aws:kms, aws:kms:dsse",
        ),
        (REPLICATION, {"rules": []}, "rules: must have from 1 to 1000 items"),
        (
            REPLICATION,
            {"rules": [{"status": "on", "destination": {"bucket": "b"}}]},
            "rules[0].status: must be one of Enabled, Disabled",
        ),
        (
            REPLICATION,
            {
                "rules": [
                    {
                        "status": "Enabled",
                        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                        "destination": {"bucket": "b"},
                    }
                ]
            },
            "rules[0]: sseKmsEncryptedObjects and replicaKmsKeyId go together; S3 refuses one without the other",
        ),
        (POLICY, {"policy": "Deny"}, "policy: is not valid JSON"),
        (KEY, {"deletionWindowInDays": 3}, "deletionWindowInDays: must be from 7 to 30"),
        (
            KEY,
            {"enableKeyRotation": False, "rotationPeriodInDays": 90},
            "rotationPeriodInDays: has no effect while enableKeyRotation is false",
        ),
        (ALIAS, {"name": "alias/aws/s3"}, "name: must be alias/NAME, and not alias/aws/"),
        (TOPIC, {"name": "a topic"}, "name: must be 1 to 256 letters, digits, - and _"),
        (
            BUDGET,
            {"limitAmount": "100"},
            'limitAmount: must be an amount with a decimal place, as "100.0", which is how AWS answers',
        ),
        (
            BUDGET,
            {"costFilters": [{"name": "TagKeyValue", "values": ["stage$staging"]}]},
            "costFilters[0].values[0]: must be written user:KEY$VALUE, or it matches nothing",
        ),
        (
            BUDGET,
            {"notifications": [{**NOTICE, "subscriberEmailAddresses": []}]},
            "notifications[0]: somebody must be told; give subscriberEmailAddresses or subscriberSnsTopicArns",
        ),
        (
            BUDGET,
            {"notifications": [{**NOTICE, "subscriberSnsTopicArns": ["a", "b"]}]},
            "notifications[0].subscriberSnsTopicArns: must have from 0 to 1 items",
        ),
        (ALARM, {"name": None}, "name: required property is missing"),
        (ALARM, {"period": 90}, "period: must be 10, 20, 30 or a multiple of 60 seconds"),
        (ALARM, {"statistic": "p95"}, "statistic: must be one of SampleCount, Average, Sum, Minimum, Maximum"),
        (
            ALARM,
            {"treatMissingData": "never"},
            "treatMissingData: must be one of missing, ignore, breaching, notBreaching",
        ),
        (
            ALARM,
            {"metricQueries": [{"id": "a"}]},
            "exactly one of metricName, metricQueries must be given, and there are metricName and metricQueries",
        ),
        (ROLE, {"maxSessionDuration": 60}, "maxSessionDuration: must be from 3600 to 43200"),
        (MANAGED, {"policy": "Deny"}, "policy: is not valid JSON"),
        (MANAGED, {"name": None}, "name: required property is missing"),
        (MANAGED, {"name": "a policy"}, "name: must be 1 to 128 letters, digits and _+=,.@-"),
        (PARAMETER, {"name": None}, "name: required property is missing"),
        (PARAMETER, {"type": "Secret"}, "type: must be one of String, StringList, SecureString"),
        (
            PARAMETER,
            {"insecureValue": "hush"},
            "exactly one of value, insecureValue, valueWo must be given, and there are value and insecureValue",
        ),
        (OIDC, {"url": "token.actions.githubusercontent.com"}, "url: must be an https:// URL"),
    ],
)
def test_one_bad_field_is_one_fault(token: str, change: dict[str, Any], fault: str) -> None:
    inputs = {name: value for name, value in {**GOOD[token], **change}.items() if value is not None}
    assert planning.check(token, inputs)[1] == [fault]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"region": None}, "region: required property is missing"),
        ({"allowedAccountIds": None}, "allowedAccountIds: required property is missing"),
        ({"allowedAccountIds": ["1"]}, "allowedAccountIds[0]: must be the 12 digits of an account"),
        ({"profile": None}, "the provider must say whose credentials it uses"),
        ({"assumeRoles": [{"roleArn": "r"}]}, "the provider must say whose credentials it uses"),
        (
            {"assumeRoles": [{"role_arn": "r"}]},
            "assumeRoles[0].role_arn: there is no such property; did you mean roleArn?",
        ),
    ],
)
def test_a_provider_says_its_account_and_its_credentials(change: dict[str, Any], fault: str) -> None:
    assert planning.check_provider("aws", PROVIDER) == []
    config = {name: value for name, value in {**PROVIDER, **change}.items() if value is not None}
    (found,) = planning.check_provider("aws", config)
    assert found.startswith(fault)


def test_a_provider_s_lists_travel_as_json() -> None:
    sent = {"region": "eu-west-1", "allowedAccountIds": '["123456789012"]', "version": "7.0.0"}
    assert planning.provider_config("aws", sent) == {"region": "eu-west-1", "allowedAccountIds": ["123456789012"]}


def test_a_bucket_s_name_is_had_once_in_the_whole_world(resources: Resources, caller: Caller) -> None:
    resources.create(caller, BUCKET, "urn:a", GOOD[BUCKET])
    other = Caller("production", "aws", {**PROVIDER, "allowedAccountIds": ["210987654321"]})
    with pytest.raises(ApiRefusal, match="is taken: environment 'staging'"):
        resources.create(other, BUCKET, "urn:b", GOOD[BUCKET])


def test_outputs_name_account_region_and_all_tags(resources: Resources, caller: Caller) -> None:
    inputs, _ = planning.check(BUCKET, {**GOOD[BUCKET], "tags": {"own": "yes"}}, caller.config)
    bucket = resources.create(caller, BUCKET, "urn", inputs)
    assert bucket.outputs["arn"] == "arn:aws:s3:::harbor-staging-vault"
    assert bucket.outputs["tagsAll"] == {"stage": "staging", "own": "yes"}
    topic = resources.create(caller, TOPIC, "urn", GOOD[TOPIC])
    assert topic.id == "arn:aws:sns:ap-northeast-1:123456789012:harbor-cost"
    key = resources.create(caller, KEY, "urn", {**GOOD[KEY], "region": "eu-west-1"})
    assert key.outputs["arn"] == f"arn:aws:kms:eu-west-1:123456789012:key/{key.id}"


def test_a_policy_and_a_parameter_say_their_arns(resources: Resources, caller: Caller) -> None:
    policy = resources.create(caller, MANAGED, "urn", {**GOOD[MANAGED], "path": "/stages/"})
    assert policy.id == policy.outputs["arn"] == "arn:aws:iam::123456789012:policy/stages/harbor-boundary"
    parameter = resources.create(caller, PARAMETER, "urn", GOOD[PARAMETER])
    assert parameter.id == "/harbor/webhook"
    assert parameter.outputs["arn"] == "arn:aws:ssm:ap-northeast-1:123456789012:parameter/harbor/webhook"


@pytest.mark.parametrize("token", [MANAGED, PARAMETER])
def test_a_name_is_had_once_in_an_account(token: str, resources: Resources, caller: Caller) -> None:
    resources.create(caller, token, "urn:a", GOOD[token])
    with pytest.raises(ApiRefusal, match="is taken"):
        resources.create(caller, token, "urn:b", GOOD[token])


@pytest.mark.parametrize("token", [ALIAS, ALARM, PARAMETER])
def test_a_region_that_is_written_out_is_the_same_as_the_provider_s(
    token: str, resources: Resources, caller: Caller
) -> None:
    resources.create(caller, token, "urn:a", GOOD[token])
    with pytest.raises(ApiRefusal, match=f"^name '{GOOD[token]['name']}' is taken: environment 'staging' has it"):
        resources.create(caller, token, "urn:b", {**GOOD[token], "region": PROVIDER["region"]})


@pytest.mark.parametrize(
    ("token", "change", "replaced"),
    [
        (MANAGED, {"policy": '{"Version": "2012-10-17"}'}, False),
        (MANAGED, {"description": "another"}, True),
        (PARAMETER, {"value": "changed"}, False),
        (PARAMETER, {"name": "/harbor/other"}, True),
    ],
)
def test_what_makes_a_policy_or_a_parameter_anew(token: str, change: dict[str, Any], replaced: bool) -> None:
    (difference,) = planning.diff(token, GOOD[token], {**GOOD[token], **change})
    assert difference.forces_new is replaced


def test_a_parameter_s_value_is_secret() -> None:
    assert registry.rules_of(PARAMETER).secrets(GOOD[PARAMETER]) == {("value",)}


def _tagged(token: str, default: dict[str, Any], own: Any = None) -> Properties:
    inputs = GOOD[token] if own is None else {**GOOD[token], "tags": own}
    planned, faults = planning.check(token, inputs, {**PROVIDER, "defaultTags": {"tags": default}})
    assert faults == []
    return planned


@pytest.mark.parametrize("token", [BUCKET, KEY, TOPIC, BUDGET, ROLE, MANAGED, PARAMETER, OIDC])
def test_a_change_of_the_provider_s_tags_alone_is_a_change_in_place(token: str) -> None:
    before = _tagged(token, {"owner": "platform", "stage": "staging"})
    after = _tagged(token, {"owner": "web", "managed-by": "bulkhead"})
    assert planning.diff(token, before, _tagged(token, {"owner": "platform", "stage": "staging"})) == []
    found = {(difference.path, difference.change) for difference in planning.diff(token, before, after)}
    assert found == {
        ("tagsAll.owner", ChangeKind.CHANGED),
        ("tagsAll.stage", ChangeKind.REMOVED),
        ("tagsAll.managed-by", ChangeKind.ADDED),
    }
    assert not any(difference.forces_new for difference in planning.diff(token, before, after))


def test_a_resource_s_own_tag_wins_over_the_provider_s() -> None:
    assert _tagged(BUCKET, {"owner": "platform"}, {"owner": "web"})["tagsAll"] == {"owner": "web"}
    assert planning.check(BUCKET, GOOD[BUCKET], PROVIDER)[0]["tagsAll"] == {}


@pytest.mark.parametrize("own", [UNKNOWN, {"key": UNKNOWN}])
def test_tags_that_are_not_known_yet_leave_all_of_them_open(own: Any) -> None:
    assert _tagged(BUCKET, {"owner": "platform"}, own)["tagsAll"] is UNKNOWN


def test_what_has_no_tags_gets_none() -> None:
    assert "tagsAll" not in planning.check(ALIAS, GOOD[ALIAS], {**PROVIDER, "defaultTags": {"tags": {"a": "b"}}})[0]


def test_a_named_resource_is_deleted_before_its_replacement_is_made() -> None:
    locked = {**GOOD[BUCKET], "objectLockEnabled": True}
    assert planning.deletes_first(BUCKET, GOOD[BUCKET], locked)
    assert not planning.deletes_first(BUCKET, GOOD[BUCKET], {**locked, "bucket": "another"})
    assert not planning.deletes_first(KEY, GOOD[KEY], GOOD[KEY])
