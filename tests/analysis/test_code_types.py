"""The env types are the product's grants, said in TypeScript."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from bulkhead.analysis.code.files import stale, write
from bulkhead.analysis.code.types import OBJECTS, all_types, types_of
from bulkhead.model.bindings import (
    AI,
    D1,
    KV,
    R2,
    AnalyticsEngine,
    Binding,
    DurableObject,
    Json,
    PlainText,
    QueueProducer,
    Secret,
    Service,
    VersionMetadata,
)
from bulkhead.model.faults import Refused
from bulkhead.model.naming import Label, Stage
from bulkhead.model.product import STAGE_VARIABLES, Bucket, Database, Namespace, Product, Queue, StageSecret, Worker
from bulkhead.model.variables import stage_variables
from infra.product import PRODUCT
from tests.support.leaky_code import LEAKY_CODE
from tests.support.settings_fixture import make_settings

ROOT = Path(__file__).resolve().parents[2]
OTHER = Worker("other", "worker/dist/other.js", owns=("Room",))
TYPES: list[tuple[Binding, str]] = [
    (D1("X", "main"), "D1Database"),
    (KV("X", "cache"), "KVNamespace"),
    (KV("X", "cache", access="read"), 'Pick<KVNamespace, "get" | "getWithMetadata" | "list">'),
    (R2("X", "files"), "R2Bucket"),
    (R2("X", "files", access="read"), 'Pick<R2Bucket, "get" | "head" | "list">'),
    (DurableObject("X", "Own"), 'DurableObjectNamespace<import("./index.ts").Own>'),
    (DurableObject("X", "Room", "other"), 'DurableObjectNamespace<import("../other/index.ts").Room>'),
    (Service("X", "other"), "Fetcher"),
    (Service("X", "other", "Admin"), 'Service<typeof import("../other/index.ts").Admin>'),
    (QueueProducer("X", "jobs"), "Queue"),
    (AI("X"), "Ai"),
    (AnalyticsEngine("X", "visits"), "AnalyticsEngineDataset"),
    (Secret("X", "key"), "string"),
    (PlainText("X", 'it"s'), '"it\\"s"'),
    (Json("X", {"b": [1, "a", None], "a": {"is": True}}), '{ "a": { "is": true; }; "b": [1, "a", null]; }'),
    (VersionMetadata("X"), "WorkerVersionMetadata"),
]


def product_with(*bindings: Binding) -> Product:
    worker = Worker("one", "worker/dist/one.js", bindings, owns=("Own",))
    return Product(
        "types",
        workers=(worker, OTHER),
        databases=(Database("main"),),
        namespaces=(Namespace("cache"),),
        buckets=(Bucket("files"),),
        queues=(Queue("jobs"),),
        secrets=tuple(StageSecret(binding.secret) for binding in bindings if isinstance(binding, Secret)),
    )


@pytest.mark.parametrize(("binding", "type_"), TYPES, ids=lambda value: type(value).__name__)
def test_a_binding_has_the_type_of_what_the_runtime_binds(binding: Binding, type_: str) -> None:
    product = product_with(binding)
    assert f"\n  X: {type_};\n" in types_of(product.workers[0], product)["worker/src/one/env.d.ts"]


def test_every_binding_of_the_union_has_a_type_here() -> None:
    assert {type(binding) for binding, _ in TYPES} == set(get_args(Binding))


def test_types_hold_the_stage_variables_and_the_grants_and_nothing_else() -> None:
    for worker in PRODUCT.workers:
        text = types_of(worker, PRODUCT)[f"worker/src/{worker.name}/env.d.ts"]
        assert tuple(sorted(re.findall(r"^  (\w+): ", text, re.MULTILINE))) == worker.granted()


def test_stage_variables_have_the_types_of_their_values() -> None:
    values = stage_variables(Label("p", Stage.STAGING, "staging"), make_settings("staging"), "s", "r")
    objects = {each["name"]: json.loads(each["json"]) for each in values if each["type"] == "json"}
    assert set(objects) == set(OBJECTS)
    assert {each["name"] for each in values} == set(STAGE_VARIABLES)
    assert sorted(re.findall(r"(\w+): number;", OBJECTS["CACHE_TTLS"])) == sorted(objects["CACHE_TTLS"])
    assert all(isinstance(value, int) for value in objects["CACHE_TTLS"].values())


def test_what_can_be_imported_is_said_apart_from_what_other_workers_may_import() -> None:
    files = types_of(PRODUCT.workers[0], PRODUCT)
    assert "declare global" in files["worker/src/web/cloudflare.d.ts"]
    assert "declare global" not in files["worker/src/web/env.d.ts"]


def test_types_are_the_same_each_time() -> None:
    assert all_types(PRODUCT) == all_types(replace(PRODUCT))


@pytest.mark.parametrize("product", [PRODUCT, LEAKY_CODE], ids=lambda product: product.name)
def test_types_in_this_repository_are_up_to_date(product: Product) -> None:
    assert stale(all_types(product), ROOT) == [], "bulkhead bindings types"


def test_two_workers_in_one_folder_are_refused() -> None:
    product = Product("types", workers=(Worker("one", "src/one.js"), Worker("two", "src/two.js"), OTHER))
    with pytest.raises(Refused) as refused:
        all_types(product)
    assert [fault.key for fault in refused.value.faults] == ["workers.one.source", "workers.two.source"]


def test_a_file_is_stale_when_it_is_missing_or_differs(tmp_path: Path) -> None:
    files = {"a/x.d.ts": "x\n", "a/y.d.ts": "y\n"}
    assert stale(files, tmp_path) == ["a/x.d.ts", "a/y.d.ts"]
    write(files, tmp_path)
    assert stale(files, tmp_path) == []
    (tmp_path / "a/y.d.ts").write_text("z\n")
    assert stale(files, tmp_path) == ["a/y.d.ts"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["x.d.ts", "y.d.ts"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"x.d.ts": "old\n"}, tmp_path)

    def refuse(self: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write({"x.d.ts": "new\n"}, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.d.ts", "old\n")]


@pytest.mark.parametrize(
    ("worker", "entry"),
    [
        (Worker("web", "worker/dist/web.js"), "worker/src/web/index.ts"),
        (Worker("web", "dist/web.js"), "src/web/index.ts"),
        (Worker("web", "plain/web.js"), "plain/web.js"),
        (Worker("web", "worker/dist/web.js", source="apps/web/main.ts"), "apps/web/main.ts"),
    ],
)
def test_the_source_follows_from_the_bundle_unless_it_is_said(worker: Worker, entry: str) -> None:
    assert worker.entry == entry
