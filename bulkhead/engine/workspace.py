"""The generated copy of a stage's files that the engine works on; the checkout itself is only read.

The engine may rewrite a stack's settings file at any time, and only the stage's owner can decrypt the secrets of the
real file. So each stage gets a folder with a Pulumi.yaml and a Pulumi.<stack>.yaml of its own: the same settings,
every secret replaced by a canary, encrypted with the run's passphrase. The encryption is done here, in the engine's
own format, because handing a secret to `pulumi config set` would show it to every user of the machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bulkhead.engine.canaries import canary
from bulkhead.engine.environment import apart, attached
from bulkhead.machine.environment import child_environment
from bulkhead.machine.rundir import RunDir
from bulkhead.model.faults import Refused
from bulkhead.model.project import FILE, read_project
from bulkhead.model.settings import reader
from bulkhead.model.settings.paths import SECRETS, spell, stack_file
from bulkhead.model.settings.paths import Path as SettingPath

# The engine's passphrase provider: PBKDF2-HMAC-SHA256, one million rounds, 256 bits, 8 bytes of salt
# (pulumi/pulumi, sdk/go/common/resource/config/crypt.go and pkg/secrets/passphrase/manager.go).
_ROUNDS: Final = 1_000_000
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 8
_NONCE_BYTES: Final = 12


class Cipher:
    """Encrypts and decrypts as the engine's passphrase provider does, with a ``salt`` of its own or the one that a
    stack has. Making one costs about a third of a second."""

    def __init__(self, passphrase: str, salt: str | None = None) -> None:
        random = os.urandom(_SALT_BYTES) if salt is None else base64.b64decode(salt.split(":")[1])
        self._aead = AESGCM(hashlib.pbkdf2_hmac("sha256", passphrase.encode(), random, _ROUNDS, _KEY_BYTES))
        # The engine recognises a wrong passphrase by failing to decrypt this known word.
        self.salt = salt or f"v1:{_base64(random)}:{self.encrypt('pulumi')}"

    def encrypt(self, text: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        return f"v1:{_base64(nonce)}:{_base64(self._aead.encrypt(nonce, text.encode(), None))}"

    def decrypt(self, ciphertext: str) -> str:
        _, nonce, encrypted = ciphertext.split(":")
        return self._aead.decrypt(base64.b64decode(nonce), base64.b64decode(encrypted), None).decode()


@dataclass(frozen=True, slots=True)
class Workspace:
    """The files of one stage for the engine. ``canaries`` maps each secret's name (`githubToken`; the whole key
    outside the `secrets:` namespace) to the worthless value that replaces it; ``cipher`` has encrypted them."""

    project: str
    stack: str
    path: Path
    canaries: dict[str, str]
    cipher: Cipher | None = None

    def keep_secret(self, name: str, value: str) -> None:
        """Replace a canary by a value that another stack has made; from now on that is the one to be looked for. Call
        it before the engine has worked on these files: it may write them in another form."""
        if self.cipher is None:
            raise ValueError(f"{self.path} has no secrets")
        file = self.path / stack_file(self.stack)
        settings = json.loads(file.read_text(encoding="utf-8"))
        settings["config"][f"{SECRETS}:{name}"] = {"secure": self.cipher.encrypt(value)}
        file.write_text(json.dumps(settings, indent=2), encoding="utf-8")
        self.canaries[name] = value


def prepare(
    checkout: Path,
    run: RunDir,
    stack: str,
    required: Iterable[str],
    cipher: Cipher,
    chosen: Mapping[str, Any] = MappingProxyType({}),
) -> Workspace:
    """Write the copy of ``stack`` and return it.

    ``required`` are the names of secrets that the stage needs (`githubToken`), whether or not its file has them;
    ``chosen`` are settings that override the file's. Raises Refused when a file is missing or unreadable.
    """
    settings = reader.read(checkout / stack_file(stack))
    if settings.faults:
        raise Refused(f"Stage {stack} cannot be rehearsed: its settings are not readable.", settings.faults)
    planted = {**settings.config, **chosen, **{f"{SECRETS}:{name}": reader.ENCRYPTED for name in required}}
    return _prepared(checkout, run, run.work(stack), stack, planted, cipher)


def prepare_identities(
    checkout: Path, run: RunDir, stack: str, required: Iterable[str], cipher: Cipher, chosen: Mapping[str, Any]
) -> Workspace:
    """Write the workspace for the identities of ``stack``, configured with ``chosen`` alone: their real file belongs
    to a person. Raises Refused as `prepare` does."""
    planted = {**chosen, **{f"{SECRETS}:{name}": reader.ENCRYPTED for name in required}}
    return _prepared(checkout / "identities", run, run.work(f"{stack}-identities"), stack, planted, cipher)


def _prepared(
    folder: Path, run: RunDir, path: Path, stack: str, planted: Mapping[str, Any], cipher: Cipher
) -> Workspace:
    """Write a project's files into ``path``, every secret in ``planted`` replaced by a canary."""
    project = read_project(folder)
    canaries: dict[str, str] = {}

    def plant(at: SettingPath) -> dict[str, str]:
        name = spell(at).removeprefix(f"{SECRETS}:")
        canaries[name] = canary(name, stack, run.passphrase)
        return {"secure": cipher.encrypt(canaries[name])}

    config = reader.replace_encrypted(planted, plant)
    # No `main`, `backend`, `plugins` or runtime options: the program runs in this process, the state is the run's own.
    copied: dict[str, Any] = {key: project[key] for key in ("name", "description", "config") if key in project}
    write_files(path, {**copied, "runtime": "python"}, stack, salt=cipher.salt, config=config)
    return Workspace(project["name"], stack, path, canaries, cipher)


def write_files(folder: Path, project: Mapping[str, Any], stack: str, *, salt: str, config: Mapping[str, Any]) -> None:
    """Write a project file and the settings of one stack into ``folder``. With ``salt`` the engine checks the
    passphrase that encrypts their secrets."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((FILE, project), (stack_file(stack), {"encryptionsalt": salt, "config": config})):
        # JSON is YAML in which no scalar can be mistaken for one of another type.
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")


def engine_environment(run: RunDir, *, providers: Mapping[str, int], tools: Iterable[Path] = ()) -> dict[str, str]:
    """Return the engine's whole environment.

    ``providers`` maps a package to the port its provider listens on. ``tools`` are folders to look in before PATH.
    """
    environment = child_environment(home=str(run.home), mark=run.mark)
    nowhere = "http://127.0.0.1:9"  # the discard port: whatever would leave this machine is refused instead
    return {
        **environment,
        "PATH": os.pathsep.join([*map(str, tools), environment.get("PATH", os.defpath)]),
        "TMPDIR": str(run.tmp),
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
        "PULUMI_AUTOMATION_API": "true",
        # An engine lives for seconds: collecting what it drops takes a tenth of its time. Beyond the limit it does so.
        "GOGC": "off",
        "GOMEMLIMIT": "512MiB",
        **apart(run.home, run.state, run.passphrase),
        **attached(providers),
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
