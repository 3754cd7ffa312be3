"""Values that were shipped as examples are told from a stage's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.settings import read_settings
from infra.load import load
from tests.model.settings.baseline import PRODUCT, by_file, changed, write
from tests.model.settings.engine_config import in_engine

EXAMPLES = [
    ("cloudflare.accountId", "023e105f4ecef8ad9ca31a8372d0c353"),
    ("cloudflare.zoneId", "fedcba9876543210fedcba9876543210"),
    *(
        ("cloudflare.hostname", name)
        for name in (
            *("harbor.example", "shop.example.com", "app.example", "a.test", "b.invalid", "example.org"),
            *("example.jp", "www.example.co.jp", "shop.example1.jp"),
        )
    ),
    ("github.owner", "Harbor-Inc"),
    ("github.ownerId", 1234567),
    ("github.repositoryId", 1234567),
    ("github.reviewers", {"teams": [1234567]}),
    ("budget.techLead", ["tech-lead@harbor.example"]),
    ("budget.finance", ["me@example.com"]),
    ("access", {"public": False, "emailDomains": ["harbor.example"]}),
    ("access", {"public": False, "emails": ["me@harbor.example"]}),
]


@pytest.mark.parametrize(("place", "value"), EXAMPLES)
def test_an_example_in_place_is_a_fault(place: str, value: Any, folder: Path) -> None:
    config = changed("production", f"bulkhead:{place}", value)
    [finding] = by_file(folder, "production", config)
    assert finding.fault.key.startswith(f"bulkhead:{place}")
    assert "example" in finding.fault.message
    assert finding.fault.fix.startswith(f"pulumi config set --path 'bulkhead:{place}")
    with pytest.raises(Refused):
        read_settings(write(folder, "production", config), examples=False)
    in_engine(config, lambda: load("production", PRODUCT))
    with pytest.raises(Refused, match="is an example"):
        in_engine(config, lambda: load("production", PRODUCT, examples=False))


def test_an_account_that_documentation_shows_is_an_example(folder: Path) -> None:
    role = "arn:aws:iam::123456789012:role/bulkhead-production"
    config = changed("production", "bulkhead:aws", {"accountId": "123456789012", "roleArn": role})
    [finding] = by_file(folder, "production", config)
    assert finding.fault.key == "bulkhead:aws.accountId"
    assert finding.fault.fix.endswith("--type string --stack production")


@pytest.mark.parametrize(
    "name",
    [
        *("examples.com", "my-example.com", "test.co", "example.com.br", "latest.dev"),
        *("example12.jp", "examples.co.jp", "example.shop.jp", "example-hotels.jp"),
    ],
)
def test_a_name_that_only_looks_like_an_example_is_somebodys(name: str, folder: Path) -> None:
    assert by_file(folder, "production", changed("production", "bulkhead:cloudflare.hostname", name)) == []
    assert by_file(folder, "production", changed("production", "bulkhead:budget.finance", [f"me@{name}"])) == []
