"""What is in an R2 bucket over HTTP."""

from __future__ import annotations

import pytest

from tests.support.cloudflare_api import ACCOUNT, Api

BUCKETS = f"/accounts/{ACCOUNT}/r2/buckets"
OBJECTS = f"{BUCKETS}/files/objects"


@pytest.fixture(scope="module")
def real(real_api: Api) -> Api:
    real_api.result("POST", BUCKETS, {"name": "files", "storageClass": "InfrequentAccess"})
    return real_api


@pytest.mark.slow
def test_an_object_comes_back_with_its_headers(real: Api) -> None:
    content = bytes(range(256))
    sent = {"content_type": "image/png", "cache_control": "max-age=60", "content_disposition": "inline"}
    written = real.result("PUT", f"{OBJECTS}/a/b%20c.png", content, **sent)
    assert (written["key"], written["size"], written["storage_class"]) == ("a/b c.png", "256", "InfrequentAccess")
    read = real.answer("GET", f"{OBJECTS}/a/b%20c.png")
    assert read.content == content
    assert {name: read.headers[name.replace("_", "-")] for name in sent} == sent
    assert read.headers["etag"] == f'"{written["etag"]}"'
    again = real.answer("GET", f"{OBJECTS}/a/b%20c.png", if_none_match=read.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    later = real.answer("GET", f"{OBJECTS}/a/b%20c.png", if_modified_since=read.headers["last-modified"])
    assert later.status_code == 304
    zoneless = read.headers["last-modified"].replace("GMT", "-0000")
    assert real.answer("GET", f"{OBJECTS}/a/b%20c.png", if_modified_since=zoneless).status_code == 304
    assert real.result("DELETE", f"{OBJECTS}/a/b%20c.png") == {"key": "a/b c.png"}
    assert real.refused("GET", f"{OBJECTS}/a/b%20c.png") == (404, [10007])


@pytest.mark.slow
def test_objects_are_listed_page_by_page(real: Api) -> None:
    for key in ("list/1", "list/2", "list/deep/3", "other"):
        real.result("PUT", f"{OBJECTS}/{key}", b"1")
    _, first = real.call("GET", f"{OBJECTS}?prefix=list/&per_page=2")
    assert [one["key"] for one in first["result"]] == ["list/1", "list/2"]
    assert (first["result"][0]["size"], first["result"][0]["storage_class"]) == (1, "InfrequentAccess")
    _, second = real.call("GET", f"{OBJECTS}?prefix=list/&per_page=2&cursor={first['result_info']['cursor']}")
    assert [one["key"] for one in second["result"]] == ["list/deep/3"]
    assert second["result_info"]["is_truncated"] is False
    _, grouped = real.call("GET", f"{OBJECTS}?prefix=list/&delimiter=/")
    assert [one["key"] for one in grouped["result"]] == ["list/1", "list/2"]
    assert grouped["result_info"]["delimited"] == ["list/deep/"]
    assert [one["key"] for one in real.result("GET", f"{OBJECTS}?start_after=list/deep/3")] == ["other"]


@pytest.mark.slow
def test_a_bucket_that_holds_something_is_not_deleted(real: Api) -> None:
    real.result("POST", BUCKETS, {"name": "full"})
    real.result("PUT", f"{BUCKETS}/full/objects/key", b"1")
    assert real.refused("DELETE", f"{BUCKETS}/full") == (409, [10008])
    real.result("DELETE", f"{BUCKETS}/full/objects/key")
    real.result("DELETE", f"{BUCKETS}/full")


def test_a_bucket_that_is_not_there_has_no_objects(api: Api) -> None:
    assert api.refused("GET", OBJECTS) == (404, [10006])
    assert api.refused("PUT", f"{OBJECTS}/key", b"1") == (404, [10006])


def test_a_key_has_a_limit(api: Api) -> None:
    api.result("POST", BUCKETS, {"name": "files"})
    for method in ("PUT", "GET", "DELETE"):
        assert api.refused(method, f"{OBJECTS}/{'k' * 1025}", b"1" if method == "PUT" else None) == (400, [10020])
    assert api.refused("GET", f"{OBJECTS}?per_page=0")[0] == 400


def test_a_storage_class_that_would_not_be_kept_is_refused(api: Api) -> None:
    api.result("POST", BUCKETS, {"name": "files"})
    answer = api.answer("PUT", f"{OBJECTS}/key", b"1", cf_r2_storage_class="InfrequentAccess")
    assert answer.status_code == 400
    assert "the local Cloudflare keeps" in answer.json()["errors"][0]["message"]
