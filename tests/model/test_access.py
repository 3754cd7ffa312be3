from __future__ import annotations

import pytest

from bulkhead.model.access import closed_hostnames, covers
from bulkhead.model.naming import Stage


@pytest.mark.parametrize(
    ("pattern", "hostname", "covered"),
    [
        ("staging.harbor.example", "staging.harbor.example", True),
        ("staging.harbor.example", "api.staging.harbor.example", False),
        ("*.staging.harbor.example", "api.staging.harbor.example", True),
        ("*.staging.harbor.example", "staging.harbor.example", False),
        ("*.staging.harbor.example", "a.b.staging.harbor.example", False),
        ("*.*.dev.harbor.example", "api.pr-42.dev.harbor.example", True),
        ("*test.example.com", "test.example.com", True),
        ("*test.example.com", "alphatest.example.com", True),
        ("*test.example.com", "beta.test.example.com", False),
        ("staging.harbor.example", "stagingxharbor.example", False),
    ],
)
def test_a_wildcard_stands_for_one_label_as_cloudflare_says(pattern: str, hostname: str, covered: bool) -> None:
    assert covers(pattern, hostname) is covered


@pytest.mark.parametrize(
    ("stage", "hostname", "closed"),
    [
        (Stage.STAGING, "s.example", True),
        (Stage.STAGING, "api.s.example", True),
        (Stage.STAGING, "api.pr-1.s.example", False),
        (Stage.DEVELOPMENT, "api.pr-1.s.example", True),
        (Stage.PRODUCTION, "s.example", True),
        (Stage.PRODUCTION, "api.s.example", True),
        (Stage.PRODUCTION, "staging.s.example", False),
    ],
)
def test_a_stage_closes_the_hostnames_that_it_can_have(stage: Stage, hostname: str, closed: bool) -> None:
    assert (
        any(covers(pattern, hostname) for pattern in closed_hostnames(stage, "s.example", ["api.s.example"])) is closed
    )
