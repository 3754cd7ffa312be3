"""What is larger than its cloud takes is seen in a preview, and its value is not shown."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN
from policies.rules.limits import RULES
from tests.support.policy_scene import found, make_resource

(RULE,) = RULES


def variables(count: int, type_: str = "plain_text") -> list[dict[str, str]]:
    return [{"type": type_, "name": f"V{number}", "text": "x"} for number in range(count)]


def text(size: int, type_: str = "secret_text") -> list[dict[str, str]]:
    return [{"type": type_, "name": "KEY", "text": "x" * size}]


STORES = [{"type": "d1", "name": f"D{number}", "databaseId": "x"} for number in range(200)]
FLAGS = {"type": "json", "name": "FLAGS", "json": '"' + "x" * 5120 + '"'}
WIDE = "\u00fc" * 2561  # two bytes each


@pytest.mark.parametrize(
    ("type_", "props", "said"),
    [
        (t.WORKER_VERSION, {"bindings": text(5121)}, "bindings[0].text: has 5121 bytes, and at most 5120"),
        (t.WORKER_VERSION, {"bindings": [*STORES[:1], *text(5121, "plain_text")]}, "bindings[1].text"),
        (t.WORKER_VERSION, {"bindings": [{"type": "plain_text", "name": "U", "text": WIDE}]}, "has 5122 bytes"),
        (t.WORKER_VERSION, {"bindings": [FLAGS]}, "bindings[0].json"),
        (t.WORKER_VERSION, {"bindings": variables(129)}, "bindings: has 129 items, and at most 128"),
        (t.WORKER_VERSION, {"bindings": [*variables(64), *variables(65, "secret_text")]}, "has 129 items"),
        (t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, {"value": "x" * 49_153}, "has 49153 bytes"),
        (t.SSM_PARAMETER, {"value": "x" * 4097}, "at most 4096"),
        (t.SSM_PARAMETER, {"value": "x" * 4097, "tier": "Standard"}, "at most 4096"),
        (t.SSM_PARAMETER, {"value": "x" * 8193, "tier": "Advanced"}, "at most 8192"),
        (t.IAM_POLICY, {"policy": '"' + "x" * 6143 + '"'}, "has 6145 bytes"),
        (t.IAM_ROLE_POLICY, {"policy": "  x" * 10_241}, "has 10241 bytes, and at most 10240"),
    ],
)
def test_what_is_too_large_is_named(type_: str, props: dict[str, Any], said: str) -> None:
    (message,) = found(RULE, make_resource(type_, **props))
    assert said in message
    assert "xxxx" not in message


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        (t.WORKER_VERSION, {"bindings": text(5120)}),
        (t.WORKER_VERSION, {"bindings": [*variables(128), *STORES]}),
        (t.WORKER_VERSION, {"bindings": UNKNOWN}),
        (t.WORKER_VERSION, {"bindings": [UNKNOWN, {"type": UNKNOWN, "text": UNKNOWN}]}),
        (t.WORKER_VERSION, {"bindings": "none"}),
        (t.WORKER_VERSION, {}),
        (t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, {"value": "x" * 49_152}),
        (t.SSM_PARAMETER, {"value": "x" * 8192, "tier": "Advanced"}),
        (t.SSM_PARAMETER, {"value": "x" * 5000, "tier": "Intelligent-Tiering"}),
        (t.SSM_PARAMETER, {"value": "x" * 4097, "tier": UNKNOWN}),
        (t.SSM_PARAMETER, {"value": UNKNOWN}),
        (t.IAM_POLICY, {"policy": " x\n" * 6144}),
        (t.IAM_ROLE_POLICY, {"policy": "x" * 10_240}),
        (t.IAM_ROLE_POLICY, {"policy": {"Statement": []}}),
        (t.SSM_PARAMETER, {"value": 4, "tier": []}),
    ],
)
def test_what_fits_or_is_not_known_is_not_named(type_: str, props: dict[str, Any]) -> None:
    assert found(RULE, make_resource(type_, **props)) == []
