"""Texts in a plan, wherever they hide."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bulkhead.resources.planned import Sealed
from bulkhead.resources.texts import at_path, texts
from bulkhead.resources.values import UNKNOWN

ENCODED = base64.b64encode(b"harbor-production-worker").decode()
WORKERS = "harbor-production-worker " * 9


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ({"a": "x"}, "a", "x"),
        ({"a": [{"name": "DB", "id": "x"}]}, "a[DB].id", "x"),
        ({"a": [{"Sid": "Read", "id": "x"}]}, "a[Read].id", "x"),
        ({"a": ["y", "x"]}, "a[1]", "x"),
        ({"a": {"x.y": "*"}}, "a.x.y", "x.y"),
        ({"a": 111122223333.0}, "a", "111122223333"),
        ({"a": json.dumps({"b": ["x"]})}, "a (JSON).b[0]", "x"),
        ({"a": json.dumps({"b": json.dumps({"c": "x"})})}, "a (JSON).b (JSON).c", "x"),
        ({"a": "q=harbor%2Dproduction"}, "a (URL)", "q=harbor-production"),
        ({"a": ENCODED}, "a (base64)", "harbor-production-worker"),
        ({"a": f"Basic {ENCODED}"}, "a (base64)", "harbor-production-worker"),
        ({"a": base64.urlsafe_b64encode(b"<<harbor>>??production").decode().rstrip("=")}, "a (base64)", None),
        ({"a": f"https://x.example/{ENCODED}/y"}, "a (base64)", "harbor-production-worker"),
        ({"a": base64.encodebytes(b"harbor-production-worker " * 9).decode()}, "a (base64)", WORKERS),
        ({"a": f"x {ENCODED.encode().hex()} y"}, "a (hexadecimal)", ENCODED),
        ({"a": f"x {ENCODED.encode().hex().upper()} y"}, "a (hexadecimal) (base64)", "harbor-production-worker"),
        ({"a": "q=harbor%25252Dproduction"}, "a (URL)", "q=harbor-production"),
        ({"a": 'config = {"b": "har\\u0062or"}; [1]'}, "a (JSON).b", "harbor"),
        ({"a": json.dumps(json.dumps({"b": "häfen"}))}, "a (JSON) (JSON).b", "häfen"),
        (
            {"a": base64.b64encode(json.dumps({"b": "x", "c": "and more"}).encode()).decode()},
            "a (base64) (JSON).b",
            "x",
        ),
    ],
)
def test_a_text_is_found_with_its_place(value: Any, path: str, text: str | None) -> None:
    found = {(each.path, each.text) for each in texts(value)}
    assert (path, text if text is not None else "<<harbor>>??production") in found


def test_what_a_text_shows_is_yielded_once() -> None:
    found = [each.text for each in texts({"a": 'see {"b": "harbor"} and [["harbor"]]'})]
    assert [text for text in found if "harbor" in text] == ['see {"b": "harbor"} and [["harbor"]]']


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        'x {"a":' * 5_000,
        "x " + '[["' * 50_000,
        "%25" * 5_000,
        "{}[]" * 20_000,
        "]" * 200 + "[" * 200,
        base64.b64encode(b"[" * 3_000).decode(),
    ],
)
def test_no_text_is_too_deep(text: str) -> None:
    assert any(each.text == text for each in texts({"a": text}))


def test_what_is_sealed_stays_marked_all_the_way_down() -> None:
    found = list(texts({"a": Sealed({"b": [json.dumps({"c": "x"})]}), "d": "open"}))
    assert {each.text: each.sealed for each in found if each.text in {"x", "open"}} == {"x": True, "open": False}


def test_unknown_values_and_switches_are_no_texts() -> None:
    assert [each.text for each in texts({"a": UNKNOWN, "b": True, "c": None})] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", [("a", "x")]),
        ("b[].c", [("b[one].c", 1), ("b[1].c", 2)]),
        ("s.t", [("s.t", "sealed")]),
        ("j.k[]", [("j.k[0]", "v")]),
        ("u.v", [("u", UNKNOWN)]),
        ("b.c", []),
        ("none", []),
    ],
)
def test_values_are_found_by_path(path: str, found: list[tuple[str, Any]]) -> None:
    value = {
        "a": "x",
        "b": [{"name": "one", "c": 1}, {"c": 2}],
        "s": Sealed({"t": "sealed"}),
        "j": '{"k": ["v"]}',
        "u": UNKNOWN,
        "none": None,
    }
    assert list(at_path(value, path)) == found
