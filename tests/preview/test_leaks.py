"""Secrets are found in whatever form they were written down, and told by name and place only."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from bulkhead.preview.leaks import leaks, too_short

SECRET = 'kE/9 "quoted"+\\ü=secret-value'
NAMED = {"token": SECRET}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        f"before{SECRET}after",
        json.dumps({"a": SECRET}),
        json.dumps({"a": SECRET}, ensure_ascii=False),
        json.dumps({"a": SECRET})[1:-1].replace("/", "\\/"),
        html.escape(SECRET),
        quote(SECRET),
        f"?a={quote(SECRET, safe='').lower()}".replace("ke", "kE"),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        encoded(SECRET),
        encoded(f"x{SECRET}"),
        encoded(f"user:{SECRET}@host"),
        encoded(f"xy{SECRET}z"),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
        f"0x{SECRET.encode().hex().upper()}00",
        encoded(encoded(SECRET)),
        encoded(json.dumps({"a": SECRET})),
        json.dumps({"a": f"Basic {encoded(quote(SECRET))} and more"}),
        json.dumps({"a": json.dumps({"b": json.dumps({"c": SECRET})})}),
    ],
)
def test_a_secret_is_found_in_every_form(written: str) -> None:
    [leak] = leaks(f"nothing\n{written}\nnothing", NAMED)
    assert (leak.name, leak.line) == ("token", 2)
    assert SECRET not in str(leak)


TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ4sT6vW8yZ0cF2xR5uL3"
WEBHOOK = "https://hooks.slack.com/" + "services/T0ABCDEFG/B0ABCDEFG/" + "aB3dE5gH7jK9mN1pQ4sT6vW8"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (TOKEN, TOKEN[:20]),
        (TOKEN, TOKEN[:-1] + "*"),
        (TOKEN, f"{TOKEN[:24]}..."),
        (TOKEN, encoded(f"user:{TOKEN[:30]}")),
        (TOKEN, TOKEN[:24].encode().hex()),
        (WEBHOOK, WEBHOOK[:60]),
        ("9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d65..."),
        ("correct-horse-2026-battery", "correct-horse-2026-b"),
    ],
)
def test_a_long_beginning_of_a_secret_is_found(secret: str, shown: str) -> None:
    [leak] = leaks(f"it begins with {shown}", {"token": secret})
    assert leak.form.startswith("its beginning, ")


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (WEBHOOK, "https://hooks.slack.com/services/T0ABCDEFG/B0ABC"),
        ("harbor-production-session-key-2026", "harbor-production-session-store"),
        ("postgres://harbor:" + "pw12345@db.harbor.example/harbor", "postgres://harbor"),
        ("-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----"),
        (
            "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
            "a -----BEGIN " + "PRIVATE KEY-----",
        ),
        (
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIx" + "MjM0In0.c2lnbmF0dXJl",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        ),
        (TOKEN, "ghp_ is how a token begins"),
    ],
)
def test_what_many_texts_begin_with_is_no_secret(secret: str, shown: str) -> None:
    assert leaks(shown, {"token": secret}) == ()


def test_the_form_is_told() -> None:
    forms = [leaks(text, {"n": "a/secret+value"})[0].form for text in ("a/secret+value", "a%2Fsecret%2Bvalue")]
    assert forms == ["as it is", "escaped for a URL"]
    assert leaks(encoded("a/secret+value"), {"n": "a/secret+value"})[0].form == "in base64"


def test_each_secret_is_told_once_a_line() -> None:
    found = leaks(f"{SECRET} {SECRET} other-secret\n{SECRET}", {**NAMED, "other": "other-secret"})
    assert [(leak.name, leak.line) for leak in found] == [("token", 1), ("other", 1), ("token", 2)]


def test_of_a_secret_of_several_lines_each_is_looked_for() -> None:
    key = {"key": "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"}
    assert [leak.line for leak in leaks("a\nb MIIEvQIBADANBg c", key)] == [2]


def test_nothing_is_found_where_nothing_is() -> None:
    assert leaks("an ordinary text\nabc", {**NAMED, "short": "abc", "empty": ""}) == ()
    assert too_short({**NAMED, "short": "abc", "empty": ""}) == ("empty", "short")
