"""One measurement in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import children
from bulkhead.model.failures import Failed


def test_a_process_is_timed_and_its_document_is_read(tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text('{"seconds": 1.5}')
    once = children.run("-m", "json.tool", str(document))
    assert once.said == {"seconds": 1.5}
    assert 0.0 < once.wall < 60.0
    assert 0.0 < once.processor < 60.0


def test_what_ends_badly_or_says_no_json_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"it ended with [1-9]") as failed:
        children.run("-m", "json.tool", str(tmp_path / "none"))
    assert "No such file" in failed.value.details[-1]
    with pytest.raises(Failed, match="could not be measured: it ended with 0"):
        children.run("-m", "this")


def test_what_comes_before_is_not_timed_and_what_is_printed_is_no_result() -> None:
    once = children.timed("print('a word')\nslept", before="slept = time.sleep(0.5)")
    assert 0.0 <= once.said["seconds"] < 0.5 < once.wall


def test_only_the_work_of_the_processor_counts_as_processor_time() -> None:
    once = children.timed("time.sleep(1.0)")
    assert once.said["seconds"] >= 1.0
    idle = children.timed("pass")
    assert once.processor < idle.processor + 0.5
