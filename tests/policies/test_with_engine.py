"""The policy pack under the real engine: every rule speaks there, and only where it should."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bulkhead.engine.analyzer import install_analyzer
from bulkhead.engine.events import Event, PolicySpoke
from bulkhead.engine.finder import find_engine
from bulkhead.engine.inline_stack import InlineStack, StackFailed
from bulkhead.engine.workspace import Cipher, engine_environment, prepare
from bulkhead.machine import rundir
from bulkhead.model.settings.models import as_file_content
from policies.catalogue import FOLDER, RULES
from tests.policies.unusual import unusual
from tests.policies.violating import violating
from tests.support.lenient_cloud import LenientCloud
from tests.support.settings_fixture import make_settings
from tests.support.toy_cloud import serving

pytestmark = [
    pytest.mark.slow,
    # The SDK abandons the event loop of an inline program whose engine has failed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CANARY = "canary-of-a-token-that-nobody-may-see"


@dataclass
class Spoken:
    """What the pack said, and everything the engine printed."""

    violations: list[PolicySpoke]
    printed: str
    failed: bool

    @property
    def rules(self) -> set[str]:
        return {said.policy for said in self.violations}

    @property
    def levels(self) -> set[str]:
        return {said.level for said in self.violations}


class Engine:
    """The real engine with the pack, and clouds behind it that make whatever they are asked for."""

    def __init__(self, checkout: Path, port: int) -> None:
        self._checkout = checkout
        self._run = rundir.kept(checkout)
        tools = [install_analyzer(self._run.path / "tools")]
        ports = dict.fromkeys(("aws", "cloudflare", "github"), port)
        self._environment = engine_environment(self._run, providers=ports, tools=tools)

    def preview(
        self,
        program: Callable[[], None],
        stack: str = "staging",
        config: Mapping[str, Any] | None = None,
        levels: Mapping[str, str] | None = None,
    ) -> Spoken:
        """Preview ``program``; ``config`` is laid over the stage's configuration, ``levels`` are of single rules."""
        configs = []
        if levels:
            configs.append(self._checkout / "levels.json")
            configs[0].write_text(json.dumps(levels))
        return self._spoken(
            lambda opened: opened.preview(policy_packs=[FOLDER], policy_configs=configs), program, stack, config or {}
        )

    def up(self, program: Callable[[], None], stack: str = "staging") -> Spoken:
        return self._spoken(lambda opened: opened.up(policy_packs=[FOLDER]), program, stack, {})

    def make(self, stack: str) -> None:
        """Bring an empty stack up without the pack, for others to refer to."""
        assert not self._spoken(lambda opened: opened.up(), lambda: None, stack, {}).failed

    def close(self) -> None:
        self._run.close()

    def _spoken(
        self, act: Callable[[InlineStack], Any], program: Callable[[], None], name: str, config: Mapping[str, Any]
    ) -> Spoken:
        heard: list[Event] = []
        settings = {f"bulkhead:{key}": value for key, value in as_file_content(make_settings(name)).items()}
        content = json.dumps({"config": {**settings, **config}})
        (self._checkout / f"Pulumi.{name}.yaml").write_text(content)
        workspace = prepare(self._checkout, self._run, name, ["sessionKey"], Cipher(self._run.passphrase))
        opened = InlineStack(
            self._run,
            workspace,
            engine=find_engine(),
            environment=self._environment,
            program=program,
            on_event=heard.append,
        )
        try:
            log, failed = act(opened).log, False
        except StackFailed as error:
            log, failed = error.log, True
        violations = [event for event in heard if isinstance(event, PolicySpoke)]
        assert log is not None
        return Spoken(violations, log.read_text(), failed)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n")  # default providers are not disabled
    with serving(LenientCloud()) as port:
        engine = Engine(tmp_path, port)
        engine.make("staging")
        yield engine
        engine.close()
    gc.collect()  # an abandoned event loop complains here, not in whatever test comes next


def test_every_rule_speaks_and_shows_no_secret(engine: Engine) -> None:
    spoken = engine.preview(violating(CANARY), "production", levels={"all": "advisory"})
    only_in_staging, only_of_the_other = {"stage-open-to-public"}, {"r2-lock-missing-on-evidence"}
    assert {rule.name for rule in RULES} - spoken.rules == only_in_staging | only_of_the_other, spoken.printed
    assert spoken.levels == {"advisory"}
    assert not spoken.failed
    assert CANARY not in spoken.printed + str(spoken.violations)
    other = {"bulkhead:product": "tests.support.second_product:SECOND_PRODUCT"}
    of_another = engine.preview(violating(CANARY), "production", config=other, levels={"all": "advisory"})
    assert only_of_the_other <= of_another.rules
    in_staging = engine.preview(violating(CANARY), "staging", levels={"all": "advisory"})
    assert only_in_staging <= in_staging.rules


@pytest.mark.parametrize("stack", ["development", "staging", "production"])
def test_what_is_unusual_and_right_is_let_be(engine: Engine, stack: str) -> None:
    solo = {"governance": {"profile": "solo"}, "github": {"reviewers": {"teams": [], "users": []}}}
    settings = make_settings(stack, solo)
    laid_over = {f"bulkhead:{key}": value for key, value in as_file_content(settings).items() if key in solo}
    spoken = engine.preview(unusual(settings), stack, config=laid_over)
    assert [f"{said.policy}: {said.message}" for said in spoken.violations] == []
    assert not spoken.failed, spoken.printed


def test_outside_development_a_violation_stops_the_preview(engine: Engine) -> None:
    spoken = engine.preview(violating(CANARY))
    assert spoken.levels == {"mandatory"}
    assert spoken.failed


def test_in_development_it_is_advice(engine: Engine) -> None:
    spoken = engine.preview(violating(CANARY), "development", levels={"stage-mismatch": "disabled"})
    assert spoken.levels == {"advisory"}
    assert not spoken.failed
    assert "default-provider-used" in spoken.rules
    assert "stage-mismatch" not in spoken.rules


def test_a_misspelt_rule_in_the_configuration_is_refused(engine: Engine) -> None:
    spoken = engine.preview(violating(CANARY), levels={"stage-mismatsh": "disabled"})
    assert spoken.failed
    assert "'stage-mismatsh' is no rule; did you mean 'stage-mismatch'?" in spoken.printed


def test_without_a_product_nothing_passes(engine: Engine) -> None:
    spoken = engine.preview(lambda: None, config={"bulkhead:product": "no.such.module:PRODUCT"})
    assert spoken.failed
    assert "stage-mismatch" in spoken.rules
    assert "no.such.module" in str(spoken.violations)
