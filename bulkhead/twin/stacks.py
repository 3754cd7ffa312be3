"""A stack on the redacted twin of its state (bulkhead/twin/state.py), as in a preview of a pull request: the same
program and clouds, but another backend and passphrase."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bulkhead.engine import state
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.engine.workspace import Workspace, write_files
from bulkhead.model.project import read_project
from bulkhead.twin.state import PASSPHRASE, SALT, redact
from bulkhead.twin.workspace import twin_settings


def twin_of(
    stack: InlineStack,
    folder: Path,
    chosen: Mapping[str, Any] = MappingProxyType({}),
    *,
    part: str = "twin",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> InlineStack:
    """Write the twin of ``stack`` into ``folder``, which must not exist yet, and return a stack that works on it.

    ``chosen`` are settings that override the stack's; ``part`` names the twin in logs and events;
    ``environment`` are variables of its own engine. Raises Refused where
    the state holds a value that looks like a secret and is not marked as one.
    """
    twin = redact(stack.export(), stack.workspace.project, stack.name)
    original = stack.workspace
    files = Workspace(original.project, original.stack, folder / "work", {})
    backend = folder / "state"
    settings = twin_settings(original.path, stack.name) | dict(chosen)
    write_files(files.path, read_project(original.path), stack.name, salt=SALT, config=settings)
    for path, content in state.backend(twin.body(), original.project, stack.name).items():
        (backend / path).parent.mkdir(parents=True, exist_ok=True)
        (backend / path).write_text(json.dumps(content), encoding="utf-8")
    return stack.elsewhere(part, files, backend, PASSPHRASE, environment)
