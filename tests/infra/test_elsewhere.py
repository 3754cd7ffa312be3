"""The whole of a stage can be made in other accounts and another region: only its settings know where it is (DRP-5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import pytest

from bulkhead.engine.rendered import Rendered
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.defaults import over
from tests.support import stages
from tests.support.settings_fixture import make_settings
from tests.support.stages import FIRST_PRODUCT, STAGES, render_identities, render_stage

ACCOUNT: Final = "424242424242"
ELSEWHERE: Final = {
    "cloudflare": {"accountId": "0badc0de" * 4, "zoneId": "5afe5afe" * 4, "hostname": "elsewhere.example"},
    "aws": {"accountId": ACCOUNT, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/bulkhead"},
    "region": {"primary": "eu-central-1", "d1": "weur", "r2": "weur"},
    "backup": {"replicaRegion": "eu-west-1"},
}


def known_of(settings: StageSettings) -> set[str]:
    """Return what names the place that a stage was in. Its hostname may well stay."""
    regions = {settings.region.primary, settings.region.d1, settings.backup.replica_region or settings.region.primary}
    return {settings.aws.account_id, settings.cloudflare.account_id, settings.cloudflare.zone_id, *regions}


@pytest.mark.parametrize("render", [render_stage, render_identities])
@pytest.mark.parametrize("environment", STAGES)
def test_nothing_of_a_stage_names_the_place_that_it_was_in(
    environment: str, render: Callable[..., Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = known_of(make_settings(environment))

    def elsewhere(stack: str, changes: Mapping[str, Any] | None = None) -> StageSettings:
        own = ELSEWHERE if stack == "production" else {**ELSEWHERE, "backup": {}}
        return make_settings(stack, over(own, changes or {}))

    monkeypatch.setattr(stages, "make_settings", elsewhere)
    made = render(FIRST_PRODUCT, environment)
    assert made.resources
    told = json.dumps([asdict(each) for each in made.resources], default=str)
    assert ACCOUNT in told
    assert {each for each in old if each in told} == set()
