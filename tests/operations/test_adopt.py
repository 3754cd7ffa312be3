"""What an adoption makes of a plan and of what is found: the discovery, the import, what the next `up` would change."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Discovery, Finder, Found, PendingChange, changes, discover, take
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.resources import types as t
from tests.support.adoption import (
    ACCOUNT,
    ALIAS,
    D1,
    KEY,
    QUEUE,
    TOPIC,
    TOPIC_POLICY,
    VERSION,
    FakeEngine,
    FakeFinder,
    Plan,
    token_in_state,
)

STORES = "bulkhead:data:DataStores"
ARN = "arn:aws:sns:ap-northeast-1:333333333333:harbor-production-topic-cost"


def look(plan: Plan, finder: Finder, folder: Path) -> Discovery:
    return discover(FakeEngine(plan), finder, folder)


def cloudflare_with(listed: list[dict[str, str]]) -> CloudflareFinder:
    """Return what looks into an account whose tokens are these."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith(f"/accounts/{ACCOUNT}/tokens")
        return httpx.Response(200, json={"success": True, "errors": [], "messages": [], "result": listed})

    return CloudflareFinder(Rest(CLOUDFLARE, "made-up", httpx.MockTransport(answer)))


def test_what_exists_is_imported_and_the_rest_is_said(tmp_path: Path) -> None:
    plan = Plan()
    plan.create(D1, "main", {"name": "harbor-production-d1-main"})
    plan.create(D1, "archive", {"name": "harbor-production-d1-archive"})
    plan.create(VERSION, "web-version")
    plan.create("aws:sqs/queue:Queue", "letters")
    finder = FakeFinder({"main": Found("an-id", f"{ACCOUNT}/an-id")}, types=[D1])

    seen = look(plan, finder, tmp_path)

    assert [(match.wanted.name, match.found.id) for match in seen.matches] == [("main", "an-id")]
    assert [wanted.name for wanted in seen.missing] == ["archive"]
    assert [wanted.name for wanted in seen.again] == ["web-version"]
    assert [wanted.name for wanted in seen.unlisted] == ["letters"]
    assert seen.in_the_way == ()
    assert [wanted.name for wanted in finder.asked] == ["main", "archive"]


def test_neither_providers_nor_components_are_looked_for(tmp_path: Path) -> None:
    plan = Plan()
    plan.component(STORES, "stores")
    finder = FakeFinder({})
    assert look(plan, finder, tmp_path).missing == ()
    assert finder.asked == []


def test_what_the_state_has_is_not_looked_for(tmp_path: Path) -> None:
    plan = Plan(standing=True)
    plan.step("same", D1, "main", {"name": "harbor-production-d1-main"})
    plan.step("update", D1, "other", {"name": "new"}, was={"name": "old"})
    finder = FakeFinder({})
    look(plan, finder, tmp_path)
    assert finder.asked == []


def test_the_id_of_what_was_found_is_known_to_what_needs_it(tmp_path: Path) -> None:
    plan = Plan()
    topic = plan.create(TOPIC, "topic", {"name": "harbor-production-topic-cost"})
    absent = plan.create(TOPIC, "absent", {"name": "harbor-production-topic-none"})
    plan.create(TOPIC_POLICY, "policy", {"arn": topic, "policy": "{}"})
    plan.create(TOPIC_POLICY, "policy-of-absent", {"arn": absent, "policy": "{}"})
    finder = FakeFinder({"topic": Found(ARN, ARN)})

    look(plan, finder, tmp_path)

    assert finder.inputs_of("policy") == {"arn": ARN, "policy": "{}"}
    assert finder.inputs_of("policy-of-absent") == {"policy": "{}"}


def test_a_key_is_known_by_the_alias_that_the_stage_gives_it(tmp_path: Path) -> None:
    plan = Plan()
    key = plan.create(KEY, "vault-key", {"description": "vault"})
    plan.create(ALIAS, "vault-key-name", {"name": "alias/harbor-production-key-vault", "targetKeyId": key})
    plan.create(KEY, "nameless", {"description": "none"})
    finder = FakeFinder({})
    look(plan, finder, tmp_path)
    assert {wanted.name: wanted.alias for wanted in finder.asked if wanted.type == KEY} == {
        "vault-key": "alias/harbor-production-key-vault",
        "nameless": None,
    }


def test_a_key_is_found_although_an_interrupted_import_took_its_alias_first(tmp_path: Path) -> None:
    plan = Plan(standing=True)
    key = plan.step("create", KEY, "vault-key", {"description": "vault"})
    alias = {"name": "alias/harbor-production-key-vault", "targetKeyId": key}
    plan.step("update", ALIAS, "vault-key-name", alias, was={"targetKeyId": "the-key"})
    plan.written = {"nameTable": {}, "providerInputs": {}}
    finder = FakeFinder({})
    look(plan, finder, tmp_path)
    assert [wanted.alias for wanted in finder.asked] == ["alias/harbor-production-key-vault"]


