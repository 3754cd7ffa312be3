"""Valid settings of a stage for tests: the real models with the real defaults, and made-up accounts of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import yaml

from bulkhead.model.naming import Stage, stage_of
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.defaults import DEFAULTS, over

_DIGIT = {Stage.DEVELOPMENT: "1", Stage.STAGING: "2", Stage.PRODUCTION: "3"}


def make_settings(environment: str, changes: Mapping[str, Any] | None = None) -> StageSettings:
    """Return the settings of the stack ``environment``; ``changes`` are laid over them, spelt as in YAML."""
    return _made(environment, changes) if changes else _usual(environment)


@cache  # nothing in settings can change, and thousands of tests begin with the usual ones
def _usual(environment: str) -> StageSettings:
    return _made(environment, {})


def _made(environment: str, changes: Mapping[str, Any]) -> StageSettings:
    stage = stage_of(environment)
    assert stage is not None, environment
    digit = _DIGIT[stage]
    account = digit * 12
    own = {
        "stage": stage.value,
        "owner": "platform",
        "costCenter": f"cc-{stage.value}",
        "cloudflare": {
            "accountId": digit * 32,
            "zoneId": f"{digit}f" * 16,
            "hostname": "harbor.example" if stage is Stage.PRODUCTION else f"{environment}.harbor.example",
        },
        "aws": {"accountId": account, "roleArn": f"arn:aws:iam::{account}:role/bulkhead-{environment}"},
        "github": {"owner": "harbor-inc", "repository": "harbor", "reviewers": {"teams": [int(digit)], "users": []}},
        "owns": {"repository": stage is Stage.PRODUCTION},
        "access": {} if stage is Stage.PRODUCTION else {"emailDomains": ["harbor.example"]},
        "budget": {
            "finance": [f"finance-{environment}@harbor.example"],
            "techLead": [f"lead-{environment}@harbor.example"],
            "stakeholders": [f"everybody-{environment}@harbor.example"],
        },
    }
    values = over(over(DEFAULTS[stage], own), changes)
    return StageSettings.model_validate({**values, "environment": environment})


def write_stage_files(folder: Path, stacks: Sequence[str] = ("staging", "production", "pr-42")) -> None:
    """Write the settings files of these stacks into ``folder``."""
    for stack in stacks:
        (folder / f"Pulumi.{stack}.yaml").write_text(_stage_file(stack))


def own_config(stack: str) -> dict[str, Any]:
    """Return what `write_stage_files` writes for a stack, by the engine's keys."""
    config: dict[str, Any] = yaml.safe_load(_stage_file(stack))["config"]
    return config


@cache  # writing YAML takes longer than most tests
def _stage_file(stack: str) -> str:
    settings = make_settings(stack).model_dump(mode="json", by_alias=True, exclude={"environment"})
    settings["aws"].pop("profile")
    # Commands that touch something real refuse what was shipped as an example.
    text = yaml.safe_dump({"config": {f"bulkhead:{key}": value for key, value in settings.items()}})
    return text.replace("harbor.example", "acme-hotels.com").replace("harbor-inc", "acme-hotels")


def make_secrets(names: Iterable[str], environment: str) -> dict[str, pulumi.Output[str]]:
    """Return a value for each secret of a stage, recognisable wherever it turns up."""
    return {name: pulumi.Output.secret(secret_value(environment, name)) for name in names}


def secret_value(environment: str, name: str) -> str:
    return f"canary-{environment}-{name}"
