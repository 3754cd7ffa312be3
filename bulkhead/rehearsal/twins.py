"""A stack on the redacted twin of its state, as a preview of a pull request has it (bulkhead/twin/state.py): the same
program and clouds, and neither the backend nor the passphrase of the stack itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML

from bulkhead.engine import state
from bulkhead.engine.stacks import StageStack
from bulkhead.engine.workspace import Workspace
from bulkhead.model.settings.paths import stack_file
from bulkhead.twin.state import CIPHERTEXT, PASSPHRASE, SALT, redact


def twin_of(
    stack: StageStack, folder: Path, chosen: Mapping[str, Any] = MappingProxyType({}), *, part: str = "twin"
) -> StageStack:
    """Write the twin of ``stack`` into ``folder``, which must not exist yet, and return a stack that works on it.

    ``chosen`` are settings that count instead of the stack's; ``part`` names the twin in logs and events. Raises
    Refused where the state holds a value that looks like a secret and is not marked as one.
    """
    twin = redact(stack.export(), stack.workspace.project, stack.name)
    theirs = stack.workspace
    files = Workspace(theirs.project, theirs.stack, folder / "work", {})
    backend = folder / "state"
    settings = _read(theirs.path / stack_file(stack.name))
    redacted = {key: _with_placeholders(value) for key, value in settings["config"].items()}
    _write(files.path / "Pulumi.yaml", _read(theirs.path / "Pulumi.yaml"))
    _write(files.path / stack_file(stack.name), {"encryptionsalt": SALT, "config": redacted | dict(chosen)})
    for path, content in state.backend(twin.body(), theirs.project, stack.name).items():
        _write(backend / path, content)
    return stack.elsewhere(part, files, backend, PASSPHRASE)


def _with_placeholders(value: Any) -> Any:
    """Return a setting with the placeholder in the place of each secret, however deep."""
    if isinstance(value, dict):
        secret = value.keys() == {"secure"}
        return {"secure": CIPHERTEXT} if secret else {name: _with_placeholders(part) for name, part in value.items()}
    return [_with_placeholders(part) for part in value] if isinstance(value, list) else value


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return content


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
