"""The two files in which a stage's secrets are kept, encrypted, and when each was stored (pure but for the files)."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import required_secrets as identity_secrets
from bulkhead.model.product import Product
from bulkhead.model.settings.keys import required_secrets
from bulkhead.model.settings.paths import ROTATED, SECRETS, stack_file
from bulkhead.model.settings.reader import StackFile, read

IDENTITIES: Final = "identities"
# A list whose items stand further right than the key of it, as in the files that we ship.
_INDENTED_LIST: Final = re.compile(r"(?m)^( *)[^\s#-].*:.*\n(?: *#.*\n)*\1 +- ")


@dataclass(frozen=True, slots=True)
class Keeper:
    """One stack of a stage and the secrets it keeps. ``folder`` is that of its project, below the checkout."""

    folder: str
    stack: str
    required: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file, as seen from the checkout."""
        return str(Path(self.folder) / stack_file(self.stack))

    def command(self, verb: str, backend: str | None = None) -> str:
        """Return a Pulumi command about the stack, as a person types it in the checkout, with the place of its state
        where it is known."""
        place = f"PULUMI_BACKEND_URL='{backend}' " if backend else ""
        where = f" -C {self.folder}" if self.folder else ""
        return f"{place}pulumi {verb}{where} --stack {self.stack}"


def keepers(product: Product, stack: str) -> tuple[Keeper, Keeper]:
    """Return the keepers of a stage's secrets: the stack of its identities, and the stage itself."""
    return (
        Keeper(IDENTITIES, stack, identity_secrets(product)),
        Keeper("", stack, required_secrets(product)),
    )


def opened(root: Path, keeper: Keeper) -> StackFile:
    """Return a keeper's file; an empty one where the stack has not been initialised."""
    path = root / keeper.name
    if not path.exists():
        return StackFile(keeper.name, keeper.stack)
    file = read(path, keeper.name)
    # After `pulumi stack init` a file says how secrets are encrypted, and has no config yet.
    begun = "config" not in file.lines
    return replace(file, faults=tuple(fault for fault in file.faults if not (begun and fault.key == "config")))


def changeable(root: Path, keeper: Keeper) -> StackFile:
    """Return a keeper's file that is about to be changed. Raises Refused when it has faults: parts of the file may not
    have been read, and writing it back would lose them; and when it cannot be written, before anybody is asked for a
    secret that would then be in half of the files."""
    file = opened(root, keeper)
    if file.faults:
        raise Refused(f"{keeper.name} was left as it is, because it cannot be read for certain.", file.faults)
    try:
        _try_to_write(root / keeper.name)
    except OSError as error:
        message = f"cannot be written: {os.strerror(error.errno or 0)}"
        fix = "run this in a checkout that this user may write"
        raise Refused("Nothing was changed.", [Fault("", message, fix, keeper.name)]) from error
    return file


def _try_to_write(path: Path) -> None:
    """Raise OSError where `write_config`, which needs the folder, or the Pulumi CLI, which needs the file, would."""
    with tempfile.TemporaryFile(dir=path.parent):
        pass
    if path.exists():
        path.open("r+b").close()


def stored(file: StackFile) -> frozenset[str]:
    """Return the names of the secrets in a file that are encrypted there."""
    return frozenset(key.removeprefix(f"{SECRETS}:") for key in file.secret_keys if key.startswith(f"{SECRETS}:"))


def in_the_clear(file: StackFile) -> frozenset[str]:
    """Return the names of the secrets in a file that are not encrypted."""
    keys = {key for key in file.config if key.startswith(f"{SECRETS}:")} - file.secret_keys
    return frozenset(key.removeprefix(f"{SECRETS}:") for key in keys)


def stored_on(file: StackFile, name: str) -> date | None:
    """Return the day a secret was stored, None where nobody wrote it down."""
    with contextlib.suppress(ValueError):
        return date.fromisoformat(str(file.config.get(f"{ROTATED}:{name}")))
    return None


def write_config(path: Path, values: Mapping[str, Any]) -> None:
    """Set keys of a stack file's ``config`` and keep everything else, comments and line ends included; the file is
    replaced atomically, also behind a link."""
    path = path.resolve()
    yaml = YAML()
    yaml.width = 10_000
    yaml.preserve_quotes = True
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    windows = path.exists() and b"\r\n" in path.read_bytes()
    if _INDENTED_LIST.search(text):
        yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(text)
    content = content if isinstance(content, dict) else {}
    content.setdefault("config", {})
    content["config"] = content["config"] or {}
    content["config"].update(values)
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\r\n" if windows else "\n") as file:
            yaml.dump(content, file)
        Path(new).chmod(path.stat().st_mode if path.exists() else 0o644)
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
