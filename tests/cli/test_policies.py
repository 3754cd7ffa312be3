"""`bulkhead policies` lists what the pack holds."""

from __future__ import annotations

import json

import pytest

from bulkhead.cli.main import main
from bulkhead.resources import types as t
from policies.catalogue import RULES


def test_every_rule_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies"]) == 0
    text = capsys.readouterr().out
    for rule in RULES:
        assert rule.name in text
    assert "retain_on_delete" in text


def test_a_program_gets_levels_and_requirements(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [rule["name"] for rule in told["rules"]] == [rule.name for rule in RULES]
    assert {tuple(rule["levels"].values()) for rule in told["rules"]} == {("advisory", "mandatory", "mandatory")}
    assert all(rule["requirements"] and rule["reason"] for rule in told["rules"])


def test_a_program_gets_the_types_that_a_stage_may_have_and_which_rules_are_about_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policies", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["judgedBy"]
    assert "store-unprotected" in told[t.D1_DATABASE]
    assert told[t.DNS_RECORD] == []
    assert t.IAM_USER not in told
