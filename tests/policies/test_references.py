"""The rule about references to another stage, and that it sees what `isolation check` sees."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import UNKNOWN
from infra.product import PRODUCT
from policies import context
from policies.catalogue import RULES
from policies.rule import Rule, StackRule
from policies.rules import (
    aws_guests,
    deployments,
    iam,
    iam_escalation,
    iam_trust,
    plain_values,
    references,
    repository_owner,
    zone,
)
from tests.policies.test_pack import environ
from tests.support.plans import planned
from tests.support.planted_leaks import PLANTS, Plant
from tests.support.policy_scene import changed, found, make_context, make_resource, observed_in
from tests.support.settings_fixture import write_stage_files

[RULE] = references.RULES
NEW = {
    rule.name
    for module in (
        aws_guests,
        deployments,
        iam,
        iam_escalation,
        iam_trust,
        plain_values,
        references,
        repository_owner,
        zone,
    )
    for rule in module.RULES
}
OWN, THEIRS = "2" * 12, "3" * 12
BUCKET = f"harbor-staging-vault-{OWN}"
THEIR_BUCKET = f"harbor-production-vault-{THEIRS}"
STAGING = make_context("staging")
ALONE = replace(STAGING, others=())
SHARED = {"aws": {"accountId": OWN, "roleArn": f"arn:aws:iam::{OWN}:role/bulkhead-production"}}
TOGETHER = replace(STAGING, others=(make_context("development"), make_context("production", SHARED)))


def text(**said: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **said}]})  # a caller may deny


def rights(resource: Any, action: Any = "s3:GetObject", **more: Any) -> ObservedResource:
    return make_resource(t.IAM_ROLE_POLICY, policy=text(Action=action, Resource=resource, **more))


def guest(who: Any, of: str = t.S3_BUCKET_POLICY, **more: Any) -> ObservedResource:
    return make_resource(of, bucket=BUCKET, policy=text(Principal=who, Action="s3:GetObject", Resource="*", **more))


def role(who: Any, **more: Any) -> ObservedResource:
    trust = text(Principal=who, Action="sts:AssumeRole")
    return make_resource(t.IAM_ROLE, **{"name": "harbor-staging-role-jobs", "assumeRolePolicy": trust, **more})


def iam_arn(name: str, account: str = THEIRS) -> str:
    return f"arn:aws:iam::{account}:{name}"


LEADING_AWAY: list[ObservedResource] = [
    guest({"AWS": iam_arn("root")}),
    guest({"AWS": THEIRS}),
    guest({"AWS": iam_arn("role/harbor-production-role-deploy")}, t.S3_BUCKET),
    guest({"AWS": iam_arn("role/bulkhead-production", OWN)}),
    guest("*", Condition={"ArnLike": {"aws:PrincipalArn": iam_arn("role/*")}}),
    rights("arn:aws:s3:::harbor-*"),
    rights("arn:aws:s3:::harbor-*/*"),
    rights("arn:aws:s3:::h*"),
    rights("arn:aws:s3:::harbor-${aws:PrincipalTag/stage}-vault/*"),
    rights("arn:aws:s3:::harbor-p*-vault-*"),
    rights("arn:aws:s3:::harbor-????????????vault*"),
    rights([f"arn:aws:s3:::{BUCKET}/*", f"arn:aws:s3:::{THEIR_BUCKET}/*"]),
    rights(f"arn:aws:kms:ap-northeast-1:{THEIRS}:key/0f0e0d0c-0000-4000-8000-000000000000", "kms:Decrypt"),
    rights("arn:aws:sns:*:*:harbor-*", "sns:Publish"),
    rights(iam_arn("role/bulkhead-production"), "sts:AssumeRole"),
    rights(iam_arn("role/harbor-production-role-deploy", OWN), "sts:AssumeRole"),
    rights(iam_arn("role/team/production/reader", OWN), "sts:AssumeRole"),
    make_resource(
        t.IAM_POLICY, name="harbor-staging-x", policy=text(Action="s3:Get*", Resource=f"arn:aws:s3:::{THEIR_BUCKET}")
    ),
    role({"AWS": iam_arn("role/restore")}),
    role({"AWS": iam_arn("role/harbor-development-role-jobs", "1" * 12)}),
    role({"Federated": iam_arn("oidc-provider/gitlab.com")}),
    role({"Service": "lambda.amazonaws.com"}, name="harbor-production-role-jobs"),
    role({"Service": "lambda.amazonaws.com"}, name="jobs", path="/harbor/production/"),
    role({"Service": "lambda.amazonaws.com"}, permissionsBoundary=iam_arn("policy/harbor-production-boundary")),
    make_resource(t.IAM_ROLE_POLICY, role="harbor-production-role-deploy", policy=text(Action="s3:GetObject")),
    make_resource(t.IAM_ROLE_POLICY, role="bulkhead-production", policy=text(Action="s3:GetObject")),
    make_resource(t.IAM_ROLE_POLICY_ATTACHMENT, role="harbor-staging-role-x", policyArn=iam_arn("policy/p")),
    make_resource(t.S3_BUCKET_VERSIONING, bucket=THEIR_BUCKET),
    make_resource(t.S3_BUCKET_PUBLIC_ACCESS_BLOCK, bucket="somebodys"),
    make_resource(t.S3_BUCKET_LOGGING, bucket=BUCKET, targetBucket=f"harbor-production-vault-log-{THEIRS}"),
    make_resource(t.S3_BUCKET_LOGGING, bucket=BUCKET, targetBucket="acme-logs"),
    make_resource(t.SNS_TOPIC_POLICY, arn=f"arn:aws:sns:ap-northeast-1:{THEIRS}:alarms"),
    make_resource(
        t.CLOUDWATCH_METRIC_ALARM,
        name="harbor-staging-alarm-x",
        alarmActions=[f"arn:aws:sns:ap-northeast-1:{OWN}:harbor-production-topic"],
    ),
    make_resource(
        t.CLOUDWATCH_METRIC_ALARM,
        name="harbor-staging-alarm-x",
        dimensions={"TopicName": "harbor-production-topic-budget"},
    ),
    make_resource(
        t.CLOUDWATCH_COMPOSITE_ALARM,
        alarmName="harbor-staging-alarm-x",
        alarmRule='ALARM("harbor-production-alarm-errors")',
    ),
    make_resource(
        t.SCHEDULER_SCHEDULE,
        name="harbor-staging-nightly",
        target={"arn": f"arn:aws:lambda:ap-northeast-1:{THEIRS}:function:backup", "roleArn": iam_arn("role/x", OWN)},
    ),
    make_resource(
        t.SCHEDULER_SCHEDULE,
        name="harbor-staging-nightly",
        target={"arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "input": '{"QueueUrl": "harbor-production-q"}'},
    ),
    make_resource(
        t.SCHEDULER_SCHEDULE,
        name="harbor-staging-nightly",
        target={"arn": f"arn:aws:lambda:ap-northeast-1:{'9' * 12}:function:backup", "roleArn": iam_arn("role/x", OWN)},
    ),
    make_resource(t.LAMBDA_PERMISSION, function="harbor-production-backup", principal="events.amazonaws.com"),
    make_resource(
        t.LAMBDA_FUNCTION,
        name="harbor-staging-job",
        environment={"variables": {"VAULT": THEIR_BUCKET}},
    ),
    make_resource(t.SSM_PARAMETER, name="harbor-staging-parameter-x", type="String", value="https://harbor.example/"),
    make_resource(t.KMS_ALIAS, name="alias/harbor-staging-key", targetKeyId="alias/harbor-production-key-vault"),
    make_resource(t.DNS_RECORD, name="harbor.example", type="A", content="192.0.2.1"),
    make_resource(t.DNS_RECORD, name="www.harbor.example", type="A", content="192.0.2.1"),
    make_resource(t.DNS_RECORD, name="@", type="A", content="192.0.2.1"),
    make_resource(t.DNS_RECORD, name="www.staging.harbor.example", type="CNAME", content="harbor.example"),
    make_resource(t.ZERO_TRUST_ACCESS_APPLICATION, domain="harbor.example/admin"),
    make_resource(t.ZERO_TRUST_ACCESS_APPLICATION, destinations=[{"type": "public", "uri": "harbor.example"}]),
    make_resource(
        t.NOTIFICATION_POLICY_WEBHOOKS, name="harbor-staging-x", url="https://development.harbor.example/hook"
    ),
    make_resource(
        t.WORKER_VERSION,
        bindings=[{"type": "plain_text", "name": "API", "text": "https://harbor.example/api"}],
    ),
    *(
        make_resource(t.WORKER_VERSION, bindings=[{"type": form, "name": "API", key: said}])
        for form, key, said in (
            ("json", "json", '{"api": ["https://harbor.example/api"]}'),
            ("json", "json", '["harbor-production-d1-main"]'),
            ("plain_text", "text", '{"vault": "harbor-production-vault"}'),
            ("plain_text", "text", "https%3A%2F%2Fharbor.example%2Fapi"),
            ("plain_text", "text", ".harbor.example"),
            ("plain_text", "text", base64.b64encode(b"https://harbor.example/api").decode()),
        )
    ),
]


@pytest.mark.parametrize("resource", LEADING_AWAY, ids=lambda each: f"{each.kind} {dict(each.props)}"[:90])
def test_what_leads_to_another_stage_is_named(resource: ObservedResource) -> None:
    (message, *_) = found(RULE, resource, context=STAGING)
    assert message.startswith(f"{resource.kind} it: ")


KNOWN_BY_NAME = [
    rights("arn:aws:s3:::harbor-*"),
    rights(f"arn:aws:s3:::{THEIR_BUCKET}/*"),
    rights("arn:aws:kms:ap-northeast-1:333333333333:key/1", "kms:Decrypt"),
    rights(iam_arn("role/bulkhead-production"), "sts:AssumeRole"),
    guest({"AWS": iam_arn("role/reader")}),
    role({"AWS": iam_arn("role/restore")}),
    make_resource(t.S3_BUCKET_LOGGING, bucket=BUCKET, targetBucket="harbor-production-logs"),
    make_resource(t.DNS_RECORD, name="harbor.example", type="A", content="192.0.2.1"),
    make_resource(t.ZERO_TRUST_ACCESS_APPLICATION, domain="harbor.example"),
]


@pytest.mark.parametrize("resource", KNOWN_BY_NAME, ids=lambda each: f"{each.kind} {dict(each.props)}"[:90])
def test_where_the_others_settings_cannot_be_read_names_and_accounts_say_enough(resource: ObservedResource) -> None:
    assert found(RULE, resource, context=ALONE)


STAYING: list[ObservedResource] = [
    # What replicates the stage's own vault into an account that is nobody's stage.
    rights("arn:aws:s3:::harbor-staging-vault-replica-999999999999/*", "s3:ReplicateObject"),
    rights("arn:aws:kms:us-west-2:999999999999:key/0f0e0d0c-0000-4000-8000-000000000000", "kms:Encrypt"),
    guest({"AWS": iam_arn("role/harbor-staging-role-replication", "9" * 12)}),
    role({"AWS": iam_arn("role/ci/runner", "9" * 12)}),
    role({"AWS": iam_arn("role/bulkhead-staging", OWN)}),
    role({"Service": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]}),
    role({"Federated": iam_arn("oidc-provider/gitlab.com", OWN)}),
    role({"AWS": iam_arn("root", OWN)}, permissionsBoundary="arn:aws:iam::aws:policy/AWSDenyAll"),
    guest({"Service": "cloudfront.amazonaws.com"}, Condition={"StringEquals": {"aws:SourceAccount": OWN}}),
    guest("*", Condition={"StringNotEquals": {"aws:PrincipalAccount": [THEIRS, "1" * 12]}}, Effect="Deny"),
    guest({"AWS": iam_arn("root", OWN)}, Condition={"ArnNotLike": {"aws:PrincipalArn": iam_arn("role/*")}}),
    rights(f"arn:aws:s3:::{THEIR_BUCKET}/*", "s3:*", Effect="Deny"),
    rights([f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*", "arn:aws:s3:::harbor-staging-*"]),
    rights("arn:aws:s3:::prod-ap-northeast-1-starport-layer-bucket/*"),
    rights("arn:aws:s3:::acme-open-data-*/*"),
    rights("arn:aws:s3:::harbor-staging-home/${aws:username}/*"),
    rights(f"arn:aws:kms:ap-northeast-1:{OWN}:key/*", "kms:Decrypt"),
    rights("arn:aws:ssm:ap-northeast-1::parameter/aws/service/ami-amazon-linux-latest/*", "ssm:GetParameter"),
    rights(f"arn:aws:ssm:ap-northeast-1:{OWN}:parameter/harbor/staging/*", "ssm:GetParameter"),
    rights(f"arn:aws:ses:ap-northeast-1:{OWN}:identity/harbor.example", "ses:SendEmail"),
    rights("*", "cloudwatch:GetMetricData"),
    rights("arn:aws:s3:::*", "s3:ListAllMyBuckets"),
    rights("arn:aws:lambda:*:*:function:harbor-staging-*", "lambda:InvokeFunction"),
    rights(iam_arn("role/rds-monitoring-role", OWN), "iam:PassRole"),
    rights(iam_arn("role/pre-production/reader", OWN), "iam:PassRole"),
    make_resource(t.IAM_ROLE_POLICY, role=UNKNOWN, policy=UNKNOWN),
    make_resource(t.IAM_ROLE_POLICY_ATTACHMENT, role="jobs", policyArn="arn:aws:iam::aws:policy/AWSDenyAll"),
    make_resource(t.S3_BUCKET_LOGGING, bucket=BUCKET, targetBucket=f"harbor-staging-vault-log-{OWN}"),
    make_resource(
        t.CLOUDWATCH_METRIC_ALARM,
        name="harbor-staging-alarm-cpu",
        alarmActions=["arn:aws:automate:ap-northeast-1:ec2:stop"],
        alarmDescription="as in production, where harbor-production-alarm-cpu says it of https://harbor.example",
        dimensions={"TopicName": "harbor-staging-topic-budget"},
    ),
    make_resource(
        t.SCHEDULER_SCHEDULE, target={"arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke", "roleArn": UNKNOWN}
    ),
    make_resource(t.DNS_RECORD, name="www.staging.harbor.example", type="CNAME", content="staging.harbor.example"),
    make_resource(
        t.DNS_RECORD, name="_dmarc.staging.harbor.example", type="TXT", content="v=DMARC1; rua=mailto:a@b.example"
    ),
    make_resource(
        t.DNS_RECORD, name="staging.harbor.example", type="TXT", content="v=spf1 include:harbor.example -all"
    ),
    make_resource(t.DNS_RECORD, name=UNKNOWN, type="A", content=UNKNOWN, comment="beside harbor.example"),
    make_resource(
        t.ZERO_TRUST_ACCESS_APPLICATION, domain="staging.harbor.example", selfHostedDomains=["x.workers.dev"]
    ),
    make_resource(t.ZERO_TRUST_ACCESS_POLICY, includes=[{"emailDomain": {"domain": "harbor.example"}}]),
    make_resource(t.SNS_TOPIC_SUBSCRIPTION, protocol="email", endpoint="ops@harbor.example", topic=UNKNOWN),
    make_resource(
        t.WORKER_VERSION, bindings=[{"type": "plain_text", "name": "NODE_ENV", "text": "production"}, UNKNOWN]
    ),
    make_resource(t.GITHUB_REPOSITORY_RULESET, name="harbor-staging-ruleset", repository="harbor"),
    *(
        make_resource(t.WORKER_VERSION, bindings=[{"type": "plain_text", "name": name, "text": said}])
        for name, said in (
            ("MAIL_DOMAIN", "harbor.example"),
            ("SENDER_DOMAIN", "harbor.example"),
            ("ALLOWED_EMAIL_DOMAINS", "@harbor.example, acme.example"),
            ("COOKIE_DOMAIN", ".staging.harbor.example"),
            ("ORIGINS", "https://*.harbor.example"),
        )
    ),
    make_resource(
        t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE,
        environment="staging",
        variableName="EMAIL_DOMAIN",
        value="harbor.example",
    ),
]


@pytest.mark.parametrize("resource", STAYING, ids=lambda each: f"{each.kind} {dict(each.props)}"[:90])
def test_what_stays_in_the_stage_or_is_nobodys_is_let_be(resource: ObservedResource) -> None:
    assert found(RULE, resource, context=STAGING) == []


def test_what_a_resource_of_the_stack_is_called_by_the_cloud_is_the_stacks_own() -> None:
    topic = make_resource(t.SNS_TOPIC, "topic", name="harbor-staging-topic")
    arn = "arn:aws:sns:ap-northeast-1:000000000000:whatever"
    reading = make_resource(t.SNS_TOPIC_SUBSCRIPTION, sources={"topic": [topic]}, topic=arn)
    assert found(RULE, topic, reading, context=ALONE) == []
    assert found(RULE, replace(reading, depends={}), context=ALONE)


def test_a_boundary_gives_no_rights_over_what_it_names() -> None:
    limit = make_resource(
        t.IAM_POLICY, "limit", name="harbor-staging-boundary", policy=text(Action="s3:*", Resource="arn:aws:s3:::h*")
    )
    bounded = role(
        {"Service": "lambda.amazonaws.com"}, permissionsBoundary=iam_arn("policy/harbor-staging-boundary", OWN)
    )
    assert found(RULE, limit, bounded, context=STAGING) == []
    assert len(found(RULE, limit, context=STAGING)) == 1


@pytest.mark.parametrize(
    ("resource", "action"),
    [
        (f"arn:aws:kms:ap-northeast-1:{OWN}:key/*", "kms:Decrypt"),
        (f"arn:aws:ssm:ap-northeast-1:{OWN}:parameter/*", "ssm:GetParameter"),
        (f"arn:aws:sqs:*:{OWN}:harbor-*", "sqs:ReceiveMessage"),
    ],
)
def test_in_an_account_of_several_stages_an_account_is_no_limit(resource: str, action: str) -> None:
    assert len(found(RULE, rights(resource, action), context=TOGETHER)) == 1
    tagged = {"StringEquals": {"aws:ResourceTag/environment": "staging"}}
    assert found(RULE, rights(resource, action, Condition=tagged), context=TOGETHER) == []
    assert found(RULE, rights(resource.replace(":key/*", f":key/{OWN}"), action), context=STAGING) == []


@pytest.mark.parametrize("name", ["mail.harbor.example", "_dmarc.harbor.example", "harbor.example"])
def test_the_zones_owner_may_have_what_is_nobodys(name: str) -> None:
    production = make_context("production", {"owns": {"zone": True}})
    assert found(RULE, make_resource(t.DNS_RECORD, name=name, type="TXT", content="x"), context=production) == []
    message, *_ = found(RULE, make_resource(t.DNS_RECORD, name="www.staging.harbor.example"), context=production)
    assert "a hostname of staging" in message


def test_development_has_what_pull_requests_make() -> None:
    development = make_context("development")
    ours = rights(["arn:aws:s3:::harbor-pr-*", "arn:aws:s3:::harbor-development-*"])
    assert found(RULE, ours, context=development) == []
    assert found(RULE, ours, context=make_context("pr-4")) == []


def test_a_product_may_be_called_after_a_stage() -> None:
    production = make_context("production", of=replace(PRODUCT, name="staging-tools"))
    named = make_resource(t.IAM_ROLE_POLICY, role="staging-tools-deployer", policy=text(Action="s3:GetObject"))
    assert found(RULE, named, context=production) == []
    assert found(RULE, changed(named, "role", "staging-tools-staging-role-jobs"), context=production)


def test_the_pack_reads_the_settings_of_the_other_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "ROOT", tmp_path)
    write_stage_files(tmp_path, ("staging", "production", "pr-42"))
    (tmp_path / "Pulumi.development.yaml").write_text("config: [")  # whatever is wrong with it, it says nothing
    read = context.read_context(environ())
    assert [each.settings.environment for each in read.others] == ["production"]
    assert found(RULE, make_resource(t.DNS_RECORD, name="harbor.example"), context=read)


def test_no_secret_is_told() -> None:
    hidden = make_resource(
        t.NOTIFICATION_POLICY_WEBHOOKS, name="x", url="https://harbor.example/hook?key=hush", secret="hush"
    )
    (message,) = found(RULE, hidden, context=STAGING)
    assert "hush" not in message


def said(plan: StagePlan) -> set[str]:
    """Return what all rules say of a plan, each message with its resource."""
    stack = ObservedStack(tuple(observed_in(plan)))
    of_one = [
        replace(violation, about=resource)
        for rule in RULES
        if isinstance(rule, Rule)
        for resource in stack.of(*rule.types)
        for violation in rule.judge(resource, STAGING)
    ]
    of_all = [each for rule in RULES if isinstance(rule, StackRule) for each in rule.judge(stack, STAGING)]
    return {str(violation) for violation in (*of_one, *of_all)}


SEEN_IN_A_PLAN_ALONE = {
    "a stack that is read": "the engine shows a policy a reader of stacks, and not which stack it reads",
    "a provider's secret": "what a secret is, only the stage's settings tell",
    "a version's binding to a database": "ids are made by the cloud, and here there is none that has answered",
    "a pattern of trusted runs": "the statement has no principal, and lets nobody in",
}


COMPARED = {
    what: (plant, leak)
    for what, (plant, leak) in PLANTS.items()
    if leak[3] == "production" and what not in SEEN_IN_A_PLAN_ALONE
}


@cache
def said_of(turn: int) -> set[str]:
    """Return what is said when of each resource the plant whose turn it is has been planted, and not without it."""
    of_resource: dict[str, list[Plant]] = {}
    for plant, leak in COMPARED.values():
        of_resource.setdefault(leak[1], []).append(plant)
    plants = [each[turn] for each in of_resource.values() if turn < len(each)]
    return said(reduce(lambda plan, plant: plant(plan), plants, planned("staging"))) - said(planned("staging"))


@pytest.mark.parametrize("what", COMPARED)
def test_what_the_check_of_isolation_finds_the_pack_finds(what: str) -> None:
    resource = COMPARED[what][1][1]
    turn = [each for each, (_, leak) in COMPARED.items() if leak[1] == resource].index(what)
    assert any(message.startswith(resource.partition(" provider of")[0]) for message in said_of(turn))


ODD: tuple[Any, ...] = (
    *(UNKNOWN, None, "", "x", "*", "arn:", "arn:aws:s3:::", "{", "[]", "{}", 7, 0.5, True, [], {}),
    *(
        [UNKNOWN],
        [None],
        ["x"],
        [7],
        [[]],
        [{}],
        {"": None},
        {"a": UNKNOWN},
        {"a": {"b": []}},
        {"Statement": [7, None]},
    ),
    *({"Statement": UNKNOWN}, {"Statement": {"Effect": "Allow", "Principal": [], "Condition": []}}, b"x"),
)


def places(value: Any, at: str = "") -> Iterator[str]:
    """Yield every place in a resource's properties, those in the middle too."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if "." not in str(key):
            yield f"{at}{key}"
            yield from places(item, f"{at}{key}.")


def opened(resource: ObservedResource) -> ObservedResource:
    """Return a resource with its policy document parsed, as a provider may give it."""
    policy = {
        name: json.loads(resource.props[name]) for name in ("policy", "assumeRolePolicy") if name in resource.props
    }
    return replace(resource, props={**resource.props, **policy})


@pytest.mark.parametrize("type_", sorted({each.type for each in (*LEADING_AWAY, *STAYING)}))
def test_no_rule_of_ours_raises_on_any_value(type_: str) -> None:
    ours = [rule for rule in RULES if rule.name in NEW]
    assert len(ours) == len(NEW)
    mine = [each for each in (*LEADING_AWAY, *STAYING) if each.type == type_ and UNKNOWN not in each.props.values()]
    for resource in map(opened, mine[:2]):
        for place in places(resource.props):
            for value in ODD:
                odd = changed(resource, place, value)
                assert [len(found(rule, odd, context=STAGING)) >= 0 for rule in ours]
