"""A Worker's wrangler.jsonc says what the program deploys, in wrangler's shape."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.analysis.code.wrangler import FILE, Target, configurations, deployed_manifest, render, require_manifest
from bulkhead.model.bindings import (
    AI,
    D1,
    KV,
    R2,
    AnalyticsEngine,
    DurableObject,
    Json,
    PlainText,
    QueueProducer,
    Secret,
    Service,
    VersionMetadata,
)
from bulkhead.model.faults import Refused
from bulkhead.model.product import Bucket, Database, Namespace, Product, Queue, StageSecret, Worker
from infra.product import PRODUCT
from tests.localclouds.cloudflare.wrangler import Wrangler
from tests.support.manifests import make_manifest
from tests.support.settings_fixture import make_settings
from tests.support.stages import rendered_stage

ROOT = Path("/repository")
FOLDER = ROOT / ".wrangler/staging"
SETTINGS = make_settings("staging")

EVERY_KIND = Worker(
    "all",
    "worker/dist/all.js",
    host="@",
    owns=("Room",),
    retired=("Hall",),
    crons=("*/15 * * * *",),
    compatibility_flags=("nodejs_compat",),
    cpu_ms=50,
    bindings=(
        D1("DB", "main"),
        D1("OLD", "bare"),
        KV("CACHE", "cache", access="read"),
        R2("FILES", "files"),
        DurableObject("ROOM", "Room"),
        DurableObject("FAR", "Far", "other"),
        Service("OTHER", "other"),
        Service("ADMIN", "other", "Admin"),
        QueueProducer("EVENTS", "events"),
        AI("AI"),
        AnalyticsEngine("VISITS", "visits"),
        Secret("KEY", "sessionKey"),
        PlainText("GREETING", "hello"),
        Json("LIMITS", {"perMinute": 60}),
        VersionMetadata("VERSION"),
    ),
)
SHOP = Product(
    "shop",
    workers=(EVERY_KIND, Worker("other", "worker/dist/other.js", owns=("Far",))),
    databases=(Database("main", migrations="worker/migrations/main"), Database("bare")),
    namespaces=(Namespace("cache"),),
    buckets=(Bucket("files"),),
    queues=(Queue("events", consumer="all", dead_letter="failed", max_wait_ms=2500), Queue("failed")),
    secrets=(StageSecret("sessionKey"),),
)
TARGET = Target(SHOP, SETTINGS, make_manifest(SHOP, SETTINGS))

# The keys of what is written, as config-schema.json of wrangler 4.164.0 has them; it allows no others.
SCHEMA: dict[str, Any] = {
    "name": str,
    "account_id": str,
    "main": str,
    "compatibility_date": str,
    "compatibility_flags": [str],
    "workers_dev": bool,
    "preview_urls": bool,
    "routes": [{"pattern": str, "custom_domain": bool}],
    "triggers": {"crons": [str]},
    "limits": {"cpu_ms": int},
    "observability": {
        "enabled": bool,
        "head_sampling_rate": float,
        "logs": {
            "enabled": bool,
            "head_sampling_rate": float,
            "invocation_logs": bool,
            "persist": bool,
            "destinations": [str],
        },
        "traces": {"enabled": bool, "head_sampling_rate": float, "persist": bool, "destinations": [str]},
    },
    "vars": dict,
    "d1_databases": [{"binding": str, "database_name": str, "database_id": str, "migrations_dir": str}],
    "kv_namespaces": [{"binding": str, "id": str}],
    "r2_buckets": [{"binding": str, "bucket_name": str}],
    "queues": {
        "producers": [{"binding": str, "queue": str}],
        "consumers": [
            {
                "queue": str,
                "max_batch_size": int,
                "max_batch_timeout": float,
                "max_retries": int,
                "max_concurrency": int,
                "dead_letter_queue": str,
            }
        ],
    },
    "durable_objects": {"bindings": [{"name": str, "class_name": str, "script_name": str}]},
    "services": [{"binding": str, "service": str, "entrypoint": str}],
    "ai": {"binding": str},
    "version_metadata": {"binding": str},
    "analytics_engine_datasets": [{"binding": str, "dataset": str}],
    "exports": dict,
}


def against_schema(value: Any, schema: Any, key: str = "") -> list[str]:
    if isinstance(schema, dict):
        unknown = [f"{key}.{name}" for name in value if name not in schema]
        return unknown + [
            fault
            for name in value
            if name in schema
            for fault in against_schema(value[name], schema[name], f"{key}.{name}")
        ]
    if isinstance(schema, list):
        return [fault for item in value for fault in against_schema(item, schema[0], f"{key}[]")]
    return [] if type(value) is schema else [f"{key} is {value!r}"]


def written(target: Target = TARGET, worker: str = "all") -> dict[str, Any]:
    return configurations(target, FOLDER, ROOT)[f"{worker}/{FILE}"]


@pytest.mark.parametrize("product", [SHOP, PRODUCT], ids=lambda product: product.name)
def test_every_key_is_one_that_wrangler_knows(product: Product) -> None:
    documents = configurations(Target(product, SETTINGS, make_manifest(product, SETTINGS)), FOLDER, ROOT)
    assert len(documents) == len(product.workers)
    assert [fault for document in documents.values() for fault in against_schema(document, SCHEMA)] == []


@pytest.mark.slow
def test_wrangler_itself_reads_every_key_without_a_warning(tmp_path: Path) -> None:
    wrangler = Wrangler(tmp_path, "http://127.0.0.1:9/client/v4", "", "")
    for path, document in configurations(TARGET, wrangler.project, wrangler.project).items():
        config = wrangler.write(path, render(document, SHOP.workers[0], "staging"))
        source = (config.parent / document["main"]).resolve()
        classes = "".join(f"export class {name} {{}}\n" for name in document.get("exports", {}))
        wrangler.write(str(source.relative_to(wrangler.project)), f"{classes}export default {{ fetch() {{}} }}\n")
        said = wrangler.done("deploy", "--dry-run", "--config", path)
        assert said.err == ""


def test_every_store_is_the_stages_own() -> None:
    document = written()
    assert document["name"] == "shop-staging-worker-all"
    assert document["account_id"] == SETTINGS.cloudflare.account_id
    assert document["routes"] == [{"pattern": "staging.harbor.example", "custom_domain": True}]
    assert document["d1_databases"] == [
        {
            "binding": "DB",
            "database_name": "shop-staging-d1-main",
            "database_id": "sd1-main",
            "migrations_dir": "../../../worker/migrations/main",
        },
        {"binding": "OLD", "database_name": "shop-staging-d1-bare", "database_id": "sd1-bare"},
    ]
    assert document["kv_namespaces"] == [{"binding": "CACHE", "id": "skv-cache"}]
    assert document["r2_buckets"] == [{"binding": "FILES", "bucket_name": "shop-staging-r2-files"}]
    assert document["analytics_engine_datasets"] == [{"binding": "VISITS", "dataset": "shop-staging-dataset-visits"}]


def test_other_workers_are_reached_by_the_names_they_have_in_the_stage() -> None:
    document = written()
    assert document["services"] == [
        {"binding": "ADMIN", "service": "shop-staging-worker-other", "entrypoint": "Admin"},
        {"binding": "OTHER", "service": "shop-staging-worker-other"},
    ]
    assert document["durable_objects"]["bindings"] == [
        {"name": "FAR", "class_name": "Far", "script_name": "shop-staging-worker-other"},
        {"name": "ROOM", "class_name": "Room"},
    ]
    assert document["exports"] == {
        "Room": {"type": "durable-object", "storage": "sqlite"},
        "Hall": {"type": "durable-object", "state": "deleted"},
    }


def test_queues_are_produced_to_and_consumed_as_the_product_says() -> None:
    assert written()["queues"] == {
        "producers": [{"binding": "EVENTS", "queue": "shop-staging-queue-events"}],
        "consumers": [
            {
                "queue": "shop-staging-queue-events",
                "max_batch_size": 10,
                "max_batch_timeout": 2.5,
                "max_retries": 3,
                "max_concurrency": 5,
                "dead_letter_queue": "shop-staging-queue-failed",
            }
        ],
    }
    assert "queues" not in written(worker="other")


def test_the_source_is_found_from_where_the_file_is() -> None:
    assert written()["main"] == "../../../worker/src/all/index.ts"


def test_variables_are_the_stages_and_the_products() -> None:
    variables = written()["vars"]
    assert variables["STAGE"] == "staging"
    assert variables["SERVICE_NAME"] == "shop-staging-worker-all"
    assert variables["RELEASE"] == "0123456789ab"
    assert variables["CACHE_TTLS"]["apiSeconds"] == SETTINGS.cache.api_seconds
    assert (variables["GREETING"], variables["LIMITS"]) == ("hello", {"perMinute": 60})


def test_on_the_free_plan_wrangler_is_told_of_no_cpu_limit() -> None:
    free = replace(TARGET, settings=make_settings("staging", {"workers": {"cpuMs": None}}))
    assert all("limits" not in one for one in configurations(free, FOLDER, ROOT).values())


def test_a_secret_is_named_in_a_comment_and_nowhere_else() -> None:
    text = render(written(), EVERY_KIND, "staging")
    comments = [line for line in text.splitlines() if line.startswith("//")]
    document = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("//")))
    assert "KEY" in comments[-1]
    assert document == written()
    assert "KEY" not in json.dumps(document)
    assert not any("Secrets" in line for line in render({}, SHOP.workers[1], "staging").splitlines())


@pytest.mark.parametrize(("environment", "reachable"), [("development", True), ("pr-42", True), ("production", False)])
def test_addresses_on_workers_dev_are_developments_and_public_workers_alone(environment: str, reachable: bool) -> None:
    settings = make_settings(environment, {"access": {"public": True, "emailDomains": []}})
    target = Target(SHOP, settings, make_manifest(SHOP, settings))
    assert (written(target)["workers_dev"], written(target)["preview_urls"]) == (reachable, reachable)
    assert written(target, "other")["workers_dev"] is False


def test_a_closed_stage_is_written_without_an_address_that_its_login_does_not_stand_before() -> None:
    settings = make_settings("development")
    document = written(Target(SHOP, settings, make_manifest(SHOP, settings)))
    assert (document["workers_dev"], document["preview_urls"]) == (False, False)


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_what_is_written_is_what_the_program_deploys(environment: str) -> None:
    stage = rendered_stage("first", environment)
    target = Target(PRODUCT, make_settings(environment), stage.outputs["manifest"])
    require_manifest(target)
    for name in (worker.name for worker in PRODUCT.workers):
        document = written(target, name)
        [identity] = [one for one in stage.resources if one.type.endswith(":Worker") and one.name == name]
        [version] = [
            one for one in stage.resources if one.type.endswith(":WorkerVersion") and one.name == f"{name}-version"
        ]
        assert document["observability"] == _snake(identity.inputs["observability"])
        assert document["workers_dev"] == identity.inputs["subdomain"]["enabled"]
        assert document["preview_urls"] == identity.inputs["subdomain"]["previewsEnabled"]
        assert document["limits"] == _snake(version.inputs["limits"])
        assert document["compatibility_date"] == version.inputs["compatibilityDate"]
        assert document.get("exports", {}) == (version.inputs.get("exports") or {})
        domains = [one.inputs["hostname"] for one in stage.resources if one.name == f"{name}-domain"]
        assert [route["pattern"] for route in document.get("routes", [])] == domains


FOREIGN: list[tuple[list[str], Any]] = [
    (["product"], "other"),
    (["stage"], "production"),
    (["environment"], "production"),
    (["cloudflare", "accountId"], "3" * 32),
    (["cloudflare", "hostname"], "harbor.example"),
    (["databases", "main", "name"], "shop-production-d1-main"),
    (["buckets", "files", "name"], "shop-production-r2-files"),
    (["queues", "events", "name"], "shop-production-queue-events"),
    (["workers", "all", "name"], "shop-production-worker-all"),
    (["databases", "main", "id"], None),
    (["namespaces", "cache", "id"], {"4dabf18193072939515e22adb298388d": "encrypted"}),
    (["workers", "all", "release"], None),
]


@pytest.mark.parametrize(
    ("place", "value"), FOREIGN, ids=lambda value: ".".join(value) if isinstance(value, list) else ""
)
def test_a_manifest_that_is_about_something_else_is_refused(place: list[str], value: Any) -> None:
    manifest = make_manifest(SHOP, SETTINGS)
    inner = manifest
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(Refused) as refused:
        require_manifest(Target(SHOP, SETTINGS, manifest))
    assert [fault.key for fault in refused.value.faults] == [f"manifest.{'.'.join(place)}"]


def test_a_manifest_of_nothing_lacks_everything_at_once() -> None:
    with pytest.raises(Refused) as refused:
        require_manifest(replace(TARGET, manifest={}))
    keys = {fault.key for fault in refused.value.faults}
    assert {"manifest.product", "manifest.databases.bare.id", "manifest.workers.other.name"} <= keys


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): _snake(inner) for key, inner in value.items()}
    return value


STACK = {"type": "pulumi:pulumi:Stack"}


def test_the_manifest_is_the_one_that_the_stacks_root_exports() -> None:
    manifest = {"product": "shop"}
    other = {"type": "bulkhead:stage:Stage", "outputs": {"manifest": {"product": "other"}}}
    assert deployed_manifest("staging", [other, {**STACK, "outputs": {"manifest": manifest}}]) == manifest


@pytest.mark.parametrize("state", [[], [STACK], [{**STACK, "outputs": {"manifest": {"ciphertext": "v1"}}}]])
def test_a_stage_that_exports_no_manifest_in_clear_is_not_deployed(state: list[dict[str, Any]]) -> None:
    with pytest.raises(Refused) as refused:
        deployed_manifest("staging", state)
    assert refused.value.faults[0].fix == "pulumi up -s staging"
