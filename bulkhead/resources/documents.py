"""AWS's policy documents in a resource (pure): where they stand, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import Grants
from bulkhead.resources.values import MISSING, at, document, listed

INLINE: Final = "inlinePolicies"  # of a role
PERMISSION: Final = "permission"
"""Where the document is said to stand that AWS makes of a permission of a function."""


def documents_in(type_: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Grants, Any]]:
    """Yield each policy document of a resource with its place: parsed, or UNKNOWN or MISSING."""
    row = row_of(type_)
    for path, grants in row.documents.items() if row else ():
        yield path, grants, document(inputs, path)
    for number, inline in enumerate(listed(inputs, INLINE) if type_ == t.IAM_ROLE else ()):
        yield f"{INLINE}[{number}].policy", Grants.RIGHTS, document(inline, "policy")
    if type_ == t.LAMBDA_PERMISSION:
        yield PERMISSION, Grants.RESOURCE, permission(inputs)


def permission(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that AWS makes of a permission of a function (AWS Lambda, "AddPermission")."""
    who = at(inputs, "principal")
    service = isinstance(who, str) and "." in who and ":" not in who
    conditions = {
        "ArnLike": {"aws:SourceArn": at(inputs, "sourceArn")},
        "StringEquals": {
            "aws:SourceAccount": at(inputs, "sourceAccount"),
            "aws:PrincipalOrgID": at(inputs, "principalOrgId"),
            "lambda:EventSourceToken": at(inputs, "eventSourceToken"),
        },
    }
    statement = {
        "Sid": inputs.get("statementId", ""),
        "Effect": "Allow",
        "Principal": {"Service" if service else "AWS": who},
        "Action": at(inputs, "action"),
        "Condition": {
            operator: {key: value for key, value in tests.items() if value is not MISSING and value != ""}
            for operator, tests in conditions.items()
        },
    }
    return {"Statement": [statement]}


def allowed(found: Any) -> Any:
    """Return a parsed document without what forbids or excludes: a ``Deny``, and conditions on what something is
    not. To name another stage there is a safeguard."""
    if not isinstance(found, Mapping):
        return found
    said = [each for each in listed(found, "Statement") if at(each, "Effect") != "Deny"]
    return {**found, "Statement": [_including(each) for each in said]}


def _including(statement: Any) -> Any:
    tests = at(statement, "Condition")
    if not isinstance(tests, Mapping):
        return statement
    kept = {operator: test for operator, test in tests.items() if "not" not in str(operator).lower()}
    return {**statement, "Condition": kept}
