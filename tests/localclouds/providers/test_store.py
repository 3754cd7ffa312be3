from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from bulkhead.localclouds.providers.store import Record, Store


def record(id_: str, environment: str = "staging", type_: str = "t") -> Record:
    return Record(type_, id_, environment, "account", "urn", {"n": 1}, {"n": 1, "out": [True, None]})


def test_a_record_comes_back_as_it_was(store: Store) -> None:
    store.put(record("a"))
    assert store.get("t", "a") == record("a")
    assert store.get("t", "b") is None


def test_all_is_oldest_first_also_after_an_update(store: Store) -> None:
    for id_ in ("b", "a", "c"):
        store.put(record(id_))
    store.put(replace(record("b"), inputs={"n": 2}))
    assert [found.id for found in store.all()] == ["b", "a", "c"]


def test_all_can_be_narrowed(store: Store) -> None:
    store.put(record("a", "staging", "x"))
    store.put(record("b", "production", "x"))
    store.put(record("c", "production", "y"))
    assert [found.id for found in store.all(environment="production")] == ["b", "c"]
    assert [found.id for found in store.all(environment="production", type_="x")] == ["b"]


def test_another_process_sees_what_was_written(store: Store, tmp_path: Path) -> None:
    store.put(record("a"))
    reader = Store(tmp_path / "store.sqlite")
    try:
        assert [found.id for found in reader.all()] == ["a"]
    finally:
        reader.close()


def test_a_claimed_name_is_had_by_one_thread_at_a_time(store: Store) -> None:
    order: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with store.claim("name"):
            entered.set()
            leave.wait(5)
            order.append("first")

    def second() -> None:
        with store.claim("name"):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    entered.wait(5)
    threads[1].start()
    with store.claim("another name"):
        leave.set()
    for thread in threads:
        thread.join(5)
    assert order == ["first", "second"]
