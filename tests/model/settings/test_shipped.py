"""The three stage files and the schema that are shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from ruamel.yaml import YAML

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.model.settings import check_files, read_settings, required_secrets
from bulkhead.model.settings.defaults import DEFAULTS
from bulkhead.model.settings.files import stage_files
from bulkhead.model.settings.reader import read
from bulkhead.model.settings.schema import file_schema, render
from infra.product import PRODUCT
from tests.model.settings.baseline import baseline, write

ROOT = Path(__file__).resolve().parents[3]
_EVERYWHERE = ("cloudflare.accountId", "cloudflare.zoneId", "cloudflare.hostname", "aws.accountId", "github.owner")
_TOLD = ("budget.finance[0]", "budget.techLead[0]", "budget.stakeholders[0]")
_LET_IN = "access.emailDomains[0]"
EXAMPLES = {
    Stage.DEVELOPMENT: (*_EVERYWHERE, "budget.stakeholders[0]", _LET_IN),
    Stage.STAGING: (*_EVERYWHERE, *_TOLD, _LET_IN),
    Stage.PRODUCTION: (*_EVERYWHERE, *_TOLD, "budget.stakeholders[1]"),
}


def test_they_lack_their_secrets_and_every_value_of_ones_own() -> None:
    findings = check_files(stage_files(ROOT), PRODUCT)
    told = {(finding.level, finding.fault.file, finding.fault.key) for finding in findings}
    secrets = {
        ("fault", f"Pulumi.{stage}.yaml", f"secrets:{name}") for stage in Stage for name in required_secrets(PRODUCT)
    }
    assert told - secrets == {
        ("warning", "Pulumi.production.yaml", "bulkhead:github.ownerId"),
        ("warning", "Pulumi.production.yaml", "bulkhead:dr.rpoMinutes"),
        *(("fault", f"Pulumi.{stage}.yaml", f"bulkhead:{key}") for stage in Stage for key in EXAMPLES[stage]),
    }
    assert secrets <= told
    fixes = {finding.fault.key: finding.fault.fix for finding in findings}
    assert fixes["secrets:sessionKey"] == "bulkhead secrets set production sessionKey"
    assert fixes["bulkhead:aws.accountId"].startswith("pulumi config set --path 'bulkhead:aws.accountId' ")


@pytest.mark.parametrize("stage", Stage)
def test_with_examples_in_place_nothing_real_is_touched(stage: Stage) -> None:
    with pytest.raises(Refused) as refused:
        read_settings(ROOT / f"Pulumi.{stage}.yaml", examples=False)
    assert [fault.key for fault in refused.value.faults] == [f"bulkhead:{key}" for key in EXAMPLES[stage]]


def test_their_settings_can_be_read_without_secrets() -> None:
    settings = {stage: read_settings(ROOT / f"Pulumi.{stage}.yaml") for stage in Stage}
    assert [settings[stage].protected for stage in Stage] == [False, False, True]
    assert settings[Stage.STAGING].budget.monthly_usd == 20
    assert settings[Stage.PRODUCTION].backup.retention.yearly_days == 1827
    assert settings[Stage.DEVELOPMENT].environment == "development"


@pytest.mark.parametrize("stage", Stage)
def test_they_say_differences_only(stage: Stage) -> None:
    def same(values: Any, defaults: Any, place: str) -> list[str]:
        if isinstance(values, dict) and isinstance(defaults, dict):
            return [
                each
                for key in values.keys() & defaults.keys()
                for each in same(values[key], defaults[key], f"{place}.{key}")
            ]
        return [place] if values == defaults else []

    config = read(ROOT / f"Pulumi.{stage}.yaml").config
    assert (
        same({key.removeprefix("bulkhead:"): value for key, value in config.items()}, dict(DEFAULTS[stage]), "") == []
    )


@pytest.mark.parametrize("stage", Stage)
def test_editors_find_the_schema(stage: Stage) -> None:
    first = (ROOT / f"Pulumi.{stage}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=docs/settings.schema.json"


def test_the_committed_schema_is_the_models() -> None:
    committed = (ROOT / "docs/settings.schema.json").read_text(encoding="utf-8")
    assert committed == render(), "run: bulkhead settings schema > docs/settings.schema.json"


def test_the_schema_is_one_and_takes_what_is_right(tmp_path: Path) -> None:
    schema = file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    files = [*stage_files(ROOT), *(write(tmp_path, stage, baseline(stage)) for stage in Stage)]
    for file in files:
        assert list(validator.iter_errors(YAML(typ="safe", pure=True).load(file))) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("bulkhead:owners", "x"),
        ("secrets:sessionKey", "in the clear"),
        ("aws:region", "x"),
        ("bulkhead:stage", "qa"),
        ("bulkhead:cache", {"api": 3600}),
        ("bulkhead:cache", {"apiSeconds": 59}),
        ("bulkhead:log", {"level": "fatal"}),
        ("bulkhead:backup", {"retention": {"dailyDays": "7"}}),
        ("bulkhead:featureFlags", {"newSearch": "yes"}),
    ],
)
def test_the_schema_refuses_what_is_wrong(place: str, value: Any) -> None:
    document = {"config": json.loads(json.dumps(baseline("staging"))) | {place: value}}
    assert list(jsonschema.Draft202012Validator(file_schema()).iter_errors(document))


@pytest.mark.parametrize("gone", ["bulkhead:stage", "bulkhead:owner", "bulkhead:cloudflare", "bulkhead:aws"])
def test_the_schema_knows_what_has_no_default(gone: str) -> None:
    config = baseline("staging")
    del config[gone]
    assert list(jsonschema.Draft202012Validator(file_schema()).iter_errors({"config": config}))
