from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

from bulkhead.localclouds.providers.wire import UNKNOWN, decode, encode
from bulkhead.resources import sentinels
from bulkhead.resources.sentinels import SECRET, SIGNATURE


def struct(values: dict[str, Any]) -> Struct:
    message = Struct()
    message.update(values)
    return message


def test_signatures_are_those_of_the_sdk() -> None:
    assert rpc._special_sig_key == sentinels.SIGNATURE
    assert rpc._special_secret_sig == sentinels.SECRET
    assert rpc._special_output_value_sig == sentinels.OUTPUT
    assert rpc._special_resource_sig == sentinels.RESOURCE
    assert {rpc._special_asset_sig, rpc._special_archive_sig} == sentinels.ASSETS


def test_plain_values_survive_there_and_back() -> None:
    values = {"s": "x", "n": 1.5, "i": 100, "b": True, "l": [1, {"deep": "y"}], "o": {"empty": {}}}
    assert decode(encode(values)).values == values


def test_whole_numbers_are_integers_and_booleans_stay_booleans() -> None:
    values = decode(struct({"percentage": 100.0, "flag": True})).values
    assert type(values["percentage"]) is int
    assert values["flag"] is True


def test_null_members_are_left_out() -> None:
    assert decode(struct({"a": None, "b": {"c": None, "d": 1}})).values == {"b": {"d": 1}}


def test_a_nested_secret_keeps_its_place() -> None:
    values = {"bindings": [{"name": "A", "text": "plain"}, {"name": "B", "text": "hidden"}]}
    there = encode(values, {("bindings", 1, "text")})
    plain, hidden = MessageToDict(there)["bindings"]
    assert plain["text"] == "plain"
    assert hidden["text"] == {SIGNATURE: SECRET, "value": "hidden"}
    back = decode(there)
    assert back.values == values
    assert back.secrets == {("bindings", 1, "text")}


def test_a_secret_object_is_secret_as_a_whole() -> None:
    back = decode(encode({"settings": {"a": 1}}, {("settings",)}))
    assert back.values == {"settings": {"a": 1}}
    assert back.secrets == {("settings",)}


def test_an_unknown_is_unknown_in_every_form() -> None:
    output = {SIGNATURE: sentinels.OUTPUT}
    secret = {SIGNATURE: SECRET, "value": rpc.UNKNOWN}
    values = decode(struct({"a": rpc.UNKNOWN, "b": [rpc.UNKNOWN], "c": output, "d": secret})).values
    assert values == {"a": UNKNOWN, "b": [UNKNOWN], "c": UNKNOWN, "d": UNKNOWN}
    assert encode(values)["a"] == rpc.UNKNOWN


def test_a_known_output_value_is_its_value_and_may_be_secret() -> None:
    message = decode(struct({"a": {SIGNATURE: sentinels.OUTPUT, "value": "x", "secret": True}}))
    assert message.values == {"a": "x"}
    assert message.secrets == {("a",)}


def test_a_resource_reference_is_its_id() -> None:
    assert decode(struct({"a": {SIGNATURE: sentinels.RESOURCE, "urn": "urn:x", "id": "42"}})).values == {"a": "42"}


def test_an_unheard_of_signature_is_refused_by_its_path() -> None:
    with pytest.raises(ValueError, match=r"a\.b.*deadbeef"):
        decode(struct({"a": {"b": {SIGNATURE: "deadbeef"}}}))
