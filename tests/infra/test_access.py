"""What a product may say of how far a grant goes, where a Worker's source is and where its env leaves the types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.model.bindings import D1, KV, R2, Binding, reading
from bulkhead.model.product import Bucket, Database, Escape, Namespace, Product, ProductFault, Worker

BASE = Product(
    "shop",
    workers=(Worker("site", "site.js", bindings=(KV("CACHE", "cache"),)),),
    databases=(Database("main"),),
    namespaces=(Namespace("cache"),),
    buckets=(Bucket("files"),),
)


def site(**changes: Any) -> Product:
    return replace(BASE, workers=(replace(BASE.workers[0], **changes),))


def test_a_grant_for_reading_names_the_methods_that_change_nothing() -> None:
    assert reading(KV("K", "cache", access="read")) == ("get", "getWithMetadata", "list")
    assert reading(R2("B", "files", access="read")) == ("get", "head", "list")
    assert reading(KV("K", "cache")) == reading(R2("B", "files")) == reading(D1("DB", "main")) == ()


class Names:
    """References that answer with what they were asked."""

    def __getattr__(self, kind: str) -> Any:
        return lambda name: f"{kind} {name}"


@pytest.mark.parametrize("binding", [KV("X", "cache", access="read"), R2("X", "files", access="read")])
def test_a_grant_for_reading_is_bound_like_any_other(binding: KV | R2) -> None:
    assert binding.wire(Names()) == replace(binding, access="read-write").wire(Names())


@pytest.mark.parametrize("binding", [KV("X", "cache", access="read"), R2("X", "files", access="read")])
def test_namespaces_and_buckets_may_be_granted_for_reading(binding: Binding) -> None:
    assert site(bindings=(binding,)).workers[0].bindings == (binding,)


def test_a_database_cannot_be_granted_for_reading_and_the_fault_says_what_can() -> None:
    with pytest.raises(ProductFault) as refused:
        site(bindings=(D1("DB", "main", access="read"),))
    [fault] = refused.value.faults
    assert fault.key == "workers.site.bindings.DB"
    assert 'Service("DB", "<owner>", entrypoint="Reading")' in fault.fix


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"bindings": (KV("K", "cache", access="write"),)}, "workers.site.bindings.K"),  # type: ignore[arg-type]
    ({"bindings": (R2("B", "files", access=""),)}, "workers.site.bindings.B"),  # type: ignore[arg-type]
    ({"source": "/etc/index.ts"}, "workers.site.source"),
    ({"source": "../index.ts"}, "workers.site.source"),
    ({"types": "../types"}, "workers.site.types"),
    ({"escapes": (Escape("../log.ts", "hono", "our router"),)}, "workers.site.escapes.../log.ts"),
    ({"escapes": (Escape("src/log.ts", "hono", " "),)}, "workers.site.escapes.src/log.ts"),
    ({"escapes": (Escape("src/log.ts", "", "our router"),)}, "workers.site.escapes.src/log.ts"),
    ({"escapes": (Escape("src/log.ts", "hono", "our router", uses=("DB",)),)}, "workers.site.escapes.src/log.ts"),
]


@pytest.mark.parametrize(("change", "key"), BROKEN)
def test_what_cannot_be_is_refused_with_its_place(change: dict[str, Any], key: str) -> None:
    with pytest.raises(ProductFault) as refused:
        site(**change)
    assert [fault.key for fault in refused.value.faults] == [key]


def test_an_escape_that_says_what_is_used_beyond_it_is_accepted() -> None:
    escape = Escape("src/log.ts", "hono", "our router", uses=("CACHE",))
    assert site(escapes=(escape,)).workers[0].escapes == (escape,)
