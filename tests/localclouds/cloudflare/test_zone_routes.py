"""Of several routes that match a request, the most specific one counts."""

from __future__ import annotations

import re

import pytest

from bulkhead.localclouds.cloudflare import zone_routes
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t


def taken(url: str, *patterns: str) -> str | None:
    """Return the pattern of the route that takes a request."""
    records = [
        Record(t.WORKERS_ROUTE, str(nth), "staging", "zone", "", {"pattern": each, "script": each}, {})
        for nth, each in enumerate(patterns)
    ]
    rules = zone_routes.rules(records, patterns)
    return next((rule["worker"] for rule in rules if re.match(rule["matches"], url)), None)


@pytest.mark.parametrize(
    ("url", "less", "more"),
    [
        ("https://a.example.com/a", "*.example.com/a", "a.example.com/*"),  # both from the page of known issues
        ("https://example.com/images/hello", "example.com/images/*", "example.com/images*"),
        ("https://example.com/a/b", "example.com/*", "example.com/a/*"),
        ("https://example.com/a", "example.com/a*", "example.com/a"),
        ("https://www.example.com/", "*example.com/*", "*.example.com/*"),
        ("https://www.example.com/", "*/*", "*.example.com/*"),
        ("https://example.com/", "example.com/*", "https://example.com/*"),
    ],
)
def test_the_more_specific_route_takes_a_request(url: str, less: str, more: str) -> None:
    assert taken(url, less, more) == taken(url, more, less) == more


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("https://www.example.com/", "example.com/*"),
        ("https://examplescom/", "example.com/*"),
        ("https://example.com/", "http://example.com/*"),
        ("https://example.com/ab", "example.com/a"),
        ("https://example.com/a?b", "example.com/a"),
    ],
)
def test_a_route_takes_no_other_request(url: str, pattern: str) -> None:
    assert taken(url, pattern) is None


def test_a_route_without_a_worker_that_exists_lets_requests_pass() -> None:
    record = Record(t.WORKERS_ROUTE, "1", "staging", "zone", "", {"pattern": "example.com/*", "script": "gone"}, {})
    assert zone_routes.rules([record], {"web"})[0]["worker"] is None
