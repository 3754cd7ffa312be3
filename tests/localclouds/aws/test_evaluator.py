"""Whether AWS would allow it, in Amazon's order: what is not known is an error, never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.aws.evaluator import Context, Identity, Request, UnknownCondition, admits, allows

OBJECT = "arn:aws:s3:::harbor-staging-state/twins/a.json"
GET = Request("s3:GetObject", OBJECT)
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DENY: dict[str, Any] = {**ALLOW, "Effect": "Deny"}
EVERYTHING: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NOBODY: dict[str, Any] = {"Statement": []}
ROOT, STRANGER = "arn:aws:iam::222222222222:root", "arn:aws:iam::999999999999:root"
PROVIDER = "arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"


def role(*statements: Any, boundary: Any = None) -> Identity:
    """A role with one policy for each statement."""
    return Identity("role", tuple({"Statement": [each]} for each in statements), boundary, NOBODY)


def allowed_where(conditions: dict[str, Any], context: Context) -> bool:
    return allows(role({**ALLOW, "Condition": conditions}), Request("s3:GetObject", OBJECT, context))


def trusted(*statements: Any) -> Identity:
    return Identity("role", (), None, {"Statement": list(statements)})


def taken(identity: Identity, kind: str, who: str, context: Context | None = None) -> bool:
    return admits(identity, (kind, who), "sts:AssumeRole", context or {})


class TestOrder:
    """A Deny anywhere wins; then the policies and the boundary must both allow."""

    @pytest.mark.parametrize(
        ("identity", "answer"),
        [
            (role(), False),
            (role(ALLOW), True),
            (role(ALLOW, DENY), False),
            (role(DENY, ALLOW, EVERYTHING), False),
            (role(ALLOW, boundary={"Statement": [ALLOW]}), True),
            (role(ALLOW, boundary={"Statement": [EVERYTHING, DENY]}), False),
            (role(ALLOW, boundary={"Statement": [{**ALLOW, "Action": "kms:*"}]}), False),
            (role(boundary={"Statement": [EVERYTHING]}), False),
            (role(ALLOW, boundary=NOBODY), False),
            (role({**ALLOW, "Effect": "allow"}), False),
        ],
    )
    def test_it_is_amazons(self, identity: Identity, answer: bool) -> None:
        assert allows(identity, GET) is answer

    def test_one_policy_with_several_statements_is_read_to_its_end(self) -> None:
        assert not allows(Identity("role", ({"Statement": [ALLOW, DENY]},), None, NOBODY), GET)

    def test_a_deny_that_is_about_something_else_denies_nothing(self) -> None:
        assert allows(role(ALLOW, {**DENY, "Resource": "arn:aws:s3:::another/*"}), GET)
        assert allows(role(ALLOW, {**DENY, "Action": "s3:PutObject"}), GET)
        assert allows(role(ALLOW, {**DENY, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}), GET)


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ({"Action": "s3:Get*", "Resource": OBJECT}, True),
        ({"Action": "S3:getobject", "Resource": OBJECT}, True),
        ({"Action": ["kms:*", "s3:GetObject"], "Resource": ["x", "arn:aws:s3:::harbor-staging-state/*"]}, True),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::HARBOR-staging-state/*"}, False),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::harbor-staging-state"}, False),
        ({"NotAction": "s3:PutObject", "Resource": "*"}, True),
        ({"NotAction": ["s3:Get*"], "Resource": "*"}, False),
        ({"Action": "s3:*", "NotResource": "arn:aws:s3:::another/*"}, True),
        ({"Action": "s3:*", "NotResource": "arn:aws:s3:::harbor-*"}, False),
    ],
)
def test_actions_and_resources_are_named_or_left_out(statement: dict[str, Any], answer: bool) -> None:
    assert allows(role({"Effect": "Allow", **statement}), GET) is answer


PREFIX = "s3:prefix"
ALIASES = "kms:ResourceAliases"
CALLER = "aws:PrincipalArn"
FACTOR = "aws:MultiFactorAuthPresent"


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "value", "answer"),
    [
        ("StringEquals", PREFIX, "twins/", "twins/", True),
        ("StringEquals", PREFIX, "twins/", "Twins/", False),
        ("StringEquals", PREFIX, "twins/*", "twins/a", False),
        ("StringEquals", PREFIX, ["a", "b"], "b", True),
        ("StringLike", PREFIX, "twins/*", "twins/a/b", True),
        ("StringLike", PREFIX, "twins/?", "twins/ab", False),
        ("stringlike", PREFIX, "twins/*", "twins/a", True),
        ("Bool", FACTOR, "true", "True", True),
        ("Bool", FACTOR, True, "true", True),
        ("Bool", FACTOR, "true", "false", False),
        ("ArnEquals", CALLER, "arn:aws:iam::2:role/*", "arn:aws:iam::2:role/path/deploy", True),
        ("ArnLike", CALLER, "arn:aws:iam::*:role/deploy", "arn:aws:iam::2:role/deploy", True),
        ("ArnLike", CALLER, "arn:aws:iam::*", "arn:aws:iam::2:role/deploy", False),
        ("ArnEquals", CALLER, "arn:aws:*:role/deploy", "arn:aws:iam::2:role/deploy", False),
        ("ForAnyValue:StringEquals", ALIASES, "alias/a", ["alias/b", "alias/a"], True),
        ("ForAnyValue:StringEquals", ALIASES, "alias/a", ["alias/b"], False),
        ("ForAnyValue:StringEquals", ALIASES, "alias/a", [], False),
        ("ForAnyValue:StringLike", ALIASES, "alias/*", "alias/a", True),
    ],
)
def test_an_operator_compares_as_amazon_says(operator: str, key: str, wanted: Any, value: Any, answer: bool) -> None:
    assert allowed_where({operator: {key: wanted}}, {key.swapcase(): value}) is answer


@pytest.mark.parametrize(
    ("operator", "answer"),
    [
        ("StringEquals", False),
        ("Bool", False),
        ("ForAnyValue:StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringLikeIfExists", True),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_a_key_that_a_request_does_not_have(operator: str, answer: bool) -> None:
    assert allowed_where({operator: {PREFIX: "a"}}, {"another:key": "a"}) is answer


def test_if_exists_still_compares_what_there_is() -> None:
    assert not allowed_where({"StringEqualsIfExists": {PREFIX: "a"}}, {PREFIX: "b"})


def test_all_operators_and_all_keys_must_hold() -> None:
    both = {"StringEquals": {PREFIX: "a", "aws:RequestedRegion": "x"}, "Bool": {FACTOR: "true"}}
    whole = {PREFIX: "a", "aws:RequestedRegion": "x", FACTOR: "true"}
    assert allowed_where(both, whole)
    for key in whole:
        assert not allowed_where(both, whole | {key: "else"})


@pytest.mark.parametrize(
    "operator",
    ["StringNotEquals", "ForAllValues:StringEquals", "IpAddress", "Null", "NumericLessThan", "StringEqualz"],
)
@pytest.mark.parametrize("context", [{PREFIX: "a"}, {}], ids=["there", "absent"])
def test_an_operator_that_is_not_known_is_an_error(operator: str, context: Context) -> None:
    with pytest.raises(UnknownCondition, match=operator):
        allowed_where({operator: {PREFIX: "a"}}, context)


@pytest.mark.parametrize(
    "conditions",
    [
        {"Bool": {FACTOR: "true"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringEquals": {PREFIX: "${aws:username}"}},
    ],
)
def test_it_is_one_beside_a_condition_that_fails_anyway(conditions: dict[str, Any]) -> None:
    with pytest.raises(UnknownCondition):
        allowed_where(conditions, {FACTOR: "false"})


def test_several_values_where_one_is_compared_are_an_error() -> None:
    with pytest.raises(UnknownCondition, match="2 values"):
        allowed_where({"StringEquals": {ALIASES: "a"}}, {ALIASES: ["a", "b"]})


@pytest.mark.parametrize("key", ["Resource", "NotResource"])
def test_a_variable_in_a_resource_is_an_error(key: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", key: "arn:aws:s3:::home/${aws:username}/*"}
    with pytest.raises(UnknownCondition, match="aws:username"):
        allows(role(statement), GET)


PEOPLE: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}


class TestTrust:
    @pytest.mark.parametrize(
        ("principal", "kind", "who", "answer"),
        [
            ({"AWS": ROOT}, "AWS", ROOT, True),
            ({"AWS": ROOT}, "AWS", "arn:aws:iam::222222222222:user/somebody", True),
            ({"AWS": "222222222222"}, "AWS", ROOT, True),
            ({"AWS": ROOT}, "AWS", STRANGER, False),
            ({"AWS": "arn:aws:iam::222222222222:role/one"}, "AWS", "arn:aws:iam::222222222222:role/other", False),
            ({"AWS": [STRANGER, ROOT]}, "AWS", ROOT, True),
            ({"AWS": "*"}, "AWS", STRANGER, True),
            ("*", "AWS", STRANGER, True),
            ({"AWS": "*"}, "Federated", PROVIDER, False),
            ({"Federated": PROVIDER}, "Federated", PROVIDER, True),
            ({"Federated": PROVIDER}, "Federated", f"{PROVIDER}/else", False),
            ({"Service": "lambda.amazonaws.com"}, "AWS", ROOT, False),
        ],
    )
    def test_whom_a_principal_takes_in(self, principal: Any, kind: str, who: str, answer: bool) -> None:
        assert taken(trusted({**PEOPLE, "Principal": principal}), kind, who) is answer

    def test_not_principal_takes_in_everybody_else(self) -> None:
        said = {"Effect": "Allow", "NotPrincipal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}
        assert not taken(trusted(said), "AWS", ROOT)
        assert taken(trusted(said), "AWS", STRANGER)

    def test_a_deny_wins_and_nothing_said_is_no(self) -> None:
        assert not taken(trusted(PEOPLE, {**PEOPLE, "Effect": "Deny"}), "AWS", ROOT)
        assert not taken(trusted(), "AWS", ROOT)

    def test_only_the_action_that_is_asked_for_counts(self) -> None:
        federated = trusted({**PEOPLE, "Action": "sts:AssumeRoleWithWebIdentity"})
        assert not taken(federated, "AWS", ROOT)
        assert admits(federated, ("AWS", ROOT), "sts:AssumeRoleWithWebIdentity", {})

    def test_conditions_count(self) -> None:
        with_factor = trusted({**PEOPLE, "Condition": {"Bool": {FACTOR: "true"}}})
        assert taken(with_factor, "AWS", ROOT, {FACTOR: "true"})
        assert not taken(with_factor, "AWS", ROOT)
