"""How a recovery drives the new place from a checkout: by Pulumi's CLI, in the new state's own bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bulkhead.clients.endpoints import Apis
from bulkhead.model.faults import Refused
from bulkhead.operations import bootstrap
from bulkhead.recovery.total.choosing import plan_of
from bulkhead.recovery.total.ground import Ground
from bulkhead.recovery.total.opening import Left, at_checkout, left_of
from infra.product import PRODUCT
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import make_settings
from tests.support.vaulted import FIRST, Vaulted

NEW = make_settings(
    "staging",
    {
        "cloudflare": {"accountId": "0badc0de" * 4, "zoneId": "5afe5afe" * 4},
        "aws": {"accountId": "424242424242", "roleArn": "arn:aws:iam::424242424242:role/bulkhead-staging"},
        "region": {"primary": "ap-northeast-3"},
    },
)


@pytest.fixture
def ground(pulumi: FakePulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.setattr(bootstrap, "connect", lambda *_: SimpleNamespace())
    monkeypatch.setattr("bulkhead.engine.stack.require_python_of", lambda *_: None)
    vaulted = Vaulted(tmp_path)
    vaulted.put(("CREATE TABLE guests (id INTEGER PRIMARY KEY)",))
    left = Left(vaulted.place.settings, PRODUCT, vaulted.s3, "a-vault", "a-bucket")
    none: Any = lambda _bucket: SimpleNamespace(newest=lambda _at: None)  # noqa: E731 - a bucket without a mirror
    plan = plan_of(left.books, NEW, none, FIRST, lambda _: None)
    with at_checkout(tmp_path, left, NEW, plan, Apis(), "new-admin", {}, lambda _: None) as found:
        yield found


def test_it_waits_where_the_stack_is_not_there_and_says_how_it_is_made(ground: Ground, pulumi: FakePulumi) -> None:
    pulumi.fails("config", "no stack named 'staging' found")
    with pytest.raises(Refused, match="waits for what no copy has") as refused:
        ground.identities()
    commands = [each.fix for each in refused.value.faults]
    assert "export AWS_PROFILE=new-admin" in commands
    assert any(each.startswith("pulumi stack init staging ") and "-C identities" in each for each in commands)
    assert "bulkhead secrets rotate staging" in commands
    assert not [each for each in commands if "222222222222" in each]  # nothing of the lost account
    assert commands[-1] == "the same command again"


def test_the_state_of_the_new_place_is_used_whatever_the_cli_is_logged_in_to(
    ground: Ground, pulumi: FakePulumi
) -> None:
    assert ground.identities() == "their token deploys the stage"
    said = pulumi.environment
    assert said["PULUMI_BACKEND_URL"] == "s3://harbor-staging-state-424242424242?region=ap-northeast-3"
    assert said["AWS_PROFILE"] == "new-admin"


def test_nothing_calls_a_worker_before_its_data_is_there(ground: Ground, pulumi: FakePulumi) -> None:
    ground.up(reachable=False)
    [hidden] = [each for each in pulumi.asked if " up " in each]
    assert "--exclude" in hidden
    assert "workersRoute" in hidden or "workersCustomDomain" in hidden
    ground.up(reachable=True)
    assert "--exclude" not in [each for each in pulumi.asked if " up " in each][-1]


def test_a_stage_without_a_copy_in_another_region_has_none_to_read(tmp_path: Path) -> None:
    asked = list[str | None]()
    with pytest.raises(Refused, match=r"backup\.replicaRegion"):
        left_of(make_settings("staging"), PRODUCT, asked.append, replica=True)
    with pytest.raises(Refused, match=r"backup\.full"):
        left_of(make_settings("staging", {"backup": {"full": "none"}}), PRODUCT, asked.append, replica=False)
    assert asked == []
