"""Long text on the disk: written once, read as often as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.machine.spool import Spool


def test_what_was_written_is_read_as_often_as_one_likes(tmp_path: Path) -> None:
    spool = Spool(["one\n", "zw\u00f6lf\n"])
    assert next(iter(spool)) == "one\n"
    spool.write("three")
    assert list(spool) == list(spool) == ["one\n", "zw\u00f6lf\n", "three"]
    spool.copy(tmp_path / "copy")
    spool.write("!\n")
    assert (tmp_path / "copy").read_text(encoding="utf-8") == "one\nzw\u00f6lf\nthree"
    assert list(spool)[-1] == "three!\n"


@pytest.mark.parametrize(("lines", "blank"), [([], True), (["\n", "  "], True), (["\n", "a\n"], False)])
def test_it_knows_whether_anything_was_said(lines: list[str], blank: bool) -> None:
    assert Spool(lines).blank is blank
