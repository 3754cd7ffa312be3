"""Cron expressions are taken as Cloudflare's own parser takes them."""

from __future__ import annotations

import pytest

from bulkhead.model.crons import cron_fault


@pytest.mark.parametrize(
    "cron",
    [
        *(
            "* * * * *",
            "0 0 1 1 1",
            "59 23 31 12 7",
            "*/5 * * * *",
            "5/10 * * * *",
            "0-30/5 * * * *",
            "1,2,3-5 * * * *",
        ),
        *("0 0 L * *", "0 0 LW * *", "0 0 L-3 * *", "0 0 L-30W * *", "0 0 15W * *", "0 0 1,15 * *", "0 0 */2 * *"),
        *("0 0 * JAN-jun *", "0 0 * feb *", "0 0 * */3 *", "0 0 * * SUN", "0 0 * * mon-fri", "0 0 * * 2-6"),
        *(
            "0 0 * * L",
            "0 0 * * 6L",
            "0 0 * * FRIL",
            "0 0 * * 2#1",
            "0 0 * * TUE#5",
            "0 22-2 * * *",
            "59/59 * * * *",
            "0  0\t* * *",
        ),
    ],
)
def test_what_cloudflare_takes_is_right(cron: str) -> None:
    assert cron_fault(cron) == ""


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("60 * * * *", "minute"),
        ("*/60 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("0 25 * * *", "hour"),
        ("0 0 0 * *", "day of the month"),
        ("0 0 32 * *", "day of the month"),
        ("0 0 32W * *", "day of the month"),
        ("0 0 L-31 * *", "day of the month"),
        ("0 0 L-0 * *", "day of the month"),
        ("0 0 ? * *", "day of the month"),
        ("0 0 l * *", "day of the month"),
        ("0 0 15W,20 * *", "day of the month"),
        ("0 0 * 0 *", "month"),
        ("0 0 * 13 *", "month"),
        ("0 0 * JANUARY *", "month"),
        ("0 0 * * 0", "SUN, which is 1"),
        ("0 22 * * 0,6", "weekday"),
        ("0 0 * * 8", "weekday"),
        ("0 0 * * 1-8", "weekday"),
        ("0 0 * * SUNDAY", "weekday"),
        ("0 0 * * 2#6", "weekday"),
        ("0 0 * * fril", "weekday"),
        ("0 0 * * */7", "weekday"),
        ("a * * * *", "minute"),
        (", * * * *", "minute"),
        ("1- * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("*-5 * * * *", "minute"),
        ("@daily", "five fields"),
        ("0 0 0 * * *", "five fields"),
        ("", "five fields"),
        (" 0 0 * * *", "five fields"),
    ],
)
def test_what_cloudflare_refuses_is_named(cron: str, said: str) -> None:
    assert said in cron_fault(cron)


def test_every_field_is_named_at_once() -> None:
    assert all(
        name in cron_fault("60 24 0 13 0") for name in ("minute", "hour", "day of the month", "month ", "weekday")
    )