def test_a_consumer_is_in_the_way_and_the_command_names_queue_worker_and_account(tmp_path: Path) -> None:
    plan = Plan()
    queue = plan.create(QUEUE, "events", {"queueName": "harbor-production-queue-events"})
    consumer = {"accountId": ACCOUNT, "queueId": queue, "scriptName": "harbor-production-worker-clerk"}
    plan.create(t.QUEUE_CONSUMER, "events-consumer", consumer)
    finder = FakeFinder({"events": Found("q1", f"{ACCOUNT}/q1"), "events-consumer": Found("c1", f"{ACCOUNT}/q1/c1")})

    seen = look(plan, finder, tmp_path)

    assert [match.wanted.name for match in seen.matches] == ["events"]
    assert finder.inputs_of("events-consumer")["queueId"] == "q1"
    assert [obstacle.removal for obstacle in seen.in_the_way] == [
        f"CLOUDFLARE_ACCOUNT_ID={ACCOUNT} npx wrangler queues consumer worker remove "
        "harbor-production-queue-events harbor-production-worker-clerk"
    ]


def test_the_queue_of_a_consumer_in_the_way_may_be_in_the_state_already(tmp_path: Path) -> None:
    plan = Plan(standing=True)
    queue = plan.step("same", QUEUE, "events", {"queueName": "harbor-production-queue-events"})
    stood = plan.steps.pop()["newState"]  # the engine leaves out what would stay as it is
    consumer = plan.create(
        t.QUEUE_CONSUMER, "events-consumer", {"accountId": ACCOUNT, "queueId": "q1", "scriptName": "clerk"}
    )
    plan.steps[-1]["newState"]["propertyDependencies"] = {"queueId": [queue]}

    seen = discover(FakeEngine(plan), FakeFinder({"events-consumer": Found("c1", "c1")}), tmp_path, [stood])

    [obstacle] = seen.in_the_way
    assert obstacle.wanted.urn == consumer
    assert obstacle.removal.endswith("remove harbor-production-queue-events clerk")


def test_a_token_is_made_anew_and_the_command_ends_the_old_one_without_showing_what_may(tmp_path: Path) -> None:
    plan = Plan()
    plan.create(t.ACCOUNT_TOKEN, "tokens-deploy-a", {"accountId": ACCOUNT, "name": "harbor-production-token-deploy-a"})
    plan.create(t.ACCOUNT_TOKEN, "tokens-deploy-b", {"accountId": ACCOUNT, "name": "harbor-production-token-deploy-b"})

    seen = look(plan, FakeFinder({"tokens-deploy-a": Found("t1", f"{ACCOUNT}/t1")}), tmp_path)

    assert (seen.matches, seen.document["resources"]) == ((), [])
    assert [wanted.name for wanted in seen.missing] == ["tokens-deploy-b"]
    [old] = seen.outlived
    assert old.wanted.name == "tokens-deploy-a"
    assert old.removal == (
        "pulumi config get secrets:cloudflareTokenMaker -C identities --stack production"
        " | sed 's/^/Authorization: Bearer /'"
        f" | curl -fsS -X DELETE -H @- https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/tokens/t1"
    )


def test_a_key_of_a_login_is_of_no_use_either_and_is_ended_where_it_is(tmp_path: Path) -> None:
    plan = Plan()
    plan.create(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, "access-key-a", {"accountId": ACCOUNT, "name": "the-key"})

    seen = look(plan, FakeFinder({"access-key-a": Found("k1", f"accounts/{ACCOUNT}/k1")}), tmp_path)

    assert seen.matches == ()
    [old] = seen.outlived
    assert old.removal.endswith(f"/accounts/{ACCOUNT}/access/service_tokens/k1")


def test_a_token_whose_name_the_state_knows_and_whose_id_it_does_not_is_nobodys_and_is_ended(tmp_path: Path) -> None:
    standing = [token_in_state("tokens-deploy-a", "t1"), token_in_state("tokens-deploy-b", "t2")]
    listed = [{"name": f"the-tokens-deploy-{slot}", "id": f"t{n}"} for slot, n in ("a1", "a3", "b2", "c4", "a5")]

    seen = discover(FakeEngine(Plan(standing=True)), cloudflare_with(listed), tmp_path, standing)

    assert [(stray.wanted.name, stray.removal.rpartition("/")[2]) for stray in seen.strays] == [
        ("tokens-deploy-a", "t3"),
        ("tokens-deploy-a", "t5"),
    ]
    assert seen.outlived == ()


