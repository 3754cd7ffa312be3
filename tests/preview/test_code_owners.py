"""Whoever changes what judges needs its owners: everything that a run of the gate imports or reads has some."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.preview.made import Preview

ROOT = Path(__file__).resolve().parents[2]
# What a run reads of the checkout, and what decides which code runs at all.
READ = (
    ".github/CODEOWNERS",
    ".github/workflows/pull-request.yml",
    "docs/ops/known-noise.yaml",
    "docs/ops/waivers.yaml",
    "docs/ops/alarms.yaml",
    "Makefile",
    "Pulumi.yaml",
    "Pulumi.production.yaml",
    "pyproject.toml",
    "requirements.lock",
    "policies/PulumiPolicy.yaml",
    "bulkhead/preview/pack/PulumiPolicy.yaml",
)
HOLDS_DATA = ("infra/stage.py", "infra/components/stores.py", "infra/components/vault.py", "infra/components/worker.py")

# The gate as the verdict of a pull request runs it, then the pack as the engine starts it.
_RUN = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from bulkhead.cli.main import main
main(["preview", "production", "--from", sys.argv[2], "--on-twin", "--base", "HEAD", "--markdown"])
from bulkhead.preview import proposed
product = Path(sys.argv[3]).with_name("product.json")
proposed.write(Path(sys.argv[1]), "production", product, os.environ)
os.environ[proposed.FILE] = str(product)
import bulkhead.twin.preview, bulkhead.preview.pack.product, bulkhead.preview.write_product, policies.pack
files = {Path(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)}
Path(sys.argv[3]).write_text(json.dumps(sorted(map(str, files))))
"""


def lines() -> list[tuple[str, list[str]]]:
    text = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8")
    split = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(pattern, owners) for pattern, *owners in split]


def owners(file: str) -> list[str]:
    """Return the owners of a file: those of the last line that matches."""
    found = [owners_ for pattern, owners_ in lines() if covers(pattern, file)]
    return found[-1] if found else []


def covers(pattern: str, file: str) -> bool:
    assert pattern.startswith("/"), f"{pattern} would match in every folder"
    within = pattern.removeprefix("/")
    return file.startswith(within) if within.endswith("/") else fnmatchcase(file, within)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What of the checkout a run of the gate has imported."""
    folder = tmp_path_factory.mktemp("gate")
    events, seen = folder / "events.jsonl", folder / "seen.json"
    events.write_text(Preview().text)
    command = [sys.executable, "-c", _RUN, str(ROOT), str(events), str(seen)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "bulkhead preview production" in answer.stdout
    outside = ROOT / ".venv"
    files = [Path(file) for file in json.loads(seen.read_text()) if Path(file).is_relative_to(ROOT)]
    return [file.relative_to(ROOT).as_posix() for file in files if not file.is_relative_to(outside)]


def test_everything_that_judges_has_owners(imported: list[str]) -> None:
    assert {"bulkhead/preview/verdict.py", "policies/pack.py", "bulkhead/twin/preview.py"} <= set(imported)
    assert [file for file in imported if not owners(file)] == []


@pytest.mark.parametrize("file", [*READ, *HOLDS_DATA])
def test_so_has_what_it_reads_and_what_holds_data(file: str) -> None:
    assert (ROOT / file).is_file()
    assert owners(file)


def test_every_line_names_somebody_and_something_that_is_there() -> None:
    for pattern, owners_ in lines():
        assert all(owner.startswith("@") for owner in owners_), pattern
        assert owners_, f"{pattern}: a line without owners takes them away"
        assert list(ROOT.glob(pattern.strip("/"))), pattern
