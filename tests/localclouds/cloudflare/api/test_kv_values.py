"""What is in a KV namespace over HTTP: read, written and deleted, one by one and many at once."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.api import forms
from tests.support.cloudflare_api import ACCOUNT, Api

NAMESPACES = f"/accounts/{ACCOUNT}/storage/kv/namespaces"
HOUR = 3600


@pytest.fixture
def namespace(api: Api) -> str:
    return f"{NAMESPACES}/{api.result('POST', NAMESPACES, {'title': 'sessions'})['id']}"


@pytest.fixture(scope="module")
def real(real_api: Api) -> str:
    return f"{NAMESPACES}/{real_api.result('POST', NAMESPACES, {'title': 'sessions'})['id']}"


@pytest.mark.slow
def test_a_value_comes_back_byte_by_byte_whatever_its_key(real_api: Api, real: str) -> None:
    value = bytes(range(256))
    for key in ("plain", "a%2Fb", "a/b/c", "caf%C3%A9%20%3F%23", "50%2525"):
        real_api.result("PUT", f"{real}/values/{key}", value)
        assert real_api.answer("GET", f"{real}/values/{key}").content == value
    names = {key["name"] for key in real_api.result("GET", f"{real}/keys")}
    assert {"plain", "a/b", "a/b/c", "café ?#", "50%25"} <= names
    real_api.result("DELETE", f"{real}/values/a%2Fb")
    assert real_api.refused("GET", f"{real}/values/a%2Fb") == (404, [10009])
    assert real_api.refused("GET", f"{real}/metadata/a%2Fb") == (404, [10009])
    real_api.result("DELETE", f"{real}/values/a%2Fb")


@pytest.mark.slow
def test_a_form_brings_metadata_along(real_api: Api, real: str) -> None:
    parts = [forms.Part("value", "v", "text/plain", b"1"), forms.Part("metadata", "m", "text/plain", b'{"by":"me"}')]
    kind, body = forms.write(parts)
    real_api.result("PUT", f"{real}/values/described?expiration_ttl={HOUR}", body, content_type=kind)
    assert real_api.result("GET", f"{real}/metadata/described") == {"by": "me"}
    (key,) = real_api.result("GET", f"{real}/keys?prefix=described")
    assert key["metadata"] == {"by": "me"}
    assert 0 < key["expiration"] - time.time() <= HOUR
    assert real_api.answer("GET", f"{real}/values/described").headers["expiration"] == str(key["expiration"])


@pytest.mark.slow
def test_many_are_written_read_listed_and_deleted_at_once(real_api: Api, real: str) -> None:
    pairs: list[dict[str, Any]] = [{"key": f"many-{number:02}", "value": str(number)} for number in range(23)]
    pairs[1] |= {"value": b64encode(b"\x00\xff").decode(), "base64": True, "metadata": {"n": 1}}
    written = real_api.result("PUT", f"{real}/bulk", pairs)
    assert written == {"successful_key_count": 23, "unsuccessful_keys": []}
    assert real_api.answer("GET", f"{real}/values/many-01").content == b"\x00\xff"

    names, cursor = [], ""
    for _ in range(3):
        _, page = real_api.call("GET", f"{real}/keys?prefix=many-&limit=10&cursor={cursor}")
        names += [key["name"] for key in page["result"]]
        cursor = page["result_info"]["cursor"]
    assert (names, cursor) == ([pair["key"] for pair in pairs], "")

    keys = ["many-00", "many-02", "none"]
    assert real_api.result("POST", f"{real}/bulk/get", {"keys": keys})["values"] == {
        "many-00": "0",
        "many-02": "2",
        "none": None,
    }
    described = {"keys": ["many-02"], "type": "json", "withMetadata": True}
    assert real_api.result("POST", f"{real}/bulk/get", described)["values"] == {
        "many-02": {"value": 2, "metadata": None}
    }
    real_api.result("DELETE", f"{real}/bulk", [pair["key"] for pair in pairs[:20]])
    real_api.result("POST", f"{real}/bulk/delete", [pair["key"] for pair in pairs[20:]])
    assert real_api.result("GET", f"{real}/keys?prefix=many-") == []


@pytest.mark.slow
def test_the_largest_value_is_taken(real_api: Api, real: str) -> None:
    value = b"x" * (25 * 1024 * 1024)
    real_api.result("PUT", f"{real}/values/large", value)
    assert real_api.answer("GET", f"{real}/values/large").content == value


def test_a_value_has_limits(api: Api, namespace: str) -> None:
    values = f"{namespace}/values"
    assert api.refused("PUT", f"{values}/{'k' * 513}", b"1")[0] == 414
    for method in ("GET", "DELETE"):
        assert api.refused(method, f"{values}/{'k' * 513}")[0] == 414
        assert api.refused(method, f"{values}/%2E%2E")[0] == 414
    assert api.refused("POST", f"{namespace}/bulk/delete", ["k" * 513])[0] == 414
    assert api.refused("POST", f"{namespace}/bulk/get", {"keys": [""]})[0] == 414
    assert api.refused("PUT", f"{values}/key", b"x" * (25 * 1024 * 1024 + 1)) == (413, [10024])
    assert api.refused("PUT", f"{values}/key?expiration_ttl=59", b"1") == (400, [10034])
    assert api.refused("PUT", f"{values}/key?expiration={int(time.time()) + 30}", b"1") == (400, [10034])
    for life in ("expiration_ttl=soon", "expiration_ttl=6²", "expiration=2524608000", f"expiration_ttl={10**20}"):
        assert api.refused("PUT", f"{values}/key?{life}", b"1") == (400, [10034])
    for seconds in (60.5, True, "60.5"):
        part = [{"key": "key", "value": "1", "expiration_ttl": seconds}]
        assert api.refused("PUT", f"{namespace}/bulk", part) == (400, [10034])
    assert api.refused("GET", f"{namespace}/keys?limit=9") == (400, [10028])
    assert api.refused("GET", f"{namespace}/keys?limit=1001") == (400, [10028])
    described = [{"key": "key", "value": "1", "metadata": "m" * 1024}]
    assert api.refused("PUT", f"{namespace}/bulk", described) == (413, [10024])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "bulk", []),
        ("PUT", "bulk", [{"key": "a"}]),
        ("PUT", "bulk", [{"key": "a", "value": 1}]),
        ("PUT", "bulk", [{"key": "a", "value": "1", "colour": "blue"}]),
        ("PUT", "bulk", [{"key": "a", "value": "!", "base64": True}]),
        ("PUT", "bulk", [{"key": str(number), "value": ""} for number in range(10_001)]),
        ("DELETE", "bulk", [1]),
        ("POST", "bulk/delete", [str(number) for number in range(10_001)]),
        ("POST", "bulk/get", {"keys": [str(number) for number in range(101)]}),
        ("POST", "bulk/get", {"keys": ["a"], "type": "yaml"}),
        ("POST", "bulk/get", {"keys": ["a"], "colour": "blue"}),
    ],
)
def test_what_is_no_bulk_is_refused(api: Api, namespace: str, method: str, path: str, body: Any) -> None:
    assert api.refused(method, f"{namespace}/{path}", body) == (400, [10012])


def test_a_form_is_a_value_and_metadata(api: Api, namespace: str) -> None:
    for parts in ([("metadata", b"{}")], [("value", b"1"), ("colour", b"blue")], [("value", b"1"), ("metadata", b"{")]):
        kind, body = forms.write(forms.Part(name, name, "text/plain", content) for name, content in parts)
        answer = api.answer("PUT", f"{namespace}/values/key", body, content_type=kind)
        assert answer.status_code == 400, answer.text
    assert api.answer("PUT", f"{namespace}/values/key", b"x", content_type="multipart/form-data").status_code == 400


def test_a_namespace_that_is_not_there_has_no_values(api: Api) -> None:
    for method, path in (("GET", "keys"), ("GET", "values/a"), ("GET", "metadata/a"), ("PUT", "values/a")):
        assert api.refused(method, f"{NAMESPACES}/none/{path}", json.dumps("1").encode()) == (404, [10013])
