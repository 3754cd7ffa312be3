"""`make audit` stops at what is known of one dependency, whichever it is, and where nobody can be asked."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(
    str(path.parent.relative_to(ROOT))
    for path in [ROOT / "worker" / "package-lock.json", *(ROOT / "tools").glob("*/package-lock.json")]
)


def audited(folder: Path, pip: str = "exit 0", npm: str = "exit 0") -> tuple[int, list[str]]:
    """Run the recipe with programs that write down how they were called."""
    recipe = re.search(r"^audit:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    for name, script in (("pip-audit", pip), ("npm", npm)):
        file = folder / name
        file.write_text(f'#!/bin/bash\necho "{name} $*" >> {folder}/asked\n{script}\n')
        file.chmod(0o755)
    lines = [line.removeprefix("\t@") for line in recipe[1].splitlines()]
    text = "\n".join(lines).replace("$(BIN)", str(folder)).replace("$(ACCEPTED)", "").replace("$$", "$")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=ROOT,
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    return done.returncode, (folder / "asked").read_text().splitlines()


def test_everything_that_a_lock_pins_is_asked_about(tmp_path: Path) -> None:
    code, asked = audited(tmp_path)
    assert code == 0
    assert asked[0].startswith("pip-audit --disable-pip --require-hashes --requirement requirements.lock")
    assert len(LOCKS) >= 5
    assert sorted(re.findall(r"--prefix (\S+) audit", "\n".join(asked))) == LOCKS
    assert not any("--omit" in call or "--dry-run" in call for call in asked)


@pytest.mark.parametrize("at", ["pip", *LOCKS])
def test_what_is_known_of_one_dependency_stops_it(tmp_path: Path, at: str) -> None:
    if at == "pip":
        code, _ = audited(tmp_path, pip="exit 1")
    else:
        code, _ = audited(tmp_path, npm=f'[ "$2" != {at} ]')
    assert code != 0


def test_no_dependency_is_accepted_without_a_reason() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    accepted = re.search(r"^ACCEPTED :=(.*)$", makefile, re.MULTILINE)
    assert accepted is not None
    for number in re.findall(r"--ignore-vuln (\S+)", accepted[1]):
        assert re.search(rf"^# .*{re.escape(number)}.* because ", makefile, re.MULTILINE), number
