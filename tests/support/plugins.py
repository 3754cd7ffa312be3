"""Programs that stand for Pulumi's plugins: all that one of them does is to say its version."""

from __future__ import annotations

from pathlib import Path


def put_plugin(folder: Path, package: str, answer: str) -> Path:
    """Put a program into ``folder`` that answers with its version as a plugin does."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"pulumi-resource-{package}"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {answer}\n', encoding="utf-8")
    program.chmod(0o755)
    return program
