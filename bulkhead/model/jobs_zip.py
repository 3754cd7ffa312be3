"""What is deployed to AWS Lambda: the room `jobs/` as a zip, which is the same bytes wherever it is made.

Nothing is compressed, because releases of zlib compress differently; times and modes are fixed. So a stage changes
when a job does, and for no other reason.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkhead.model import project

ROOM: Final = "jobs"
_UNIX: Final = 3
_MODE: Final = 0o100644
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first time that the format knows
_RELEASE_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class JobsZip:
    """The archive, and its SHA-256 in hex digits."""

    content: bytes
    sha256: str

    @property
    def release(self) -> str:
        """What a job's log calls the code that runs."""
        return self.sha256[:_RELEASE_LENGTH]

    def written(self, folder: Path) -> Path:
        """Write the archive into a folder, under a name that tells its content; return its path."""
        path = folder / f"{ROOM}-{self.sha256}.zip"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_bytes(self.content)
            new.replace(path)
        return path


def jobs_zip() -> JobsZip:
    """Return the archive of this checkout's jobs."""
    root = project.ROOT
    return packed({path.relative_to(root).as_posix(): path.read_bytes() for path in (root / ROOM).rglob("*.py")})


def packed(files: Mapping[str, bytes]) -> JobsZip:
    """Return an archive of these files, by their paths in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = _UNIX, _MODE << 16
            archive.writestr(info, files[name])
    content = made.getvalue()
    return JobsZip(content, hashlib.sha256(content).hexdigest())
