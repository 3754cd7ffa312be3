"""The role that deploys has the rights that AWS's own handlers need for the same resources, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.iam import Grant
from bulkhead.model.product import StageSecret
from bulkhead.model.roles import Role
from bulkhead.resources import types as t
from bulkhead.resources.aws.describe_handlers import FILE
from bulkhead.resources.statements import action_matches
from identities.permissions import grants
from infra.product import PRODUCT
from tests.support.settings_fixture import make_settings
from tests.support.stages import JOBS

HANDLERS: Mapping[str, Mapping[str, str]] = json.loads(FILE.read_text())["types"]
WITH_JOBS = replace(PRODUCT, secrets=(*PRODUCT.secrets, StageSecret("mailKey", jobs=True)))
STAGES = ("development", "staging", "production")
NO_HANDLERS = {t.BUDGET: "AWS publishes none: CloudFormation makes budgets in an older way"}
# What the role may and no handler names. Source of the last three: terraform-provider-aws, internal/service.
OTHERWISE_NEEDED = {
    "s3:AbortMultipartUpload": "`bulkhead destroy` empties a bucket first",
    "s3:DeleteObjectVersion": "`bulkhead destroy` empties a bucket first",
    "s3:ListBucketMultipartUploads": "`bulkhead destroy` empties a bucket first",
    "s3:ListBucketVersions": "`bulkhead destroy` empties a bucket first",
    "lambda:ListVersionsByFunction": "the provider asks for the newest version of a function",
    "ssm:DescribeParameters": "the provider reads a parameter's description from the list",
    "ssm:GetParameter": "the provider reads one parameter at a time",
}
# What handlers read and the provider does not, because it has a resource of its own for each, of which we make none.
NOT_READ = {
    "kms:decrypt",  # of variables that a key of one's own encrypts
    "logs:describeindexpolicies",
    "logs:describeresourcepolicies",
    "logs:getdataprotectionpolicy",
    "s3:getanalyticsconfiguration",
    "s3:getintelligenttieringconfiguration",
    "s3:getinventoryconfiguration",
    "s3:getmetricsconfiguration",
    "sns:getdataprotectionpolicy",
}
# What handlers write for properties that no resource of the program has.
NOT_WRITTEN = {"kms:disablekey", "sns:putdataprotectionpolicy"}
# The same of a function: networks, file systems, layers, signatures, a key of its own, code in a bucket, concurrency;
# and of a log group: indexes, data protection, delivery elsewhere.
_NOT_WRITTEN_FOR_JOBS = """
    ec2:describenetworkinterfaces ec2:describesecuritygroups ec2:describesubnets ec2:describevpcs
    elasticfilesystem:describemounttargets firehose:tagdeliverystream kms:creategrant kms:decrypt kms:encrypt
    kms:generatedatakey lambda:deletefunctioncodesigningconfig lambda:deletefunctionconcurrency
    lambda:getcodesigningconfig lambda:getlayerversion lambda:passcapacityprovider lambda:publishversion
    lambda:putfunctioncodesigningconfig lambda:putfunctionconcurrency lambda:putfunctionrecursionconfig
    lambda:putfunctionscalingconfig lambda:putruntimemanagementconfig logs:createlogdelivery
    logs:deletedataprotectionpolicy logs:deleteindexpolicy logs:deleteresourcepolicy logs:describeindexpolicies
    logs:describeresourcepolicies logs:getdataprotectionpolicy logs:putbearertokenauthentication
    logs:putdataprotectionpolicy logs:putindexpolicy logs:putloggroupdeletionprotection logs:putresourcepolicy
    s3:getobject s3:getobjectversion s3:rest.put.object s3files:listmounttargets
"""
NOT_WRITTEN_FOR_JOBS = set(_NOT_WRITTEN_FOR_JOBS.split())
OF_JOBS = {t.CLOUDWATCH_LOG_GROUP, t.LAMBDA_FUNCTION, t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG}


def deploying(stage: str) -> list[Grant]:
    settings = make_settings(stage)
    scope = aws_scope_of(settings.label(WITH_JOBS.name), settings)
    granted = grants(Role.DEPLOY, scope, WITH_JOBS, JOBS)
    return [each for each in granted if each.types and not each.denies]


def needed(types: Iterable[str], *verbs: str) -> set[str]:
    return {
        action
        for type_ in types
        for verb, said in HANDLERS.get(type_, {}).items()
        if not verbs or verb in verbs
        for action in said.split()
    }


def unmet(stage: str, actions: Iterable[str]) -> set[str]:
    allowed = [action.lower() for grant in deploying(stage) for action in grant.actions]
    return {each for each in actions if not any(action_matches(pattern, each) for pattern in allowed)}


def beyond(granted: Iterable[Grant]) -> set[str]:
    return {
        action
        for grant in granted
        if not set(grant.types) <= set(NO_HANDLERS)
        for action in grant.actions
        if not any(action_matches(action.lower(), each) for each in needed(grant.types))
    }


def types_of(stage: str) -> set[str]:
    return {type_ for grant in deploying(stage) for type_ in grant.types}


def test_every_type_that_the_role_manages_has_its_handlers_or_a_reason() -> None:
    assert {each for stage in STAGES for each in types_of(stage)} - set(HANDLERS) == set(NO_HANDLERS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_role_may_nothing_that_no_handler_needs(stage: str) -> None:
    assert beyond(deploying(stage)) <= set(OTHERWISE_NEEDED)


def test_no_reason_is_given_for_what_a_handler_needs() -> None:
    assert {each for stage in STAGES for each in beyond(deploying(stage))} == set(OTHERWISE_NEEDED)


def test_a_right_too_many_is_seen() -> None:
    topics = next(grant for grant in deploying("staging") if t.SNS_TOPIC in grant.types)
    assert beyond([replace(topics, actions=[*topics.actions, "sns:AddPermission"])]) == {"sns:AddPermission"}


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_handler_reads_the_role_may_read(stage: str) -> None:
    assert unmet(stage, needed(types_of(stage), "read")) == NOT_READ - {"sns:getdataprotectionpolicy"}


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_handler_writes_the_role_may_write(stage: str) -> None:
    """Of a bucket, whose handler writes two dozen properties that we never set, an up with enforced rights tells."""
    whole = {each for each in types_of(stage) - OF_JOBS if not each.startswith("aws:s3/")}
    own = {each for each in needed(whole, "create", "update") if not each.startswith("iam:")}
    removal = {"kms:schedulekeydeletion"} if stage == "production" else set()
    assert unmet(stage, own) == NOT_WRITTEN
    assert unmet(stage, needed(whole, "delete")) == removal
    assert unmet(stage, needed(OF_JOBS, "create", "update", "delete")) == NOT_WRITTEN_FOR_JOBS
