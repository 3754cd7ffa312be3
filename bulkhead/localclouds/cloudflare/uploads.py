"""The modules and assets that were uploaded to an environment: what runs is that, whatever is built later."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path


class Uploads:
    """Contents below ``folder``, each kept once, by its digest: a version that changes only a secret shares its code
    with the one before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: bytes) -> str:
        """Keep a content, and return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        file = self.file(digest)
        if not file.exists():
            self.write(file, content)
        return digest

    def write(self, file: Path, content: bytes) -> None:
        """Write a file whole or not at all: another upload may hold the same."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as new:
            new.write(content)
        Path(new.name).replace(file)

    def file(self, digest: str) -> Path:
        """Return where a content is."""
        return self._folder / digest

    def content(self, digest: str) -> bytes:
        return self.file(digest).read_bytes()
