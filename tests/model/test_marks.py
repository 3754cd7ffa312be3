"""Whose a text is, by words and not by letters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.marks import Marks
from infra.product import PRODUCT
from tests.support.settings_fixture import make_settings

HARBOR = replace(PRODUCT, name="harbor")
ROLE = "arn:aws:iam::222222222222:role/bulkhead-"


def bare(environment: str, product: str = "harbor") -> StagePlan:
    """A plan without resources: accounts and names alone make marks."""
    return StagePlan(replace(HARBOR, name=product), make_settings(environment), ())


MARKS = Marks([bare("development"), bare("staging"), bare("production"), bare("pr-4"), bare("pr-42", "harbor-staging")])


@pytest.mark.parametrize(
    ("reader", "text", "whose"),
    [
        ("staging", "harbor-production-r2-transcripts", ["production"]),
        ("staging", "arn:aws:s3:::HARBOR-PRODUCTION-vault/*", ["production"]),
        ("staging", "alias/harbor-production-key-vault", ["production"]),
        ("staging", "harbor-staging-vault-333333333333", ["production"]),
        ("staging", "x333333333333", []),
        ("staging", "3333333333330", []),
        ("staging", "harbor-productions", []),
        ("staging", "bulkhead-production", []),
        ("staging", f"{ROLE}production", ["production"]),
        ("staging", f"{ROLE}staging", []),
        ("staging", f"{ROLE}production-reader", []),
        ("staging", "production", []),
        ("staging", "environment:production", ["production"]),
        ("staging", "user:environment$production", ["production"]),
        ("staging", "environment:production-rollback", ["production"]),
        ("staging", "environment:productions", []),
        ("staging", "https://harbor.example/path", ["production"]),
        ("staging", "HARBOR.EXAMPLE", ["production"]),
        ("staging", "harbor.example.", ["production"]),
        ("staging", "staging.harbor.example", []),
        ("staging", "www.harbor.example", ["production"]),
        ("staging", "my-harbor.example", []),
        ("staging", "harbor.example.org", []),
        ("staging", "platform@harbor.example", []),
        ("production", "staging.harbor.example", ["staging"]),
        ("production", "harbor.example staging.harbor.example", ["staging"]),
        ("staging", "<production/D1Database/main>", ["production"]),
        ("staging", "<staging/D1Database/production>", []),
        ("development", "harbor-pr-4-kv-sessions", ["pr-4"]),
        ("development", "harbor-pr-42-kv-sessions", []),
        ("pr-4", "harbor-pr-4-kv-sessions", []),
        ("pr-42", "harbor-staging-pr-42-kv-sessions", []),
        ("pr-42", "harbor-staging", []),
        ("pr-42", "harbor-staging-kv-sessions", ["staging"]),
        ("staging", "harbor-staging-pr-42-kv-sessions", ["pr-42"]),
        ("staging", "my-harbor-staging-kv", []),
        ("staging", "harbor-production-a harbor-development-b", ["production", "development"]),
    ],
)
def test_whose_a_text_is(reader: str, text: str, whose: list[str]) -> None:
    assert [owner for _, owner in MARKS.foreign(reader, text)] == whose


def test_what_stages_share_belongs_to_neither_alone() -> None:
    """Both stacks of pull requests are in the accounts of development."""
    assert list(MARKS.foreign("pr-4", "1" * 32)) == []
    assert [owner for _, owner in MARKS.foreign("staging", "1" * 32)] == ["development"]
