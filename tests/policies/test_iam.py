"""Rules about IAM: a compliant baseline of each, broken one field at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.naming import Label
from bulkhead.model.roles import Role
from bulkhead.model.trust import trust
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.statements import action_matches, statements
from bulkhead.resources.values import UNKNOWN
from policies.rules import iam, iam_escalation, iam_trust
from tests.support.policy_scene import changed, found, make_context, make_resource

RULES = {rule.name: rule for rule in (*iam.RULES, *iam_escalation.RULES, *iam_trust.RULES)}
STAGING = make_context("staging")
ACCOUNT = "222222222222"
BUCKET = "arn:aws:s3:::harbor-staging-vault-222222222222"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/harbor-staging-*"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/harbor-staging-boundary"
BOUNDED = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
GITHUB = "token.actions.githubusercontent.com"
SUBJECT = "repo:harbor-inc/harbor:environment:staging"
PUBLISHED = json.loads(aws_managed_policies_data)  # moto keeps what AWS publishes
ESTATE = aws_scope_of(Label("harbor", STAGING.settings.stage, "staging"), STAGING.settings)


def text(*said: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [dict(each) for each in said]})


def allow(action: Any, resource: Any = BUCKET, **more: Any) -> dict[str, Any]:
    return {"Sid": "Some", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policy(
    *said: Mapping[str, Any], of: str = t.IAM_ROLE_POLICY, name: str = "rights", **props: Any
) -> ObservedResource:
    return make_resource(of, name, policy=text(*said), **props)


def role(*said: Mapping[str, Any], name: str = "deploy", **props: Any) -> ObservedResource:
    trusted = text(*said) if said else json.dumps(trust(Role.DEPLOY, ESTATE, STAGING.settings))
    return make_resource(
        t.IAM_ROLE, name, **{"assumeRolePolicy": trusted, "permissionsBoundary": BOUNDARY, "name": name, **props}
    )


ROLE = role()
RIGHTS = policy(
    allow(["s3:GetObject", "s3:Put*"], f"{BUCKET}/*"),
    allow("sns:Get*", f"arn:aws:sns:ap-northeast-1:{ACCOUNT}:harbor-staging-topic-alarms"),
    deny("*"),
)


class TestWildcardAction:
    rule = RULES["iam-wildcard-action"]

    @pytest.mark.parametrize("action", ["*", "s3:*", "S3:*", ["s3:GetObject", "iam:*"], "s?:GetObject", "*:*", "s3:**"])
    def test_actions_have_names(self, action: Any) -> None:
        assert found(self.rule, ROLE, RIGHTS) == []
        assert len(found(self.rule, RIGHTS, policy(allow(action)))) == 1

    def test_not_action_allows_all_that_nobody_thought_of(self) -> None:
        said = {"Effect": "Allow", "NotAction": "iam:*", "Resource": BUCKET}
        assert len(found(self.rule, policy(said))) == 1
        assert found(self.rule, policy({**said, "Effect": "Deny"})) == []

    @pytest.mark.parametrize("type_", [t.IAM_POLICY, t.IAM_ROLE_POLICY, t.IAM_USER_POLICY, t.IAM_GROUP_POLICY])
    def test_wherever_it_stands(self, type_: str) -> None:
        assert len(found(self.rule, policy(allow("s3:*"), of=type_))) == 1

    def test_inside_a_role_too(self) -> None:
        inline = [{"name": "one", "policy": UNKNOWN}, {"name": "two", "policy": text(allow("s3:*"))}]
        assert len(found(self.rule, role(inlinePolicies=inline))) == 1
        assert len(found(self.rule, role({**FROM_GITHUB, "Action": "sts:*"}))) == 1
        as_document = make_resource(t.IAM_ROLE_POLICY, policy=json.loads(text(allow("s3:*"))))
        assert len(found(self.rule, as_document)) == 1

    def test_what_is_known_later_is_judged_later(self) -> None:
        unknown = make_resource(t.IAM_ROLE_POLICY, policy=UNKNOWN)
        assert len(found(self.rule, unknown, role(UNKNOWN_TRUST), policy(allow("s3:*")))) == 1

    def test_other_documents_are_judged_elsewhere(self) -> None:
        key = policy(allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), of=t.KMS_KEY_POLICY)
        assert found(self.rule, key) == []


UNKNOWN_TRUST = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:kms:*:*:key/*",
        "arn:aws:lambda:*:*:function:*",
        "arn:aws:ssm:*:*:parameter/*",
        "arn:aws:logs:*:*:log-group:*:*",
        "arn:aws:iam::*:role/*",
        "arn:aws:s3:::*vault*",
        "arn:aws:s3:::?*/backups/*",
        "arn:aws:s3:::${aws:PrincipalTag/team}-vault/*",
        "arn:aws:s3:*:*:accesspoint/*",
        "arn:aws:route53:::hostedzone/*",
        "arn:aws:elasticloadbalancing:*:*:listener/app/*",
        "arn:aws:elasticloadbalancing:ap-northeast-1::targetgroup/*/*",
        "arn:aws:apigateway:ap-northeast-1::/restapis/*",
        "arn:aws:apigateway:*::/restapis/*/stages/*",
        "arn:aws:cloudfront::*:distribution/*",
        "arn:aws:logs:*:*:log-group:/aws/lambda/*",
        "arn:aws:sns:*:*:*",
        "arn:aws:secretsmanager:*:*:secret:*",
        "arn:aws:execute-api:*:*:*",
        "arn:aws:route53:::hostedzone/Z*",
        "arn:aws:cloudfront::*:distribution/E*",
        "arn:aws:ec2:*:*:instance/i-*",
        "arn:aws:ec2:*:*:volume/vol-0*",
        "arn:aws:ec2:*:*:security-group/sg-*",
        "arn:aws:kms:*:*:key/mrk-*",
        "arn:aws:cognito-idp:*:*:userpool/ap-northeast-1_*",
    ],
)
def test_every_account_and_region_is_every_resource(resource: str) -> None:
    assert len(found(RULES["iam-wildcard-resource"], policy(allow("kms:Decrypt", resource)))) == 1


@pytest.mark.parametrize(
    "resource",
    [
        f"arn:aws:kms:ap-northeast-1:{ACCOUNT}:key/*",
        f"arn:aws:elasticloadbalancing:ap-northeast-1:{ACCOUNT}:listener/app/*",
        "arn:aws:sqs:*:*:harbor-staging-*",
        "arn:aws:s3:::harbor-staging-vault-*/database/*",
        "arn:aws:route53:::hostedzone/Z0123456789ABC",
        "arn:aws:ec2:*:*:key-pair/acme-*",
        "arn:aws:ec2:ap-northeast-1::image/ami-*",
        "arn:aws:ec2:*:*:instance/i-0abc*",
        "arn:aws:ec2:*:222222222222:instance/i-*",
        "arn:aws:lambda:*:*:function:acme-*",
        "arn:aws:route53:::change/C2682N5HXP0BZ4/*",
        "arn:aws:apigateway:ap-northeast-1::/restapis/a1b2c3d4e5/*",
        "arn:aws:execute-api:*:*:a1b2c3d4e5/*",
        "arn:aws:elasticloadbalancing:*:*:listener/app/harbor-staging-web/*",
        "arn:aws:ssm:*:*:parameter/harbor/staging/*",
        "arn:aws:ssm:ap-northeast-1::parameter/aws/service/*",
        "arn:aws:bedrock:ap-northeast-1::foundation-model/*",
        "arn:aws:logs:*:*:log-group:/aws/lambda/harbor-staging-*",
    ],
)
def test_an_account_or_a_name_is_a_limit(resource: str) -> None:
    assert found(RULES["iam-wildcard-resource"], policy(allow("kms:Decrypt", resource))) == []


@pytest.mark.parametrize(
    "action",
    ["elasticloadbalancing:DescribeLoadBalancers", "dynamodb:ListTables", "iam:GetAccountAuthorizationDetails"],
)
def test_what_aws_asks_about_no_resource_is_let_be(action: str) -> None:
    assert found(RULES["iam-wildcard-resource"], policy(allow(action, "*"))) == []


def test_a_budget_attaches_no_policy_for_administrators() -> None:
    action = make_resource(
        t.BUDGET_ACTION,
        definition={
            "iamActionDefinition": {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "roles": ["x"]}
        },
    )
    rule = RULES["iam-broad-managed-policy"]
    assert len(found(rule, action)) == 1
    assert found(rule, changed(action, "definition.iamActionDefinition.policyArn", BOUNDARY)) == []


class TestBoundaries:
    """A boundary may allow broadly, because it only limits; the same policy attached to somebody may not."""

    bounding = make_resource(
        t.IAM_POLICY,
        "boundary",
        name="harbor-staging-boundary",
        arn=UNKNOWN,
        policy=text(allow("*", "*"), deny("iam:*")),
    )
    names = ("iam-wildcard-action", "iam-wildcard-resource", "iam-escalation")

    def count(self, *resources: ObservedResource) -> list[int]:
        return [len(found(RULES[name], *resources)) for name in self.names]

    def test_by_where_its_arn_comes_from(self) -> None:
        unknown = make_resource(
            t.IAM_ROLE, sources={"permissionsBoundary": [self.bounding]}, permissionsBoundary=UNKNOWN
        )
        assert self.count(self.bounding, unknown) == [0, 0, 0]

    @pytest.mark.parametrize("arn", [BOUNDARY, "arn:aws:iam::222222222222:policy/harbor-staging-boundary"])
    def test_by_its_name(self, arn: str) -> None:
        assert self.count(self.bounding, role(permissionsBoundary=arn)) == [0, 0, 0]
        with_path = changed(self.bounding, "path", "/elsewhere/")
        assert self.count(with_path, role(permissionsBoundary=arn)) == [1, 1, 1]

    def test_as_what_others_must_have(self) -> None:
        writing = policy(allow("iam:PutRolePolicy", ROLES, Condition=BOUNDED))
        assert self.count(self.bounding, writing) == [0, 0, 0]
        unknown = make_resource(t.IAM_ROLE_POLICY, sources={"policy": [self.bounding]}, policy=UNKNOWN)
        assert self.count(self.bounding, unknown) == [0, 0, 0]

    def test_attached_it_gives_rights(self) -> None:
        attached = make_resource(
            t.IAM_ROLE_POLICY_ATTACHMENT, policyArn=UNKNOWN, sources={"policyArn": [self.bounding]}
        )
        assert self.count(self.bounding, ROLE, attached) == [1, 1, 1]
        assert self.count(self.bounding, ROLE, role(managedPolicyArns=[BOUNDARY])) == [1, 1, 1]

    def test_nobodys_boundary_is_a_policy(self) -> None:
        assert self.count(self.bounding, role(permissionsBoundary=f"{BOUNDARY}-2")) == [1, 1, 1]
        assert self.count(self.bounding, role(permissionsBoundary=UNKNOWN)) == [1, 1, 1]


class TestWildcardResource:
    rule = RULES["iam-wildcard-resource"]

    @pytest.mark.parametrize(
        "resource", ["*", ["*"], [BUCKET, "*"], "arn:aws:s3:::*", "arn:aws:s3:::*/*", "arn:*", "arn:aws:*:*:*:*", "**"]
    )
    def test_resources_have_names(self, resource: Any) -> None:
        assert found(self.rule, RIGHTS) == []
        assert len(found(self.rule, RIGHTS, policy(allow("s3:GetObject", resource)))) == 1

    def test_not_resource_allows_all_that_nobody_thought_of(self) -> None:
        said = {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": BUCKET}
        assert len(found(self.rule, policy(said))) == 1
        assert found(self.rule, policy({**said, "Effect": "Deny"})) == []
        assert len(found(self.rule, policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}))) == 1

    @pytest.mark.parametrize(
        "action",
        [
            "sts:GetCallerIdentity",
            "STS:getcalleridentity",
            "s3:ListAllMyBuckets",
            ["kms:ListAliases", "kms:ListKeys"],
            "iam:List*",
            "iam:ListRoles",
            "ecr:GetAuthorizationToken",
            "logs:DescribeLogGroups",
            ["secretsmanager:BatchGetSecretValue", "iam:GetCredentialReport"],
            ["logs:GetQueryResults", "logs:StopQuery", "cloudfront:ListCachePolicies"],
            ["ecr-public:GetAuthorizationToken", "cognito-idp:ListUserPools", "kinesis:ListStreams"],
            ["elasticloadbalancing:Describe*", "xray:GetSampling*", "ssmmessages:OpenDataChannel"],
            ["acm:RequestCertificate", "transcribe:StartTranscriptionJob", "ses:VerifyEmailIdentity"],
            ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "kms:GenerateRandom", "polly:SynthesizeSpeech"],
        ],
    )
    def test_some_actions_are_about_no_resource(self, action: Any) -> None:
        assert found(self.rule, policy(allow(action, "*"))) == []
        both = [*([action] if isinstance(action, str) else action), "kms:Decrypt"]
        (message,) = found(self.rule, policy(allow(both, "*")))
        assert "allows kms:Decrypt on" in message

    @pytest.mark.parametrize(
        "action",
        [
            "iam:UpdateAccountPasswordPolicy",
            "s3:PutAccountPublicAccessBlock",
            "organizations:LeaveOrganization",
            "ec2:DisableEbsEncryptionByDefault",
            "ecr:PutRegistryPolicy",
            "ses:DeleteIdentity",
        ],
    )
    def test_the_whole_account_is_changed_by_its_owner(self, action: str) -> None:
        (message,) = found(self.rule, policy(allow([action, "sts:GetCallerIdentity"], "*")))
        assert f"allows {action}, which changes the whole account" in message
        assert "name the resources" not in message
        owner = make_context("staging", {"owns": {"awsAccount": True}})
        assert found(self.rule, policy(allow(action, "*")), context=owner) == []
        assert len(found(self.rule, policy(allow("s3:GetObject", "*")), context=owner)) == 1

    def test_metrics_need_a_namespace(self) -> None:
        metrics = allow("cloudwatch:PutMetricData", "*")
        inside = {"StringEquals": {"cloudwatch:namespace": "harbor/staging"}}
        assert found(self.rule, policy({**metrics, "Condition": inside})) == []
        (message,) = found(self.rule, policy(metrics))
        assert "fix: demand StringEquals of cloudwatch:namespace" in message  # there is no resource to name
        anywhere = {"StringLike": {"cloudwatch:namespace": "*"}}
        assert len(found(self.rule, policy({**metrics, "Condition": anywhere}))) == 1

    @pytest.mark.parametrize(
        ("condition", "count"),
        [
            ({"StringEquals": {"aws:ResourceTag/environment": "staging"}}, 0),
            ({"StringEquals": {"aws:ResourceTag/stage": "staging"}}, 0),
            ({"StringLike": {"kms:ResourceAliases": "alias/harbor-staging-*"}}, 0),
            ({"StringEquals": {"aws:ResourceTag/environment": "production"}}, 1),
            ({"StringEquals": {"aws:ResourceTag/environment": ["staging", "production"]}}, 1),
            ({"StringLike": {"aws:ResourceTag/environment": "*"}}, 1),
            ({"StringEqualsIfExists": {"aws:ResourceTag/environment": "staging"}}, 1),
            ({"StringNotEquals": {"aws:ResourceTag/environment": "staging"}}, 1),
            ({"StringEquals": {"aws:RequestTag/environment": "staging"}}, 1),
            ({"StringEquals": {"aws:RequestedRegion": "ap-northeast-1"}}, 1),
        ],
    )
    def test_a_tag_of_the_stage_is_as_good_as_a_name(self, condition: Any, count: int) -> None:
        assert len(found(self.rule, policy(allow("kms:Decrypt", "*", Condition=condition)))) == count

    def test_what_is_made_has_only_the_tags_it_is_made_with(self) -> None:
        tagged = {"StringEquals": {"aws:RequestTag/environment": "staging"}}
        assert found(self.rule, policy(allow("sqs:CreateQueue", "*", Condition=tagged))) == []
        other = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*", "Condition": tagged}
        assert len(found(self.rule, policy(other))) == 1

    def test_what_is_known_later_is_judged_later(self) -> None:
        unknown = make_resource(t.IAM_ROLE_POLICY, policy=UNKNOWN)
        assert len(found(self.rule, unknown, policy(allow("s3:GetObject", "*")))) == 1


@pytest.mark.parametrize(
    "name",
    [
        "AdministratorAccess",
        "AdministratorAccess-Amplify",
        "PowerUserAccess",
        "IAMFullAccess",
        "AmazonS3FullAccess",
        "AWSLambda_FullAccess",
        "ReadOnlyAccess",
        "AmazonS3ReadOnlyAccess",
        "SecretsManagerReadWrite",
        "AWSKeyManagementServicePowerUser",
        "job-function/SystemAdministrator",
        "AWSLambdaExecute",
        "service-role/AWSLambdaSQSQueueExecutionRole",
        "service-role/AWSBackupServiceRolePolicyForBackup",
        "AmazonSSMManagedInstanceCore",
        "SecurityAudit",
        "job-function/ViewOnlyAccess",
        "ANameThatAwsMayPublishTomorrow",
    ],
)
def test_aws_own_policies_for_administrators_are_not_attached(name: str) -> None:
    rule = RULES["iam-broad-managed-policy"]
    narrow = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    ours = f"arn:aws:iam::{ACCOUNT}:policy/harbor-staging-FullAccess"
    types = (t.IAM_ROLE_POLICY_ATTACHMENT, t.IAM_POLICY_ATTACHMENT, t.IAM_USER_POLICY_ATTACHMENT)
    for type_ in types:
        fine = [make_resource(type_, policyArn=arn) for arn in (UNKNOWN, narrow, ours)]
        assert found(rule, *fine) == []
        assert len(found(rule, *fine, make_resource(type_, policyArn=f"arn:aws:iam::aws:policy/{name}"))) == 1
    assert found(rule, ROLE, role(managedPolicyArns=UNKNOWN), role(managedPolicyArns=[UNKNOWN, narrow])) == []
    assert len(found(rule, role(managedPolicyArns=[UNKNOWN, f"arn:aws-cn:iam::aws:policy/{name}"]))) == 1


# What only adds to what is watched, or to the network of a function, of which AWS's own role cannot know the names.
ADDING = ("logs:Create*", "logs:Put*", "logs:Describe*", "xray:*", "ec2:*NetworkInterface*", "ec2:*PrivateIpAddresses")


@pytest.mark.parametrize("name", sorted(iam.NARROW))
def test_a_policy_of_aws_that_may_be_attached_reaches_nothing_of_another_stage(name: str) -> None:
    found_in = PUBLISHED[name]["Document"]
    for statement in statements(found_in):
        assert statement.resources
        named = all("*" not in one.split(":", 5)[-1].partition("-")[0] for one in statement.resources)
        left = {action for action in iam.with_resource(statement) if not any(action_matches(a, action) for a in ADDING)}
        assert statement.denies or named or not left, left


@pytest.mark.parametrize(
    "type_",
    [
        t.IAM_USER,
        t.IAM_ACCESS_KEY,
        t.IAM_USER_LOGIN_PROFILE,
        t.IAM_USER_POLICY,
        t.IAM_USER_POLICY_ATTACHMENT,
        t.IAM_GROUP,
    ],
)
def test_nobody_has_a_lasting_key(type_: str) -> None:
    rule = RULES["iam-user-or-key"]
    assert found(rule, ROLE, RIGHTS) == []
    (message,) = found(rule, make_resource(type_, user="somebody", secret="canary", password="canary"))
    assert "canary" not in message


class TestEscalation:
    rule = RULES["iam-escalation"]

    def test_a_boundary_that_a_refusal_demands_is_not_rewritten(self) -> None:
        wanted = deny(
            ["iam:CreateRole", "iam:PutRolePolicy"],
            Condition={"StringNotEquals": {"iam:PermissionsBoundary": BOUNDARY}},
        )
        writes = allow(["iam:CreateRole", "iam:PutRolePolicy"], ROLES)
        policies = f"arn:aws:iam::{ACCOUNT}:policy/harbor-staging-*"
        assert found(self.rule, policy(writes, wanted)) == []
        assert len(found(self.rule, policy(writes, wanted, allow("iam:CreatePolicyVersion", policies)))) == 1

    def test_a_boundary_whose_arn_is_not_known_yet_is_not_rewritten(self) -> None:
        limit = make_resource(
            t.IAM_POLICY, "limit", name="harbor-staging-boundary", arn=UNKNOWN, policy=text(allow("*", "*"))
        )
        bounded = make_resource(t.IAM_ROLE, permissionsBoundary=UNKNOWN, sources={"permissionsBoundary": [limit]})
        rewriting = policy(allow("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/harbor-staging-*"))
        assert len(found(self.rule, limit, bounded, rewriting)) == 1

    def test_a_refusal_of_one_letter_refuses_no_pattern(self) -> None:
        every = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/*")
        assert len(found(self.rule, policy(every, deny("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/?")))) == 1
        assert found(self.rule, policy(every, deny("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/*"))) == []

    @pytest.mark.parametrize(
        "said",
        [
            allow("iam:PassRole", "*"),
            allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/*"),
            allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/harbor-*"),
            allow("iam:passrole", [ROLES, "*"]),
            allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/h?rbor-staging-deploy"),
            allow("sts:AssumeRole", "*"),
            allow("sts:AssumeRole", "arn:aws:iam::*:role/harbor-staging-*"),
            allow("iam:CreatePolicyVersion", "*"),
            allow("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/harbor-production-*"),
            allow("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
            allow("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/bulkhead-staging"),
            allow("iam:UpdateAssumeRolePolicy", "arn:aws:iam::333333333333:role/harbor-staging-*"),
            allow("iam:PutRolePolicy", ROLES),
            allow("iam:PutRolePolicy", "*", Condition=BOUNDED),
            allow("iam:AttachRolePolicy", ROLES),
            allow("iam:AttachRolePolicy", ROLES, Condition={"StringLike": {"iam:PermissionsBoundary": "*"}}),
            allow("iam:AttachRolePolicy", ROLES, Condition={"ArnLike": {"iam:PermissionsBoundary": f"{BOUNDARY}*"}}),
            allow("iam:AttachRolePolicy", ROLES, Condition={"ArnEquals": {"iam:PolicyARN": BOUNDARY}}),
            allow("iam:CreateRole", ROLES, Condition={"StringEqualsIfExists": BOUNDED["StringEquals"]}),
            allow("iam:PutRolePermissionsBoundary", ROLES),
            allow(
                "iam:PutRolePermissionsBoundary",
                ROLES,
                Condition={"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}},
            ),
            allow("iam:DeleteRolePermissionsBoundary", ROLES, Condition=BOUNDED),
            allow("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/harbor-staging-1"),
            allow("lambda:UpdateFunctionCode", "*"),
            allow("iam:*", ROLES),
            {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "NotResource": ROLES},
            allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/${{aws:PrincipalTag/r}}"),
        ],
    )
    def test_nobody_widens_their_rights(self, said: Any) -> None:
        assert found(self.rule, RIGHTS, WRITING) == []
        assert len(found(self.rule, make_resource(t.IAM_ROLE_POLICY, policy=UNKNOWN), WRITING, policy(said))) == 1
        assert found(self.rule, policy({**said, "Effect": "Deny"})) == []
        assert len(found(self.rule, role(inlinePolicies=[{"policy": text(said)}]))) == 1

    def test_the_names_are_those_of_the_stage(self) -> None:
        by_path = f"arn:aws:iam::{ACCOUNT}:role/harbor/staging/*"
        assert found(self.rule, policy(allow("iam:PassRole", [ROLES, by_path]))) == []
        assert len(found(self.rule, policy(allow("iam:PassRole", by_path)), context=make_context("production"))) == 1
        below = [f"arn:aws:iam::{ACCOUNT}:role/service-role/harbor-{stage}-*" for stage in ("staging", "production")]
        assert [len(found(self.rule, policy(allow("iam:PassRole", each)))) for each in below] == [0, 1]
        for folder in ("role/harbor-production/harbor-staging-x/*", "role/team/harbor-staging-x/*"):
            assert len(found(self.rule, policy(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:{folder}")))) == 1
        exact = f"arn:aws:iam::{ACCOUNT}:role/rds-monitoring-role"
        assert found(self.rule, policy(allow(["iam:PassRole", "sts:AssumeRole"], exact))) == []
        functions = f"arn:aws:lambda:ap-northeast-1:{ACCOUNT}:function:harbor-staging-*"
        assert found(self.rule, policy(allow("lambda:UpdateFunctionCode", functions))) == []

    def test_development_has_the_ephemeral_roles_too(self) -> None:
        said = allow("iam:PassRole", "arn:aws:iam::111111111111:role/harbor-pr-*")
        assert found(self.rule, policy(said), context=make_context("development")) == []

    @pytest.mark.parametrize("operator", ["StringNotEquals", "ArnNotLike"])
    def test_a_deny_sets_the_boundary_too(self, operator: str) -> None:
        writes = ["iam:CreateRole", "iam:PutRolePolicy"]
        without = deny(writes, Condition={operator: {"iam:PermissionsBoundary": BOUNDARY}})
        assert found(self.rule, policy(allow(writes, ROLES), without)) == []
        other = deny("iam:CreateRole", Condition=without["Condition"])
        (message,) = found(self.rule, policy(allow(writes, ROLES), other))
        assert "iam:PutRolePolicy without" in message
        for condition in (
            {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
            {operator: {"iam:PermissionsBoundary": f"{BOUNDARY}*"}},
            {operator: {"iam:PolicyARN": BOUNDARY}},
            {operator: {"iam:PermissionsBoundary": BOUNDARY, "aws:PrincipalTag/a": "b"}},
        ):
            assert len(found(self.rule, policy(allow(writes, ROLES), deny(writes, Condition=condition)))) == 1
        assert len(found(self.rule, policy(allow(writes, ROLES), {**without, "Resource": BUCKET}))) == 1
        more = {**without, "Condition": {**without["Condition"], "Bool": {"aws:MultiFactorAuthPresent": "false"}}}
        assert len(found(self.rule, policy(allow(writes, ROLES), more))) == 1

    def test_a_deny_takes_away(self) -> None:
        assert found(self.rule, policy(allow("iam:*", "*"), deny(["iam:*"]))) == []
        assert len(found(self.rule, policy(allow("iam:PassRole", "*"), deny("iam:PassRole", BUCKET)))) == 1
        outside = {"Effect": "Deny", "Action": "iam:PassRole", "NotResource": ROLES}
        assert found(self.rule, policy(allow("iam:PassRole", "*"), outside)) == []
        too_far = {**outside, "NotResource": f"arn:aws:iam::{ACCOUNT}:role/harbor-*"}
        assert len(found(self.rule, policy(allow("iam:PassRole", "*"), too_far))) == 1

    def test_the_boundary_itself_is_not_rewritten(self) -> None:
        rewrites = allow("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/harbor-staging-*")
        assert found(self.rule, policy(rewrites)) == []
        assert len(found(self.rule, ROLE, policy(rewrites))) == 1
        assert found(self.rule, ROLE, policy(rewrites, deny("iam:CreatePolicyVersion", BOUNDARY))) == []
        assert len(found(self.rule, ROLE, policy(rewrites, deny("iam:CreatePolicyVersion", f"{BOUNDARY}-2")))) == 1
        others = allow("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/harbor-staging-jobs-*")
        assert found(self.rule, ROLE, policy(others)) == []


WRITING = policy(
    allow(
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"],
        ROLES,
        Condition=BOUNDED,
    ),
    allow(["iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:TagRole", "iam:PassRole"], ROLES),
    allow(["iam:GetRole", "iam:ListRolePolicies"], ROLES),
)
FROM_GITHUB: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": SUBJECT}},
}
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def people(who: Any, **condition: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}
    return {**said, "Condition": condition} if condition else said


class TestWildcardTrust:
    rule = RULES["iam-wildcard-trust"]

    @pytest.mark.parametrize(
        "said",
        [
            people("*"),
            people({"AWS": "*"}),
            people({"AWS": ["*", ROOT]}, **MFA),
            people({"AWS": "arn:aws:iam::*:role/deploy"}),
            people({"Federated": "*"}),
            {"Effect": "Allow", "NotPrincipal": {"AWS": ROOT}, "Action": "sts:AssumeRole"},
            {
                **people("*", StringEquals={"aws:SourceAccount": ACCOUNT}),
                "Principal": {},
                "NotPrincipal": {"AWS": ROOT},
            },
            people({"AWS": "arn:aws:iam::333333333333:root"}),
            people({"AWS": "333333333333"}, **MFA),
            people({"AWS": "333333333333"}, ArnLike={"aws:PrincipalArn": "arn:aws:iam::333333333333:role/*"}),
            people({"AWS": "333333333333"}, ArnEquals={"aws:PrincipalArn": "arn:aws:iam::333333333333:root"}),
            people({"AWS": "333333333333"}, ArnEquals={"aws:PrincipalArn": []}),
            people({"AWS": [ROOT, "333333333333"]}, **MFA),
            people({"AWS": ROOT}),
            people({"AWS": ACCOUNT}),
            people({"AWS": ROOT}, Bool={"aws:MultiFactorAuthPresent": "false"}),
            people({"AWS": ROOT}, BoolIfExists=MFA["Bool"]),
            people({"AWS": ROOT}, NumericGreaterThan={"aws:MultiFactorAuthAge": "60"}),
            people({"AWS": ROOT}, NumericLessThan={"aws:EpochTime": "60"}),
            people({"AWS": ROOT}, StringEquals={"aws:PrincipalAccount": ACCOUNT}),
            people({"AWS": ROOT}, ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}),
            people({"AWS": "*"}, StringEquals={"aws:PrincipalAccount": ACCOUNT}),
            *(
                people({"AWS": ROOT}, StringLike={"aws:PrincipalArn": who})
                for who in ("arn:*", "*:role/*", f"arn:aws:iam::{ACCOUNT}:*/*", f"arn:aws:iam::{ACCOUNT}:role*")
            ),
            *(
                people({"AWS": ROOT}, StringEquals={chosen: "deploy"})
                for chosen in ("sts:RoleSessionName", "aws:UserAgent", "aws:RequestTag/a", "sts:ExternalId")
            ),
            people({"AWS": ROOT}, IpAddress={"aws:SourceIp": "0.0.0.0/0"}),
            *(
                people({"Federated": issuer})
                for issuer in (f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com", "accounts.google.com")
            ),
            people({"Federated": "accounts.google.com"}, StringLike={"accounts.google.com:sub": "*"}),
            people({"Federated": "accounts.google.com"}, StringEquals={"accounts.google.com:aud": "us"}),
        ],
    )
    def test_a_role_names_those_who_may_take_it(self, said: Any) -> None:
        assert found(self.rule, ROLE, role(FROM_GITHUB)) == []
        assert len(found(self.rule, changed(ROLE, "assumeRolePolicy", UNKNOWN), role(said))) == 1
        assert found(self.rule, role({**said, "Effect": "Deny"})) == []

    @pytest.mark.parametrize(
        "said",
        [
            people({"Service": ["scheduler.amazonaws.com", "lambda.amazonaws.com"]}),
            people({"AWS": ROOT}, **MFA),
            people({"AWS": ROOT}, NumericLessThan={"aws:MultiFactorAuthAge": "3600"}),
            people({"AWS": ROOT}, ArnEquals={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/bulkhead-staging"}),
            people({"AWS": "*"}, ArnEquals={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/bulkhead-staging"}),
            people({"AWS": [f"arn:aws:iam::{ACCOUNT}:role/bulkhead-staging"]}),
            people({"AWS": "arn:aws:iam::333333333333:role/restore"}),
            people({"AWS": "333333333333"}, ArnEquals={"aws:PrincipalArn": "arn:aws:iam::333333333333:role/restore"}),
            people({"Service": "*.amazonaws.com"}),
        ],
    )
    def test_there_are_many_ways_to_name_them(self, said: Any) -> None:
        assert found(self.rule, role(said)) == []


@pytest.mark.parametrize(
    ("who", "mended"), [("*", False), ({"AWS": "333333333333"}, False), ({"AWS": ROOT}, True)], ids=str
)
def test_a_second_factor_is_asked_for_where_it_mends_the_trust(who: Any, mended: bool) -> None:
    rule = RULES["iam-wildcard-trust"]
    (message,) = found(rule, role(people(who)))
    assert ("second factor" in message) is mended
    assert (found(rule, role(people(who, **MFA))) == []) is mended


class TestSubjects:
    rule = RULES["oidc-subject-not-exact"]

    def trusting(self, *subjects: str, name: str = "deploy") -> ObservedResource:
        equals = {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": list(subjects)}
        return role({**FROM_GITHUB, "Condition": {"StringEquals": equals}}, name=name)

    @pytest.mark.parametrize(
        "subject",
        [
            "repo:harbor-inc/harbor:*",
            "repo:harbor-inc/harbor:environment:*",
            "repo:harbor-inc/harbor:environment:production",
            "repo:harbor-inc/harbor:environment:staging2",
            "repo:harbor-inc/harbor:ref:refs/heads/main",
            "repo:harbor-inc/harbor:pull_request",
            "repo:harbor-inc/other:environment:staging",
            "repo:somebody/harbor:environment:staging",
            "repo:harbor-inc@*/harbor@*:environment:staging",
            "repo:harbor-inc@7/harbor:environment:staging",
            "*",
        ],
    )
    def test_only_the_stages_own_environments(self, subject: str) -> None:
        assert found(self.rule, ROLE, self.trusting(SUBJECT)) == []
        unknown = changed(ROLE, "assumeRolePolicy", UNKNOWN)
        assert len(found(self.rule, unknown, self.trusting(SUBJECT, subject))) == 1

    def test_both_spellings_and_all_identities(self) -> None:
        numbered = "repo:harbor-inc@70/harbor@81:environment:staging"
        assert found(self.rule, self.trusting(SUBJECT, numbered)) == []
        for job in ("operations", "rollback", "preview"):
            assert found(self.rule, self.trusting(f"{SUBJECT}-{job}", f"{numbered}-{job}", name=f"x-{job}")) == []

    def test_a_preview_does_not_deploy(self) -> None:
        assert len(found(self.rule, self.trusting(SUBJECT, f"{SUBJECT}-preview"))) == 1
        (message,) = found(self.rule, self.trusting(f"{SUBJECT}-preview"))
        assert "has preview in its name" in message
        assert found(self.rule, changed(self.trusting(f"{SUBJECT}-preview"), "name", UNKNOWN)) == []

    @pytest.mark.parametrize(
        ("condition", "count"),
        [
            ({}, 2),
            ({"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, 1),
            ({"StringEquals": {f"{GITHUB}:sub": SUBJECT}}, 1),
            ({"StringEquals": {f"{GITHUB}:sub": SUBJECT, f"{GITHUB}:aud": ["sts.amazonaws.com", "other"]}}, 1),
            ({"StringLike": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": SUBJECT}}, 0),
            ({"StringLike": {f"{GITHUB}:aud": "sts.amazonaws.?om", f"{GITHUB}:sub": [SUBJECT, f"{SUBJECT}-*"]}}, 2),
            ({"ForAnyValue:StringEquals": FROM_GITHUB["Condition"]["StringEquals"]}, 0),
            ({**FROM_GITHUB["Condition"], "StringLike": FROM_GITHUB["Condition"]["StringEquals"]}, 0),
            ({**FROM_GITHUB["Condition"], "StringLike": {f"{GITHUB}:sub": "repo:harbor-inc/*"}}, 0),
            ({"ForAllValues:StringEquals": FROM_GITHUB["Condition"]["StringEquals"]}, 2),
            ({"StringEqualsIfExists": FROM_GITHUB["Condition"]["StringEquals"]}, 2),
            ({**FROM_GITHUB["Condition"], "StringLike": {f"{GITHUB}:job_workflow_ref": "harbor-inc/*"}}, 0),
            ({"StringEquals": {f"{GITHUB}:AUD": "sts.amazonaws.com", f"{GITHUB}:Sub": [SUBJECT]}}, 0),
        ],
    )
    def test_both_claims_are_compared_exactly(self, condition: Any, count: int) -> None:
        assert len(found(self.rule, role({**FROM_GITHUB, "Condition": condition}))) == count

    def test_what_is_known_later_is_judged_later(self) -> None:
        half = {"Statement": [{**FROM_GITHUB, "Condition": UNKNOWN}]}
        assert found(self.rule, changed(ROLE, "assumeRolePolicy", half)) == []
        broken = {"Statement": [*half["Statement"], {**FROM_GITHUB, "Condition": {}}]}
        assert len(found(self.rule, changed(ROLE, "assumeRolePolicy", broken))) == 2
        nobody = {"Statement": [{**FROM_GITHUB, "Principal": {"AWS": UNKNOWN}}]}
        names = ("iam-wildcard-trust", "oidc-subject-not-exact")
        assert [found(RULES[name], changed(ROLE, "assumeRolePolicy", nobody)) for name in names] == [[], []]

    def test_the_numbers_are_those_of_the_settings(self) -> None:
        context = make_context("staging", {"github": {"ownerId": 70, "repositoryId": 81}})
        for owner, repository, count in (("70", "81", 0), ("71", "81", 1), ("70", "8", 1), ("170", "81", 1)):
            subject = f"repo:harbor-inc@{owner}/harbor@{repository}:environment:staging"
            assert len(found(self.rule, self.trusting(SUBJECT, subject), context=context)) == count
        assert found(self.rule, self.trusting(SUBJECT), context=context) == []

    @pytest.mark.parametrize(
        ("issuer", "subject", "count"),
        [
            ("gitlab.com", "project_path:*", 1),
            ("gitlab.com", "project_path:harbor/*", 1),
            ("gitlab.com", "project_path:harbor/harbor:*", 1),
            ("gitlab.com", "project_path:harbor/harbor:ref_type:branch:ref:*", 1),
            ("gitlab.com", "project_path:harbor/harbor:ref_type:branch:ref:main", 0),
            ("app.terraform.io", "organization:*", 1),
            ("app.terraform.io", "organization:harbor:*", 1),
            ("app.terraform.io", "organization:harbor:project:*:workspace:staging:run_phase:apply", 1),
            ("app.terraform.io", "organization:harbor:project:p:workspace:staging:run_phase:*", 0),
            ("agent.buildkite.com", "organization:harbor:pipeline:*", 1),
            ("agent.buildkite.com", "organization:harbor:pipeline:d:ref:refs/heads/main:commit:*:step:deploy", 0),
            ("oidc.circleci.com/org/1", "org/1/project/*", 1),
            ("oidc.circleci.com/org/1", "org/1/project/2/user/*", 0),
            ("oidc.eks.ap-northeast-1.amazonaws.com/id/A", "system:serviceaccount:*:*", 1),
            ("oidc.eks.ap-northeast-1.amazonaws.com/id/A", "system:serviceaccount:jobs:backup", 0),
            ("issuer.example", "some?ody", 1),
        ],
    )
    def test_another_issuers_subject_is_exact_but_for_what_numbers_a_run(
        self, issuer: str, subject: str, count: int
    ) -> None:
        who = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}
        trusting = role(people(who, StringLike={f"{issuer}:sub": subject}))
        assert len(found(RULES["iam-wildcard-trust"], trusting)) == count
        assert len(found(RULES["iam-wildcard-trust"], role(people(who, StringLike={f"{issuer}:aud": "x"})))) == 1

    def test_another_issuers_token_names_whom_it_is_of(self) -> None:
        gitlab = people(
            {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com"},
            StringEquals={"gitlab.com:sub": "project_path:harbor/harbor:ref_type:branch:ref:main"},
        )
        cognito = people(
            {"Federated": "cognito-identity.amazonaws.com"},
            StringEquals={"cognito-identity.amazonaws.com:aud": "ap-northeast-1:pool"},
        )
        assert found(RULES["iam-wildcard-trust"], role(gitlab), role(cognito)) == []

    def test_others_have_other_claims(self) -> None:
        saml = people({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/people"})
        assert found(self.rule, role(saml), role(people({"Service": "lambda.amazonaws.com"}))) == []


@pytest.mark.parametrize("value", [..., None, "", "arn:aws:iam::aws:policy/AdministratorAccess"])
def test_every_role_has_a_boundary(value: Any) -> None:
    rule = RULES["role-without-boundary"]
    unknown = role(permissionsBoundary=UNKNOWN)
    assert found(rule, unknown, ROLE) == []
    assert len(found(rule, unknown, changed(ROLE, "permissionsBoundary", value))) == 1


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ([allow("*", "*")], 1),
        ([allow(["*:*"], ["*"])], 1),
        ([{"Effect": "Allow", "NotAction": "organizations:*", "Resource": "*"}], 1),
        ([allow("*", "*"), deny("s3:DeleteBucket")], 1),
        ([allow("*", "arn:*")], 1),
        ([allow("*", "arn:aws:*:*:*:*")], 1),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, allow("iam:*", "*")], 1),
        ([allow("*", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})], 1),
        ([allow("*", "*", Condition={"StringLike": {"aws:PrincipalArn": "*"}})], 1),
        ([allow("*", "*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})], 1),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, allow("iam:PassRole", ROLES)], 0),
        ([allow("*", "*", Condition={"StringEquals": {"aws:ResourceTag/environment": "staging"}})], 0),
        ([allow("*", f"arn:aws:*:*:{ACCOUNT}:*")], 0),
        ([allow("*", "*", Condition={"StringEquals": {"aws:RequestedRegion": "ap-northeast-1"}})], 0),
        ([allow("*", "*"), deny("iam:*")], 0),
        ([{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}], 0),
        ([allow(["s3:*", "kms:*"], "*")], 0),
        ([allow("*", BUCKET)], 0),
    ],
)
def test_a_boundary_leaves_something_out(said: list[dict[str, Any]], count: int) -> None:
    rule = RULES["role-without-boundary"]
    limit = make_resource(t.IAM_POLICY, "limit", name="harbor-staging-boundary", policy=text(*said))
    assert len(found(rule, limit, ROLE)) == count
    unknown = make_resource(t.IAM_ROLE, sources={"permissionsBoundary": [limit]}, permissionsBoundary=UNKNOWN)
    assert len(found(rule, limit, unknown)) == count
    assert found(rule, limit, changed(ROLE, "permissionsBoundary", f"{BOUNDARY}-2")) == []
    assert found(rule, changed(limit, "policy", UNKNOWN), ROLE) == []
    assert found(rule, changed(ROLE, "permissionsBoundary", "arn:aws:iam::aws:policy/job-function/Billing")) == []


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ("arn:aws:scheduler:::aws-sdk:iam:createUser", 1),
        ("arn:aws:scheduler:::aws-sdk:organizations:leaveOrganization", 1),
        ("arn:aws:scheduler:::aws-sdk:lambda:invoke", 0),
        ("arn:aws:lambda:ap-northeast-1:222222222222:function:harbor-staging-iam", 0),
        (UNKNOWN, 0),
        (7, 0),
    ],
)
def test_no_schedule_changes_who_may_do_what(target: Any, count: int) -> None:
    schedule = make_resource(t.SCHEDULER_SCHEDULE, target={"arn": target})
    assert len(found(RULES["schedule-changes-rights"], schedule)) == count
