"""A double is written in decimals where every SQLite reads those right, and nowhere else."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import pytest

from jobs.d1.values import literal


def doubles(chance: Random) -> Iterator[float]:
    for _ in range(3_000):
        yield struct.unpack(">d", chance.randbytes(8))[0]
        yield chance.uniform(-1e15, 1e15) * 10.0 ** chance.randint(-20, 0)
        yield round(chance.uniform(-1e6, 1e6), chance.randint(0, 8))
        edge = 2.0 ** chance.randint(-17, 50)
        yield from (math.nextafter(edge, 0), -math.nextafter(edge, math.inf))
    for edge in (1e-5, 1e15):
        yield from (edge, math.nextafter(edge, 0), math.nextafter(edge, math.inf))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_decimal_is_nearer_to_its_double_than_readers_err(seed: int) -> None:
    decimals = 0
    for value in doubles(Random(seed)):
        if not math.isfinite(value):
            continue
        text = literal(value)
        is_near = abs(Fraction(repr(value)) - Fraction(value)) * 5 < Fraction(math.ulp(value)) * 2
        if value.is_integer() and abs(value) < 1e15:
            assert text == repr(value)
        elif 1e-5 < abs(value) < 1e15 and is_near:
            assert text == repr(value)
            decimals += 1
        else:
            assert eval(text.strip("()")) == value  # noqa: S307 - our own arithmetic, whole numbers and powers of two
    assert decimals > 1_000
