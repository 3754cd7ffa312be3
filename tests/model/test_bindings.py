from dataclasses import dataclass
from typing import Any, get_args

import pytest

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
    by_name,
)


@dataclass
class Names:
    """Answers every reference with its kind and logical name."""

    def database_id(self, database: str) -> str:
        return f"database {database}"

    def namespace_id(self, namespace: str) -> str:
        return f"namespace {namespace}"

    def bucket_name(self, bucket: str) -> str:
        return f"bucket {bucket}"

    def queue_name(self, queue: str) -> str:
        return f"queue {queue}"

    def worker_name(self, worker: str) -> str:
        return f"worker {worker}"

    def dataset_name(self, dataset: str) -> str:
        return f"dataset {dataset}"

    def secret(self, secret: str) -> str:
        return f"secret {secret}"


SHAPES: list[tuple[Binding, dict[str, Any]]] = [
    (D1("X", "a"), {"type": "d1", "database_id": "database a"}),
    (KV("X", "a"), {"type": "kv_namespace", "namespace_id": "namespace a"}),
    (R2("X", "a"), {"type": "r2_bucket", "bucket_name": "bucket a"}),
    (DurableObject("X", "C"), {"type": "durable_object_namespace", "class_name": "C"}),
    (
        DurableObject("X", "C", "w"),
        {"type": "durable_object_namespace", "class_name": "C", "script_name": "worker w"},
    ),
    (Service("X", "w"), {"type": "service", "service": "worker w"}),
    (Service("X", "w", "Admin"), {"type": "service", "service": "worker w", "entrypoint": "Admin"}),
    (QueueProducer("X", "q"), {"type": "queue", "queue_name": "queue q"}),
    (AI("X"), {"type": "ai"}),
    (AnalyticsEngine("X", "d"), {"type": "analytics_engine", "dataset": "dataset d"}),
    (Secret("X", "s"), {"type": "secret_text", "text": "secret s"}),
    (PlainText("X", "t"), {"type": "plain_text", "text": "t"}),
    (Json("X", {"b": 1, "a": 2}), {"type": "json", "json": '{"a": 2, "b": 1}'}),
    (VersionMetadata("X"), {"type": "version_metadata"}),
]


@pytest.mark.parametrize(("binding", "shape"), SHAPES)
def test_a_binding_is_said_in_cloudflares_shape(binding: Binding, shape: dict[str, Any]) -> None:
    assert binding.wire(Names()) == {"name": "X", **shape}


def test_every_binding_of_the_union_has_a_shape_here() -> None:
    assert {type(binding) for binding, _ in SHAPES} == set(get_args(Binding))


def test_bindings_are_sorted_so_that_an_unchanged_version_stays_unchanged() -> None:
    assert [b["name"] for b in by_name([{"name": "B"}, {"name": "A"}])] == ["A", "B"]
