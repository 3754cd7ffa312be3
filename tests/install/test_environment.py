"""Whether `make install` sees that an environment cannot be used any more."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.lock import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as `make` looks at, with an environment that was installed."""
    folder = tmp_path / "a checkout"
    for path in ("Makefile", "pyproject.toml", "requirements.lock", "worker/package.json"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    subprocess.run(["python3", "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (folder / ".venv" / ".installed").touch()
    return folder


def would_install(checkout: Path) -> bool:
    command = ["make", "--dry-run", "-C", str(checkout), ".venv/.installed"]
    return "uv pip sync" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_an_environment_that_works_is_left_alone(checkout: Path) -> None:
    assert not would_install(checkout)


def test_an_environment_whose_python_is_gone_is_made_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    assert would_install(checkout)


def test_an_environment_that_was_copied_from_another_checkout_is_made_again(checkout: Path) -> None:
    copy = checkout.with_name("copy")
    shutil.copytree(checkout, copy, symlinks=True)
    assert would_install(copy)
