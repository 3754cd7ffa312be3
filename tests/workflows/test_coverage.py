"""The unit tests are stopped when they run too little of our own code (QLT-1)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def words() -> list[str]:
    """Return the words of coverage with which `make unit` calls pytest."""
    recipe = re.search(r"^unit: install\n\t@\$\(BIN\)/pytest (.+)$", MAKEFILE, re.MULTILINE)
    least = re.search(r"^LEAST_COVERED := (\S+)$", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    assert least is not None
    assert float(least[1]) >= 45.5
    return [word for word in recipe[1].replace("$(LEAST_COVERED)", least[1]).split() if word.startswith("--cov")]


@pytest.mark.slow
@pytest.mark.parametrize(("untested", "stopped"), [(8, False), (40, True)])
def test_too_little_of_our_own_code_stops_the_unit_tests(tmp_path: Path, untested: int, stopped: bool) -> None:
    body = "\n".join(f"    b = {n}" for n in range(untested))
    (tmp_path / "ours.py").write_text(f"def tested():\n    return 1\n\n\ndef untested():\n{body}\n" + "a = 1\n" * 10)
    (tmp_path / "test_ours.py").write_text("import ours\n\n\ndef test_it():\n    assert ours.tested() == 1\n")
    (tmp_path / "pyproject.toml").write_text('[tool.coverage.run]\nsource = ["."]\nomit = ["test_*"]\n')
    called = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words()]
    done = subprocess.run(called, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is stopped, done.stdout + done.stderr
    assert ("not reached" in done.stdout + done.stderr) is stopped
