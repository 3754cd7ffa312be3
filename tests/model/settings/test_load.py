"""`load` is told by the SDK what the engine knows; here the SDK is told as the CLI's language host tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from bulkhead.model.faults import Refused
from infra.load import LoadedStage, load
from tests.model.settings.baseline import PLAIN, PRODUCT, baseline, changed
from tests.model.settings.engine_config import in_engine

ROOT = Path(__file__).resolve().parents[3]


def _load(stack: str, config: Mapping[str, Any], then: Callable[[LoadedStage], None] = lambda _: None) -> None:
    in_engine(config, lambda: then(load(stack, PRODUCT)))


def test_settings_and_secrets_are_loaded() -> None:
    def look(loaded: LoadedStage) -> None:
        assert loaded.settings.budget.monthly_usd == 20
        assert loaded.settings.cloudflare.hostname == "staging.acme-hotels.com"
        assert set(loaded.secrets) == {"cloudflareApiToken", "sessionKey"}
        assert all(isinstance(secret, pulumi.Output) for secret in loaded.secrets.values())
        assert PLAIN not in repr(loaded)

    _load("staging", baseline("staging"), look)


def test_a_preview_stack_is_of_stage_development() -> None:
    def look(loaded: LoadedStage) -> None:
        assert (loaded.settings.stage, loaded.settings.environment) == ("development", "pr-42")

    _load("pr-42", baseline("pr-42"), look)


def test_what_the_project_adds_is_no_fault() -> None:
    _load("staging", baseline("staging") | {"pulumi:disable-default-providers": ["*"], "pulumi:tags": {"a": "b"}})


def test_every_fault_is_raised_at_once_and_no_secret_shown() -> None:
    config = changed("staging", "bulkhead:typo", PLAIN) | {"github:token": PLAIN, "secrets:sessionKey": PLAIN}
    del config["bulkhead:owner"]
    with pytest.raises(Refused) as refused:
        _load("staging", config)
    assert {fault.key for fault in refused.value.faults} == {
        *("bulkhead:typo", "bulkhead:owner", "github:token", "secrets:sessionKey")
    }
    assert PLAIN not in str(refused.value)


def test_an_empty_stack_is_told_what_it_needs() -> None:
    with pytest.raises(Refused) as refused:
        _load("production", {})
    keys = [fault.key for fault in refused.value.faults]
    assert "bulkhead:cloudflare.accountId" in keys
    assert "secrets:sessionKey" in keys


def test_the_environment_of_the_process_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", '{"bulkhead:owner": "somebody", "secrets:sessionKey": "x"}')
    monkeypatch.setenv("PULUMI_CONFIG_BULKHEAD_OWNER", "somebody")
    config = baseline("staging")
    del config["bulkhead:owner"], config["secrets:sessionKey"]
    with pytest.raises(Refused) as refused:
        _load("staging", config)
    assert {fault.key for fault in refused.value.faults} == {"bulkhead:owner", "secrets:sessionKey"}


def test_only_load_asks_the_sdk_for_configuration() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "infra").rglob("*.py")
        if any(
            word in path.read_text(encoding="utf-8") for word in ("pulumi.Config(", "import Config", "runtime.config")
        )
    ]
    assert users == ["infra/load.py"]
