import re

import pytest

from bulkhead.model.naming import LIMITS, Kind, Label, Stage, shorten, stage_of, upper_snake

HARBOR = Label("harbor", Stage.STAGING, "staging")
LONGEST = Label("a" * 20, Stage.DEVELOPMENT, "pr-1234567")


def test_a_name_tells_product_environment_kind_and_part() -> None:
    assert HARBOR.name(Kind.D1, "main") == "harbor-staging-d1-main"


@pytest.mark.parametrize("kind", Kind)
def test_every_name_begins_with_the_prefix_of_its_stage(kind: Kind) -> None:
    for label in (Label("harbor", Stage.STAGING, "staging"), Label("corner", Stage.DEVELOPMENT, "pr-42")):
        assert label.prefix == f"{label.product}-{label.environment}-"
        assert label.name(kind, "x").startswith(label.prefix)


def test_an_ephemeral_stack_has_names_of_its_own() -> None:
    assert Label("harbor", Stage.DEVELOPMENT, "pr-42").name(Kind.KV, "sessions") == "harbor-pr-42-kv-sessions"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_name_stays_within_the_limit_of_its_service(kind: Kind) -> None:
    name = LONGEST.name(kind, "b" * 300)
    assert len(name) <= LIMITS[kind]
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name)


def test_shortened_names_stay_distinct_and_stable() -> None:
    one, other = shorten("x" * 80 + "1", 63), shorten("x" * 80 + "2", 63)
    assert one != other
    assert one == shorten("x" * 80 + "1", 63)


def test_every_kind_has_a_limit() -> None:
    assert set(LIMITS) == set(Kind)


@pytest.mark.parametrize(
    ("stack", "stage"),
    [
        ("development", Stage.DEVELOPMENT),
        ("staging", Stage.STAGING),
        ("production", Stage.PRODUCTION),
        ("pr-42", Stage.DEVELOPMENT),
        ("pr-0", None),
        ("pr-", None),
        ("prod", None),
        ("Production", None),
    ],
)
def test_a_stack_name_says_its_stage(stack: str, stage: Stage | None) -> None:
    assert stage_of(stack) is stage


def test_tags_attribute_cost_to_product_stage_and_owner() -> None:
    tags = Label("harbor", Stage.DEVELOPMENT, "pr-7").tags(owner="core", cost_center="42")
    assert tags == {
        "product": "harbor",
        "stage": "development",
        "environment": "pr-7",
        "owner": "core",
        "cost-center": "42",
        "managed-by": "bulkhead",
    }


@pytest.mark.parametrize(("name", "spelt"), [("slackWebhook", "SLACK_WEBHOOK"), ("key", "KEY"), ("a-b", "A_B")])
def test_secret_names_are_spelt_as_github_spells_them(name: str, spelt: str) -> None:
    assert upper_snake(name) == spelt
