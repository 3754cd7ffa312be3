"""What a call of the engine reads once: within the call, for one object, and never beyond."""

from __future__ import annotations

import threading
from typing import Any

import pulumi_policy.policy
import pytest
from google.protobuf import json_format, struct_pb2

from policies.once import in_one_call, once, read_resources_once


def counting(into: list[Any]) -> Any:
    def read(value: Any) -> list[Any]:
        into.append(value)
        return [value]

    return once(read)


def test_an_object_is_read_once_in_a_call_and_anew_in_the_next() -> None:
    resource: list[Any] = []
    read = counting(resource)
    thing = object()

    def twice() -> bool:
        return read(thing) is read(thing)

    assert in_one_call(twice)()
    assert resource == [thing]
    assert in_one_call(twice)()
    assert resource == [thing, thing]
    assert not twice()


def test_equal_objects_are_read_each_by_itself() -> None:
    read = counting([])
    assert in_one_call(lambda: read([1]) is read([1]))() is False


def test_a_call_that_fails_leaves_nothing_behind() -> None:
    resource: list[Any] = []
    read = counting(resource)
    thing = object()

    def failing() -> None:
        read(thing)
        raise ValueError("of the rule")

    with pytest.raises(ValueError, match="of the rule"):
        in_one_call(failing)()
    read(thing)
    assert resource == [thing, thing]


def test_calls_that_overlap_do_not_share() -> None:
    resource: list[Any] = []
    read = counting(resource)
    thing = object()
    both = threading.Barrier(2, timeout=10)

    def call() -> None:
        read(thing)
        both.wait()
        read(thing)

    threads = [threading.Thread(target=in_one_call(call)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert resource == [thing, thing]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives the library back as it was."""
    for name in ("json_format", "deserialize_properties", "unknown_checking_proxy"):
        monkeypatch.setattr(pulumi_policy.policy, name, getattr(pulumi_policy.policy, name))
    for name in ("Analyze", "AnalyzeStack"):
        servicer = pulumi_policy.policy._PolicyAnalyzerServicer
        monkeypatch.setattr(servicer, name, getattr(servicer, name))
    return pulumi_policy.policy


def test_the_library_reads_a_message_once_for_all_its_policies(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    resource: list[Any] = []

    def reading(message: Any) -> Any:
        resource.append(message)
        return json_format.MessageToDict(message)

    properties = struct_pb2.Struct()
    properties.update({"bindings": [{"name": "DB"}]})

    def two_policies(self: Any, request: struct_pb2.Value, context: Any) -> list[Any]:
        # As the library does it: the message is reached through its request each time.
        return [
            library.unknown_checking_proxy(
                library.deserialize_properties(library.json_format.MessageToDict(request.struct_value))
            )
            for _ in range(2)
        ]

    monkeypatch.setattr(library, "json_format", type("Recording", (), {"MessageToDict": staticmethod(reading)}))
    monkeypatch.setattr(library._PolicyAnalyzerServicer, "Analyze", two_policies)
    read_resources_once()
    first, second = library._PolicyAnalyzerServicer.Analyze(None, struct_pb2.Value(struct_value=properties), None)
    assert first is second
    assert first["bindings"][0]["name"] == "DB"
    assert len(resource) == 1
