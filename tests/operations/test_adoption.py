"""What an adoption decides: when it is refused, what would be lost by the next `up`, which commands come next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt import Adoption, Found, PendingChange
from bulkhead.resources import types as t
from tests.support.adoption import ACCOUNT, D1, FakeEngine, FakeFinder, Plan
from tests.support.settings_fixture import make_settings

STAGE = Adoption(Path("/checkout"), "production", False)
IDENTITIES = Adoption(Path("/checkout"), "production", True)
ENGINE_SAYS = (
    "unable to replace resource d1-main as it is currently marked for protection. To unprotect the resource, .."
)
REPLACED = PendingChange("replace", D1, "main", ("name old -> new",))


def refusing(message: str) -> Any:
    """Return an engine that refuses whatever it is asked."""
    refusal = Refused("Pulumi could not do it.", [Fault("pulumi", message, "mend what it says")])
    engine = FakeEngine(Plan(), refusal)
    engine.plans, engine.no_stack = [refusal], refusal
    return engine


def test_a_pull_requests_stack_has_no_identities_to_adopt() -> None:
    with pytest.raises(Refused) as refused:
        Adoption(Path(), "pr-42", True)
    assert "deployed by development's identities" in str(refused.value.faults[0])


@pytest.mark.parametrize(
    ("adoption", "stage", "protected"),
    [(STAGE, "production", True), (STAGE, "staging", False), (IDENTITIES, "production", False)],
)
def test_productions_own_resources_alone_are_protected(adoption: Adoption, stage: str, protected: bool) -> None:
    assert adoption.protects(make_settings(stage)) is protected


@pytest.mark.parametrize("imported", [False, True])
def test_the_engines_advice_to_take_the_protection_away_is_contradicted(tmp_path: Path, imported: bool) -> None:
    engine = refusing(ENGINE_SAYS)
    with pytest.raises(Refused) as refused:
        STAGE.changes(engine, tmp_path) if imported else STAGE.discover(engine, FakeFinder({}), tmp_path, [])
    assert refused.value.summary == "Do not bring production up: it would replace or delete what exists."
    [fault] = refused.value.faults
    assert fault.message == ENGINE_SAYS
    assert fault.fix.startswith("leave it protected")
    assert "mend what it says" not in fault.fix


def test_another_failure_of_the_engine_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        STAGE.changes(refusing("no passphrase"), tmp_path)
    assert refused.value.faults == (Fault("pulumi", "no passphrase", "mend what it says"),)


@pytest.mark.parametrize(("adoption", "whose"), [(STAGE, "production"), (IDENTITIES, "production's identities")])
def test_a_stack_that_is_gone_as_well_has_to_be_made_first(adoption: Adoption, whose: str) -> None:
    with pytest.raises(Refused) as refused:
        adoption.standing(refusing("error: no stack named 'production' found"))
    [fault] = refused.value.faults
    assert f"`pulumi stack init` lines that `bulkhead bootstrap production` prints for {whose}" in fault.fix
    assert fault.file == str(adoption.folder / "Pulumi.yaml")


def test_a_backend_that_is_gone_is_no_missing_stack() -> None:
    with pytest.raises(Refused, match="Pulumi could not do it"):
        STAGE.standing(refusing("the bucket is not there"))


def test_every_loss_is_refused_with_its_own_remedy() -> None:
    deleted = PendingChange("delete", D1, "old", ())
    again = PendingChange("replace", t.WORKER_VERSION, "web", ())
    with pytest.raises(Refused) as refused:
        IDENTITIES.refuse_losses([REPLACED, again, deleted])
    assert refused.value.summary.startswith("Do not bring production's identities up")
    first, second = refused.value.faults
    assert first.message == (
        "D1Database: the next up would replace it because of name old -> new, and it would not come back as it was"
    )
    assert "see `pulumi preview --diff -C identities -s production`" in first.fix
    assert "let go of it: `pulumi state delete -C identities -s production`" in second.fix


def test_an_up_that_loses_nothing_is_not_refused() -> None:
    STAGE.refuse_losses([PendingChange("update", D1, "main", ("readReplication",))])


def test_what_is_in_the_way_goes_before_the_up_and_what_is_of_no_use_after_it(tmp_path: Path) -> None:
    plan = Plan()
    queue = plan.create(t.QUEUE, "events", {"queueName": "the-queue"})
    plan.create(t.QUEUE_CONSUMER, "consumer", {"accountId": ACCOUNT, "queueId": queue, "scriptName": "clerk"})
    plan.create(t.ACCOUNT_TOKEN, "token", {"accountId": ACCOUNT, "name": "the-token"})
    there = {name: Found(name, name) for name in ("consumer", "token")}
    seen = IDENTITIES.discover(FakeEngine(plan), FakeFinder(there), tmp_path, [])

    removal, up, handing_over, revocation = IDENTITIES.next_commands(seen)

    assert removal.endswith("queues consumer worker remove the-queue clerk")
    assert up == "pulumi up -C identities -s production"
    assert handing_over.endswith("-C identities -s production | bulkhead secrets set production cloudflareApiToken")
    assert revocation.endswith("/tokens/token")
