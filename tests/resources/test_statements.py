"""AWS's policy documents as statements: what is legal in one, however it is spelt."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources.statements import Statement, account_of, action_matches, matches, statements
from bulkhead.resources.values import MISSING, UNKNOWN

OWN = "222222222222"
BUCKET = "arn:aws:s3:::harbor-staging-vault"


def one(**said: Any) -> Statement:
    (statement,) = statements({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **said}]})
    return statement


def test_single_values_and_lists_are_the_same() -> None:
    single = {"Sid": "A", "Effect": "Deny", "Principal": {"AWS": OWN}, "Action": "s3:*", "Resource": BUCKET}
    several = {"Sid": "A", "Effect": "Deny", "Principal": {"AWS": [OWN]}, "Action": ["s3:*"], "Resource": [BUCKET]}
    wanted = Statement("A", "Deny", (("AWS", OWN),), ("s3:*",), (BUCKET,))
    assert statements({"Statement": single}) == statements({"Statement": [several]}) == (wanted,)
    assert wanted.denies
    assert not wanted.allows


@pytest.mark.parametrize("document", [UNKNOWN, MISSING, {}, {"Statement": UNKNOWN}, {"Statement": [UNKNOWN]}, [], 7])
def test_no_document_has_no_statements(document: Any) -> None:
    assert statements(document) == ()


def test_what_is_left_out_is_read_too() -> None:
    statement = one(NotPrincipal={"AWS": OWN}, NotAction="s3:Get*", NotResource=[BUCKET])
    assert statement.not_principals == (("AWS", OWN),)
    assert statement.for_anybody
    assert statement.applies_to("s3:PutObject")
    assert not statement.applies_to("S3:GETOBJECT")
    assert statement.covers(f"{BUCKET}/a")
    assert not statement.covers(BUCKET)


@pytest.mark.parametrize(
    ("principal", "pairs", "anybody"),
    [
        ("*", (("*", "*"),), True),
        ({"AWS": "*"}, (("AWS", "*"),), True),
        ({"AWS": [OWN, "*"]}, (("AWS", OWN), ("AWS", "*")), True),
        ({"Service": "s3.amazonaws.com"}, (("Service", "s3.amazonaws.com"),), False),
        ({"Service": "s3.amazonaws.com", "AWS": OWN}, (("Service", "s3.amazonaws.com"), ("AWS", OWN)), False),
        ({"AWS": UNKNOWN}, (), False),
        ({"AWS": [UNKNOWN, "*"]}, (("AWS", "*"),), True),
        (UNKNOWN, (), False),
    ],
)
def test_who_is_meant(principal: Any, pairs: tuple[tuple[str, str], ...], anybody: bool) -> None:
    statement = one(Principal=principal)
    assert statement.principals == pairs
    assert statement.for_anybody is anybody
    assert statement.services == tuple(who for kind, who in pairs if kind == "Service")


def test_strangers_are_other_accounts() -> None:
    own = [OWN, f"arn:aws:iam::{OWN}:root", f"arn:aws:sts::{OWN}:assumed-role/bulkhead/run"]
    foreign = ["333333333333", "arn:aws:iam::333333333333:role/x", "AIDAEXAMPLE"]
    assert one(Principal={"AWS": [*own, *foreign, "*"]}).strangers(OWN) == tuple(foreign)


@pytest.mark.parametrize(
    ("condition", "confined"),
    [
        ({"StringEquals": {"aws:SourceAccount": OWN}}, True),
        ({"StringEquals": {"AWS:SourceOwner": [OWN]}}, True),
        ({"StringLike": {"kms:CallerAccount": OWN}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{OWN}:*"}}, True),
        ({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{OWN}:*"}}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::harbor-staging-vault"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:harbor-staging-vault"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:somebodys"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/x"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:PrincipalAccount": OWN}}, True),
        ({"Bool": {"aws:SecureTransport": True}, "StringEquals": {"aws:SourceAccount": OWN}}, True),
        ({}, False),
        ({"StringEquals": {"aws:SourceAccount": "333333333333"}}, False),
        ({"StringEquals": {"aws:SourceAccount": [OWN, "333333333333"]}}, False),
        ({"StringEquals": {"aws:SourceAccount": []}}, False),
        ({"StringLike": {"aws:SourceAccount": "*"}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": OWN}}, False),
        ({"StringEqualsIfExists": {"aws:SourceAccount": OWN}}, False),
        ({"ForAllValues:StringEquals": {"aws:SourceAccount": OWN}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:budgets::*:*"}}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::somebodys"}}, False),
        ({"StringEquals": {"aws:RequestedRegion": OWN}}, False),
    ],
)
def test_what_keeps_other_accounts_out(condition: Any, confined: bool) -> None:
    statement = one(Principal="*", Condition=condition)
    assert statement.confined_to(OWN, "harbor-staging-") is confined


def test_a_service_says_what_it_encrypts_and_anybody_else_says_what_they_like() -> None:
    context = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{OWN}:*"}}
    service = {"Service": "logs.eu-west-1.amazonaws.com"}
    assert one(Principal=service, Condition=context).confined_to(OWN)
    assert not one(Principal={**service, "AWS": "*"}, Condition=context).confined_to(OWN)
    assert not one(Principal={"AWS": "*"}, Condition={"StringEquals": {"kms:EncryptionContext:a": OWN}}).confined_to(
        OWN
    )


def test_a_bucket_is_nobodys_where_no_name_is_given() -> None:
    assert not one(Condition={"ArnEquals": {"aws:SourceArn": BUCKET}}).confined_to(OWN)


def test_what_must_hold() -> None:
    conditions = {"Bool": {"aws:MultiFactorAuthPresent": True}, "BoolIfExists": {"aws:ViaAWSService": False}}
    assert list(one(Condition=conditions).requires()) == [("aws:multifactorauthpresent", ("true",))]


@pytest.mark.parametrize(
    "condition", [UNKNOWN, {"StringEquals": UNKNOWN}, {"StringEquals": {"aws:SourceAccount": [OWN, UNKNOWN]}}]
)
def test_a_condition_that_is_not_known_yet_is_not_taken_for_none(condition: Any) -> None:
    known = {"Effect": "Allow", "Principal": "*"}
    assert len(statements({"Statement": [{**known, "Condition": condition}, known]})) == 1


@pytest.mark.parametrize(
    ("pattern", "name", "same"),
    [
        ("*", "anything\nat all", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:?etObject", "s3:GetObject", True),
        ("s3:Get", "s3:GetObject", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b.[x]/*", "arn:aws:s3:::b.[x]/", True),
        ("arn:aws:s3:::b.x", "arn:aws:s3:::bax", False),
    ],
)
def test_wildcards_are_amazons_and_no_others(pattern: str, name: str, same: bool) -> None:
    assert matches(pattern, name) is same


def test_only_actions_have_no_case() -> None:
    assert action_matches("S3:get*", "s3:GetObject")
    assert not matches("S3:get*", "s3:GetObject")


@pytest.mark.parametrize(
    ("principal", "account"),
    [(OWN, OWN), (f"arn:aws-cn:iam::{OWN}:root", OWN), ("arn:aws:s3:::b", None), ("arn:aws:iam::*:root", None)],
)
def test_an_arn_says_its_account(principal: str, account: str | None) -> None:
    assert account_of(principal) == account