def test_of_tokens_with_one_name_that_outlived_a_lost_state_each_is_named(tmp_path: Path) -> None:
    plan = Plan()
    plan.create(t.ACCOUNT_TOKEN, "token", {"accountId": ACCOUNT, "name": "the-token"})

    seen = look(plan, cloudflare_with([{"name": "the-token", "id": "t1"}, {"name": "the-token", "id": "t2"}]), tmp_path)

    assert [old.removal.rpartition("/")[2] for old in seen.outlived] == ["t1", "t2"]
    assert seen.strays == ()


def test_the_import_names_each_resource_its_components_and_its_configured_provider(tmp_path: Path) -> None:
    plan = Plan()
    outer = plan.component("bulkhead:workers:Workers", "workers")
    inner = plan.component("bulkhead:workers:StageWorker", "web", parent=outer)
    plan.component(STORES, "empty-handed")
    plan.create("cloudflare:index/worker:Worker", "web", {"name": "harbor-production-worker-web"}, parent=inner)
    plan.create(D1, "absent", {"name": "n"}, parent=outer)
    engine = FakeEngine(plan)

    seen = discover(engine, FakeFinder({"web": Found("w1", f"{ACCOUNT}/w1")}), tmp_path)
    take(engine, seen.document, tmp_path, protect=True)

    [(document, protect)] = engine.taken
    assert protect
    workers, component, worker = document["resources"]
    assert (workers["type"], workers["logicalName"]) == ("bulkhead:workers:Workers", "workers")
    assert workers["component"]
    assert "parent" not in workers
    assert (component["logicalName"], component["parent"]) == ("web", workers["name"])
    assert (worker["logicalName"], worker["id"], worker["parent"]) == ("web", f"{ACCOUNT}/w1", component["name"])
    assert len({entry["name"] for entry in document["resources"]}) == 3
    assert document["nameTable"] == {worker["provider"]: plan.providers["cloudflare"].removesuffix("::an-id")}
    assert document["providerInputs"] == {worker["provider"]: {"token": {"ciphertext": "cloudflare-encrypted"}}}


def test_a_component_and_a_provider_that_the_state_has_are_pointed_to(tmp_path: Path) -> None:
    plan = Plan(standing=True)
    stores = plan.component(STORES, "stores", op="same")
    plan.create(D1, "main", {"name": "n"}, parent=stores)
    document = look(plan, FakeFinder({"main": Found("i", "a/i")}), tmp_path).document
    [entry] = document["resources"]
    assert document["nameTable"][entry["parent"]] == stores
    assert document["nameTable"][entry["provider"]] == plan.providers["cloudflare"].removesuffix("::an-id")
    assert document["providerInputs"] == {}


def test_an_engine_that_does_not_write_the_providers_configuration_is_refused(tmp_path: Path) -> None:
    plan = Plan()
    plan.create(D1, "main", {"name": "n"})
    del plan.written["providerInputs"]
    with pytest.raises(Refused, match=r"(?s)provider cloudflare.*3\.250"):
        look(plan, FakeFinder({"main": Found("i", "a/i")}), tmp_path)


def changed(plan: Plan) -> dict[str, PendingChange]:
    return {change.name: change for change in changes(plan.digest)}


def test_what_stays_is_no_change_and_a_component_has_none() -> None:
    plan = Plan(standing=True)
    plan.component(STORES, "stores")
    plan.step("same", D1, "main")
    assert changed(plan) == {}


def test_a_replaced_or_deleted_store_is_a_loss_and_an_update_is_none() -> None:
    plan = Plan(standing=True)
    plan.step("replace", D1, "main", {"name": "b"}, was={"name": "a"}, reasons=["name"])
    plan.step("delete", D1, "old", was={"name": "old"})
    plan.step("update", D1, "tuned", {"readReplication": {"mode": "auto"}}, reasons=["readReplication"])
    plan.create(D1, "new")
    found = changed(plan)
    assert {name: change.loses for name, change in found.items()} == {
        "main": True,
        "old": True,
        "tuned": False,
        "new": False,
    }
    assert found["main"].why == ("name a -> b",)
    assert found["tuned"].why == ("readReplication",)


def test_a_new_version_of_a_worker_and_a_closed_slot_of_tokens_lose_nothing() -> None:
    plan = Plan(standing=True)
    plan.step("replace", VERSION, "web-version", reasons=["annotations"])
    plan.step("delete", t.ACCOUNT_TOKEN, "tokens-deploy-a", was={"name": "old"})
    plan.step("replace", "pulumi:providers:cloudflare", "cloudflare", reasons=["apiToken"])
    assert not any(change.loses for change in changed(plan).values())
