"""Whatever a page of the repository names, is there: files, names in files, links and headings."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
# Its table says where everything was before it was moved.
HISTORY: Final = {"docs/adr/0017-one-package.md"}
_FENCED: Final = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_PATH: Final = re.compile(r"((?:[\w.*-]+/)+[\w.*-]*)(?:: (\w+))?")
_LINK: Final = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
_SUFFIXES: Final = (".html", ".json", ".lock", ".md", ".mjs", ".py", ".toml", ".ts", ".yaml", ".yml")


@cache
def files() -> frozenset[str]:
    """Return every file that is or could be committed: what is only left over on this machine is nowhere else."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(name for name in listed.split("\0") if name and (ROOT / name).exists())


@cache
def places() -> frozenset[str]:
    """Return every file, and every folder with a slash at its end."""
    folders = {f"{parent}/" for name in files() for parent in Path(name).parents if parent != Path()}
    return files() | folders


def pages() -> list[str]:
    return sorted(name for name in files() if name.endswith(".md"))


def named(text: str) -> Iterator[tuple[str, str]]:
    """Yield each path that is set as code, with what is said to stand in it. ``<package>`` and STAGE are any."""
    tops = {name.partition("/")[0] for name in places() if "/" in name}
    for code in _CODE.findall(_FENCED.sub("", text)):
        match = _PATH.fullmatch(re.sub(r"<\w+>|\bSTAGE\b", "*", code))
        if match and (match[1].partition("/")[0] in tops or match[1].endswith(_SUFFIXES)):
            yield match[1], match[2] or ""


def is_there(path: str, name: str, page: str) -> bool:
    """Return whether a path leads somewhere, from the repository or from its page, and ``name`` is defined there."""
    beside = f"{Path(page).parent}/{path}".removeprefix("./")
    found = [each for each in places() for one in (path, f"{path}/", beside) if fnmatchcase(each, one)]
    return any(not name or _defines(each, name) for each in found)


def _defines(file: str, name: str) -> bool:
    text = (ROOT / file).read_text(encoding="utf-8") if file in files() else ""
    return re.search(rf"^ *(?:def |class |async def )?{name}\b", text, re.MULTILINE) is not None


@pytest.mark.parametrize("page", pages())
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    wrong = [f"{path} {name}" for path, name in named(_text(page)) if not is_there(path, name, page)]
    assert page in HISTORY or not wrong


@pytest.mark.parametrize("page", pages())
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for target in _LINK.findall(_text(page)):
        file, _, heading = target.partition("#")
        there = (ROOT / page).parent / file if file else ROOT / page
        assert there.exists(), target
        if heading:
            text = there.read_text(encoding="utf-8")
            assert heading in {_anchor(line) for line in text.splitlines() if line.startswith("#")}, target


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`infra/stage.py` and `infra/`", []),
        ("`infra/stage.py: deploy`", []),
        ("`infra/stage.py: demolish`", ["infra/stage.py"]),
        ("`infra/blueprint.py`", ["infra/blueprint.py"]),
        ("`operations/rest.py`", ["operations/rest.py"]),
        ("`policies/rules/<theme>.py`, `identities/Pulumi.STAGE.yaml`", ["identities/Pulumi.*.yaml"]),
        ("`bulkhead/nowhere/`", ["bulkhead/nowhere/"]),
        ("`aws:s3/bucket:Bucket` and `GET /api/bookings`", []),
        ("```\n`infra/blueprint.py`\n```", []),
    ],
)
def test_a_path_that_is_not_there_is_found(text: str, wrong: list[str]) -> None:
    assert [path for path, name in named(text) if not is_there(path, name, "README.md")] == wrong


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")
