"""What the routes of the vendors' APIs accept: found by path, known by name, with a source that says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Set
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from bulkhead.clients import clouds
from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB, Api
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.permissions import ANYBODY, UNSAID, Row, Table
from bulkhead.localclouds.cloudflare.api import permissions as cloudflare
from bulkhead.localclouds.github.api import permissions as github
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.operations.adopt.finding import Finder, Wanted
from bulkhead.operations.adopt.github import GitHubFinder
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.permissions import GROUPS

KNOWN: Final = {each.name for each in GROUPS}
TABLES: Final = {CLOUDFLARE: cloudflare.TABLE, GITHUB: github.TABLE}
# What Cloudflare's own documents say where they mean another group: no group has such a name.
MISSPELT: Final = {"Zone Zone Read": "Zone Read", "Zone Zone Edit": "Zone Write", "Zone DNS Edit": "DNS Write"}


class AnyInput(dict[str, Any]):
    """Inputs of a resource of any type: each has a value."""

    def __missing__(self, name: str) -> str:
        return f"some-{name}"

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]


def asked_of(base: Api) -> list[tuple[str, str]]:
    """Return what this project's own commands ask one of the clouds: each type that `adopt` looks for, R2's keys."""
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/client/v4")
        asked.append((request.method, path))
        return httpx.Response(200 if path == "/repos/acme/some-repository" else 404, json={})

    api = Rest(base, "a-token", httpx.MockTransport(answer))
    finder: Finder = CloudflareFinder(api) if base == CLOUDFLARE else GitHubFinder(api, "acme")
    for type_ in filter(finder.knows, CATALOGUE):
        finder.find(Wanted("urn:some", type_, "some", AnyInput()))
    if base == CLOUDFLARE:
        with pytest.raises(Refused):
            clouds.r2("some-account", "a-token", api)
    return list(dict.fromkeys(asked))


@cache
def docstring_groups(module: str) -> Set[str]:
    """Return the groups under "Accepted Permissions" in the docstring of a module of the installed SDK."""
    spec = find_spec("pulumi_cloudflare")
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parent / f"{module}.py").read_text(encoding="utf-8")
    listed = re.search(r"Accepted Permissions\n\s*\n((?:\s*- `[^`]*`\n)+)", text)
    assert listed is not None, f"the docstring of {module} lists none"
    return {MISSPELT.get(name, name) for name in re.findall(r"`([^`]*)`", listed[1])}


def cited() -> Iterator[tuple[str, Row]]:
    """Yield each module of the SDK that a row has as a source."""
    for row in cloudflare.TABLE.rows:
        for source in row.sources:
            if (module := re.fullmatch(r"pulumi_cloudflare\.(\w+): Accepted Permissions", source)) is not None:
                yield module[1], row


@pytest.mark.parametrize("base", TABLES)
def test_every_route_that_this_project_asks_is_in_the_table_and_something_is_said_of_it(base: Api) -> None:
    asked = asked_of(base)
    assert len(asked) > 4
    assert [each for each in asked if TABLES[base].accepted(*each) is UNSAID] == []


def test_every_group_of_cloudflare_is_known_by_its_name() -> None:
    named = {name for row in cloudflare.TABLE.rows for groups in row.accepted.values() for name in groups or ()}
    assert named - KNOWN == set()


def test_every_row_has_a_source_and_what_nobody_says_has_a_reason() -> None:
    for table in TABLES.values():
        assert [row.path for row in table.rows if not row.sources] == []
        unsaid = [row for row in table.rows if UNSAID in row.accepted.values()]
        assert [row.path for row in unsaid if not row.note] == []
        assert [row.path for row in unsaid if set(row.accepted.values()) != {UNSAID}] == []


def test_a_data_source_of_the_sdk_names_what_its_reads_accept() -> None:
    reads: dict[str, set[str]] = defaultdict(set)
    for module, row in cited():
        if module.startswith("get_"):
            reads[module] |= row.accepted["GET"] or set()
    assert len(reads) > 30
    assert {module: wrong for module, groups in reads.items() if (wrong := groups ^ docstring_groups(module))} == {}


def test_a_resource_of_the_sdk_names_what_all_of_its_routes_accept() -> None:
    routes: dict[str, set[str]] = defaultdict(set)
    for module, row in cited():
        if not module.startswith("get_"):
            routes[module] |= set[str]().union(*(groups or () for groups in row.accepted.values()))
    assert len(routes) > 20
    assert {module: wrong for module, groups in routes.items() if (wrong := groups ^ docstring_groups(module))} == {}


@pytest.mark.parametrize(
    ("method", "path", "groups"),
    [
        ("GET", "/accounts/0123/d1/database", {"D1 Read", "D1 Write"}),
        ("POST", "/accounts/{account_id}/d1/database", {"D1 Write"}),
        ("DELETE", "/accounts/0123/d1/database/4567", {"D1 Write"}),
        ("PUT", "/accounts/0123/storage/kv/namespaces/n/values/a%2Fb", {"Workers KV Storage Write"}),
        ("PUT", "/accounts/0123/r2/buckets/b/objects/a/b/c.txt", {"Workers R2 Storage Write"}),
        ("POST", "/zones/0123/purge_cache", {"Cache Purge"}),
    ],
)
def test_a_route_is_found_by_the_path_of_a_request_and_by_its_template(
    method: str, path: str, groups: set[str]
) -> None:
    assert cloudflare.accepted(method, path) == frozenset(groups)


def test_a_path_without_a_variable_is_no_value_of_a_variable() -> None:
    assert cloudflare.accepted("GET", "/accounts/0123/tokens/verify") == ANYBODY
    assert cloudflare.accepted("GET", "/accounts/0123/tokens/4567") == frozenset(
        {"Account API Tokens Read", "Account API Tokens Write"}
    )
    assert github.accepted("GET", "/repos/acme/harbor/releases/latest") == frozenset(
        {"contents:read", "contents:write"}
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/0123/d1"),
        ("PURGE", "/accounts/0123/d1/database"),
        ("GET", "/accounts/0123/d1/database/"),
        ("GET", "/accounts"),
    ],
)
def test_nobody_says_what_an_unknown_route_accepts(method: str, path: str) -> None:
    assert cloudflare.accepted(method, path) is UNSAID


def test_a_route_is_known_although_nobody_says_what_it_accepts() -> None:
    assert cloudflare.TABLE.has("GET", "/accounts")
    assert not cloudflare.TABLE.has("PUT", "/accounts")


def test_who_may_write_on_github_may_read() -> None:
    reads = [row.accepted["GET"] for row in github.TABLE.rows if row.accepted.get("GET")]
    assert len(reads) > 20
    for groups in reads:
        assert {f"{each.partition(':')[0]}:write" for each in groups or ()} <= (groups or set())


def test_a_branch_has_slashes_in_its_name() -> None:
    wanted = frozenset({"contents:read", "contents:write"})
    assert github.accepted("GET", "/repos/acme/harbor/git/ref/heads/feature/x") == wanted
    assert github.accepted("GET", "/repos/acme/harbor/branches/feature/x") == wanted


def test_two_rows_for_one_route_are_a_mistake() -> None:
    row = Row("/zones", {"GET": frozenset({"Zone Read"})}, ("a source",))
    with pytest.raises(ValueError, match=r"two rows for \['GET'\] /zones"):
        Table([row, row])
