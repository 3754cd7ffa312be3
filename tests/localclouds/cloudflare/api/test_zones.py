"""What a token sees of its account and its zones, and the purge of a zone's cache."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.cloudflare_api import ACCOUNT, OTHER_ACCOUNT, ZONE, Api

PURGE = f"/zones/{ZONE}/purge_cache"


def test_a_token_sees_its_own_account(api: Api) -> None:
    account = {"id": ACCOUNT, "name": "staging", "type": "standard"}
    assert api.result("GET", "/accounts?page=1") == [account]
    assert api.result("GET", f"/accounts/{ACCOUNT}") == account
    assert api.result("GET", "/accounts?name=production") == []
    assert api.refused("GET", f"/accounts/{OTHER_ACCOUNT}") == (403, [10000])


def test_a_zone_is_found_by_its_name(api: Api) -> None:
    (zone,) = api.result("GET", f"/zones?name=example.com&account.id={ACCOUNT}")
    assert (zone["id"], zone["account"]["id"]) == (ZONE, ACCOUNT)
    assert api.result("GET", f"/zones/{ZONE}") == zone
    assert api.result("GET", "/zones?name=example.org") == []
    assert api.result("GET", f"/zones/{ZONE}/workers/routes") == []
    assert api.refused("GET", f"/zones/{'b' * 32}") == (403, [10000])


def test_a_search_that_is_not_understood_is_refused(api: Api) -> None:
    assert api.refused("GET", "/zones?match=any")[0] == 400


@pytest.mark.parametrize(("path", "code"), [("/user", 9109), ("/memberships?page=1", 10000)])
def test_an_accounts_token_is_no_person(api: Api, path: str, code: int) -> None:
    assert api.refused("GET", path) == (403, [code])


@pytest.mark.parametrize(
    "body",
    [
        {"purge_everything": True},
        {
            "files": [
                "https://www.example.com/a.css",
                {"url": "https://example.com/b", "headers": {"CF-Device-Type": "m"}},
            ]
        },
        {"tags": ["release"]},
        {"hosts": ["www.example.com"]},
        {"prefixes": ["www.example.com/blog/"]},
    ],
)
def test_what_was_purged_is_in_the_journal(api: Api, body: dict[str, Any]) -> None:
    assert api.result("POST", PURGE, body) == {"id": ZONE}
    (call,) = api.journal
    assert (call.resource, json.loads(call.note)) == (ZONE, body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "one of"),
        ({"purge_everything": False}, "must be true"),
        ({"tags": ["a"], "hosts": ["example.com"]}, "one of"),
        ({"colours": ["blue"]}, "one of"),
        ({"tags": []}, "1 to 100"),
        ({"tags": ["a"] * 101}, "1 to 100"),
        ({"hosts": ["example.org"]}, "not in the zone"),
        ({"hosts": ["notexample.com"]}, "not in the zone"),
        ({"files": ["/a.css"]}, "files[0]"),
        ({"files": [7]}, "files[0]"),
        ({"files": ["https://["]}, "files[0]"),
    ],
)
def test_a_purge_that_would_miss_is_refused(api: Api, body: dict[str, Any], said: str) -> None:
    status, answer = api.call("POST", PURGE, body)
    assert (status, answer["success"]) == (400, False)
    assert said in answer["errors"][0]["message"]
    assert [call.note for call in api.journal] == [""]
